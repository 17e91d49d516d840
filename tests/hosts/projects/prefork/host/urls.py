"""One view that asks a model over plain HTTP, an admin site, and the recorder's pages."""

import json
import os
import urllib.request

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from chatdebug.admin import RunAdmin, StepAdmin
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import record_run

office = AdminSite(name="office")
office.register(User)
office.register(ChatRun, RunAdmin)
office.register(ChatStep, StepAdmin)


def ask(request: HttpRequest, model: str) -> HttpResponse:
    """Answer with a model's text."""
    call = urllib.request.Request(
        f"{os.environ['PROVIDER']}/chat/completions",
        data=json.dumps(
            {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        ).encode(),
        headers={"Content-Type": "application/json"},
    )
    with record_run(chat_id=7, provider="openai", model=model) as run:
        with run.step() as step, urllib.request.urlopen(call) as response:
            answer = json.load(response)
            step.complete()
        run.complete()
    return HttpResponse(answer["choices"][0]["message"]["content"])


urlpatterns = [
    path("ask/<str:model>/", ask),
    path("debug/", include("chatdebug.urls")),
    path("office/", office.urls),
]

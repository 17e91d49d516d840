"""One view that asks a model, the admin, and the recorder's pages."""

import os

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from openai import OpenAI

from chatdebug.recorder import record_run

client = OpenAI(base_url=os.environ["PROVIDER"], api_key="unused", max_retries=0)


def ask(request: HttpRequest, model: str) -> HttpResponse:
    """Answer with a model's text, streamed to here."""
    messages = [{"role": "user", "content": "Hello"}]
    with record_run(chat_id=7, owner_id=1, provider="openai", model=model) as run:
        with run.step() as step:
            parts = client.chat.completions.create(
                model=model, messages=messages, stream=True
            )
            words = [part.choices[0].delta.content or "" for part in parts]
            step.complete()
        run.complete()
    return HttpResponse("".join(words))


urlpatterns = [
    path("ask/<str:model>/", ask),
    path("debug/", include("chatdebug.urls")),
    path("admin/", admin.site.urls),
]

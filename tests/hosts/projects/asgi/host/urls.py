"""One view in a transaction, one in the event loop, the admin and the recorder's pages."""

import os

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from openai import AsyncOpenAI, OpenAI

from chatdebug.recorder import record_run
from host.models import Person

KEYS = {"base_url": os.environ["PROVIDER"], "api_key": "unused", "max_retries": 0}
MESSAGES = [{"role": "user", "content": "Hello"}]
client = OpenAI(**KEYS)
async_client = AsyncOpenAI(**KEYS)


def ask(request: HttpRequest, model: str) -> HttpResponse:
    """Answer with a model's text. What was written before a failure is rolled back."""
    person = Person.objects.create(username=f"asks-{model}")
    with record_run(
        chat_id="conv_9f3a", owner_id=person.pk, provider="openai", model=model
    ) as run:
        with run.step() as step:
            answer = client.chat.completions.create(model=model, messages=MESSAGES)
            step.complete()
        run.complete()
    return HttpResponse(answer.choices[0].message.content)


@transaction.non_atomic_requests
async def stream(request: HttpRequest, model: str) -> HttpResponse:
    """Answer with a model's text, streamed to here in the event loop."""
    async with record_run(chat_id="conv_9f3a", provider="openai", model=model) as run:
        async with run.step() as step:
            parts = await async_client.chat.completions.create(
                model=model, messages=MESSAGES, stream=True
            )
            words = [part.choices[0].delta.content or "" async for part in parts]
            step.complete()
        run.complete()
    return HttpResponse("".join(words))


urlpatterns = [
    path("ask/<str:model>/", ask),
    path("stream/<str:model>/", stream),
    path("debug/", include("chatdebug.urls")),
    path("admin/", admin.site.urls),
]

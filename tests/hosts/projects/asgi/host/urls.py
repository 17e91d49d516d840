"""One view in a transaction, one in the event loop, the admin and the recorder's pages."""

import os

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from openai import AsyncOpenAI, OpenAI

import chatdebug
from host.models import Person

KEYS = {"base_url": os.environ["PROVIDER"], "api_key": "unused", "max_retries": 0}
MESSAGES = [{"role": "user", "content": "Hello"}]
client = OpenAI(**KEYS)
async_client = AsyncOpenAI(**KEYS)

# What the recorder's readme says.
chatdebug.instrument_openai()


def ask(request: HttpRequest, model: str) -> HttpResponse:
    """Answer with a model's text. What was written before a failure is rolled back."""
    person = Person.objects.create(username=f"asks-{model}")
    chatdebug.set_chat("conv_9f3a", person.pk)
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    return HttpResponse(answer.choices[0].message.content)


@transaction.non_atomic_requests
@chatdebug.recorded(chat_id=lambda request, model: "conv_9f3a")
async def stream(request: HttpRequest, model: str) -> HttpResponse:
    """Answer with a model's text, streamed to here in the event loop."""
    parts = await async_client.chat.completions.create(
        model=model, messages=MESSAGES, stream=True
    )
    words = [part.choices[0].delta.content or "" async for part in parts]
    return HttpResponse("".join(words))


urlpatterns = [
    path("ask/<str:model>/", ask),
    path("stream/<str:model>/", stream),
    path("debug/", include("chatdebug.urls")),
    path("admin/", admin.site.urls),
]

"""Views that ask a model, the admin, and the recorder's pages."""

import os

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path
from openai import OpenAI

import chatdebug

MESSAGES = [{"role": "user", "content": "Hello"}]
client = OpenAI(base_url=os.environ["PROVIDER"], api_key="unused", max_retries=0)

# What the recorder's readme says.
chatdebug.instrument_openai()


def plain(request: HttpRequest, model: str) -> HttpResponse:
    """Answer with a model's text, and know nothing of the recorder."""
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    return HttpResponse(answer.choices[0].message.content)


@chatdebug.recorded(chat_id="chat_id", owner_id=lambda request, **_: request.user.pk)
def ask(request: HttpRequest, chat_id: int, model: str) -> HttpResponse:
    """Answer with a model's text."""
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    return HttpResponse(answer.choices[0].message.content)


@chatdebug.recorded(chat_id="chat_id")
def stream(request: HttpRequest, chat_id: int, model: str) -> HttpResponse:
    """Answer with a model's text, part by part."""
    parts = client.chat.completions.create(model=model, messages=MESSAGES, stream=True)
    return StreamingHttpResponse(part.choices[0].delta.content or "" for part in parts)


urlpatterns = [
    path("ask/<str:model>/", plain),
    path("chats/<int:chat_id>/ask/<str:model>/", ask),
    path("chats/<int:chat_id>/stream/<str:model>/", stream),
    path("debug/", include("chatdebug.urls")),
    path("admin/", admin.site.urls),
]

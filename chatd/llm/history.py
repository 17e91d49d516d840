"""Turns what a chat stored into what a model is sent."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart

from chatd.enums import Role

if TYPE_CHECKING:
    from chatd.models import ChatMessage


def build_history(messages: Iterable["ChatMessage"]) -> list[ModelMessage]:
    """Return the messages in order, as pydantic-ai sends them.

    A partial answer is kept as far as it came. A message that got no answer stays: the
    next one follows it, and providers join the two.
    """
    return [
        ModelRequest.user_text_prompt(message.text)
        if message.role == Role.USER
        else ModelResponse(parts=[TextPart(message.text)])
        for message in messages
        if message.text
    ]

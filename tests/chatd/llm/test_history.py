"""What of a chat a model is sent."""

from typing import Any

import pytest
from pydantic_ai.messages import ModelRequest, ModelResponse

from chatd.enums import Role
from chatd.llm.history import build_history
from tests.factories import ChatFactory, ChatMessageFactory, TurnFactory

pytestmark = pytest.mark.django_db


def test_questions_and_answers_follow_each_other_and_parts_are_kept() -> None:
    chat = ChatFactory()
    said = []
    for question, answer in (("one", "whole"), ("two", "a part"), ("three", "")):
        turn = TurnFactory(chat=chat, question=None)
        said += [
            ChatMessageFactory(chat=chat, turn=turn, role=Role.USER, text=question),
            ChatMessageFactory(
                chat=chat, turn=turn, role=Role.ASSISTANT, text=answer, is_partial=True
            ),
        ]
    history = build_history(said)
    kinds = [type(message) for message in history]
    assert kinds == [ModelRequest, ModelResponse] * 2 + [ModelRequest]
    parts: list[Any] = [part for message in history for part in message.parts]
    assert [part.content for part in parts] == [
        "one",
        "whole",
        "two",
        "a part",
        "three",
    ]

"""Rows for tests, valid by the models' own constraints."""

from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.utils import timezone
from factory.django import DjangoModelFactory

from chatd.enums import Role, TurnStatus
from chatd.models import Chat, ChatMessage, ModelConfig, Turn
from chatdebug.enums import ErrorKind, Operation, Status
from chatdebug.models import ChatRun, ChatStep


class UserFactory(DjangoModelFactory[Any]):
    """A person, whose password is ``password``."""

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"person-{number}")
    password = factory.django.Password("password")


class ModelConfigFactory(DjangoModelFactory[ModelConfig]):
    """A model of the demo provider; ``model`` chooses what it does."""

    class Meta:
        model = ModelConfig

    name = factory.Sequence(lambda number: f"model-{number}")
    provider = "demo"
    model = "demo"


class ChatFactory(DjangoModelFactory[Chat]):
    """An empty chat."""

    class Meta:
        model = Chat

    owner = factory.SubFactory(UserFactory)
    model = factory.SubFactory(ModelConfigFactory)
    title = "About ballast"


class TurnFactory(DjangoModelFactory[Turn]):
    """A turn that went well; ``answer=""`` leaves it without one."""

    class Meta:
        model = Turn
        skip_postgeneration_save = True

    chat = factory.SubFactory(ChatFactory)
    status = TurnStatus.COMPLETED
    finished_at = factory.Maybe(
        factory.LazyAttribute(
            lambda turn: turn.status not in (TurnStatus.QUEUED, TurnStatus.IN_PROGRESS)
        ),
        yes_declaration=factory.LazyFunction(timezone.now),
        no_declaration=None,
    )
    question = factory.RelatedFactory(
        "tests.factories.ChatMessageFactory",
        factory_related_name="turn",
        chat=factory.SelfAttribute("..chat"),
    )


class ChatMessageFactory(DjangoModelFactory[ChatMessage]):
    """A user's message."""

    class Meta:
        model = ChatMessage

    turn = factory.SubFactory(TurnFactory, question=None)
    chat = factory.SelfAttribute("turn.chat")
    role = Role.USER
    text = "What is a ballast?"


class ChatRunFactory(DjangoModelFactory[ChatRun]):
    """A run that captured an unknown error."""

    class Meta:
        model = ChatRun

    chat_id = factory.Sequence(lambda number: f"chat-{number}")
    status = Status.ERROR
    error_kind = ErrorKind.GENERIC
    provider = "demo"
    model = "fault-400"
    summary = factory.LazyFunction(
        lambda: {"first_message": "What is a ballast?", "step_count": 1}
    )
    finished_at = factory.LazyFunction(timezone.now)


class ChatStepFactory(DjangoModelFactory[ChatStep]):
    """The failed call of a captured run."""

    class Meta:
        model = ChatStep

    run = factory.SubFactory(ChatRunFactory)
    chat_id = factory.SelfAttribute("run.chat_id")
    step_number = 1
    operation = Operation.STREAM
    status = Status.ERROR
    error = factory.LazyFunction(
        lambda: {
            "message": "The ballast of segment 3 does not match its envelope.",
            "type": "ModelRequestRejectedError",
            "kind": "generic",
            "rule": "fallback.generic",
            "status_code": 400,
        }
    )
    finished_at = factory.LazyFunction(timezone.now)

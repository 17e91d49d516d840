"""Rows for tests, valid by the models' own constraints."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.db.models import Model
from django.utils import timezone
from factory.declarations import (
    LazyAttribute,
    LazyFunction,
    Maybe,
    RelatedFactory,
    SelfAttribute,
    Sequence,
    SubFactory,
)
from factory.django import DjangoModelFactory, Password

from chatd.enums import Role, TurnStatus
from chatd.models import Chat, ChatMessage, ModelConfig, Turn
from chatdebug.enums import AlarmCause, AlarmChannel, ErrorKind, Operation, Status
from chatdebug.models import (
    AlarmTarget,
    CallMinute,
    ChatRun,
    ChatStep,
    ErrorGroup,
    HourCount,
    ProviderOutage,
    WriterState,
)
from chatdebug.models.runs import new_id
from chatdebug.models.statistics import What


class ModelFactory[M: Model](DjangoModelFactory[M]):
    """A factory whose call is typed as what it makes: a saved row of ``M``.

    The metaclass of factory_boy answers the call, which type checkers do not follow.
    """

    class Meta:
        abstract = True

    if TYPE_CHECKING:

        def __new__(cls, **fields: Any) -> M: ...  # type: ignore[misc]


class UserFactory(ModelFactory[User]):
    """A person, whose password is ``password``."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda number: f"person-{number}")
    password = Password("password")


class ModelConfigFactory(ModelFactory[ModelConfig]):
    """A model of the demo provider; ``model`` chooses what it does."""

    class Meta:
        model = ModelConfig

    name = Sequence(lambda number: f"model-{number}")
    provider = "demo"
    model = "demo"


class ChatFactory(ModelFactory[Chat]):
    """An empty chat."""

    class Meta:
        model = Chat

    owner = SubFactory(UserFactory)
    model = SubFactory(ModelConfigFactory)
    title = "About ballast"


class TurnFactory(ModelFactory[Turn]):
    """A turn that went well; ``answer=""`` leaves it without one."""

    class Meta:
        model = Turn
        skip_postgeneration_save = True

    chat = SubFactory(ChatFactory)
    status = TurnStatus.COMPLETED
    finished_at = Maybe(
        LazyAttribute(
            lambda turn: turn.status not in (TurnStatus.QUEUED, TurnStatus.IN_PROGRESS)
        ),
        yes_declaration=LazyFunction(timezone.now),
        no_declaration=None,
    )
    question = RelatedFactory(
        "tests.factories.ChatMessageFactory",
        factory_related_name="turn",
        chat=SelfAttribute("..chat"),
    )


class ChatMessageFactory(ModelFactory[ChatMessage]):
    """A user's message."""

    class Meta:
        model = ChatMessage

    turn = SubFactory(TurnFactory, question=None)
    chat = SelfAttribute("turn.chat")
    role = Role.USER
    text = "What is a ballast?"


class ChatRunFactory(ModelFactory[ChatRun]):
    """A run that captured an unknown error."""

    class Meta:
        model = ChatRun

    chat_id = Sequence(lambda number: f"chat-{number}")
    status = Status.ERROR
    error_kind = ErrorKind.GENERIC
    provider = "demo"
    model = "fault-400"
    summary = LazyFunction(
        lambda: {"first_message": "What is a ballast?", "step_count": 1}
    )
    finished_at = LazyFunction(timezone.now)


class ChatStepFactory(ModelFactory[ChatStep]):
    """The failed call of a captured run."""

    class Meta:
        model = ChatStep

    run = SubFactory(ChatRunFactory)
    chat_id = SelfAttribute("run.chat_id")
    step_number = 1
    operation = Operation.STREAM
    status = Status.ERROR
    error = LazyFunction(
        lambda: {
            "message": "The ballast of segment 3 does not match its envelope.",
            "type": "ModelRequestRejectedError",
            "kind": "generic",
            "rule": "fallback.generic",
            "status_code": 400,
        }
    )
    finished_at = LazyFunction(timezone.now)


class ErrorGroupFactory(ModelFactory[ErrorGroup]):
    """A cause that nobody has dealt with."""

    class Meta:
        model = ErrorGroup

    fingerprint = Sequence(lambda number: f"{number:016x}")
    title = "The ballast of segment … does not match its envelope."
    kind = ErrorKind.GENERIC
    provider = "demo"
    count = 1


class AlarmTargetFactory(ModelFactory[AlarmTarget]):
    """Somebody who is told everything by e-mail, whatever happened since a day."""

    class Meta:
        model = AlarmTarget

    name = Sequence(lambda number: f"target-{number}")
    channel = AlarmChannel.EMAIL
    address = "ops@example.org"
    causes = LazyFunction(lambda: list(AlarmCause.values))
    since = LazyFunction(lambda: timezone.now() - timedelta(days=1))


class HourCountFactory(ModelFactory[HourCount]):
    """A number of this hour: a call of a model, unless something else is said."""

    class Meta:
        model = HourCount

    hour = LazyFunction(
        lambda: timezone.now().replace(minute=0, second=0, microsecond=0)
    )
    what = What.CALL
    provider = "openai"
    model = "gpt-5"
    count = 1


class CallMinuteFactory(ModelFactory[CallMinute]):
    """The calls of a model in this minute, of which none failed."""

    class Meta:
        model = CallMinute

    minute = LazyFunction(lambda: timezone.now().replace(second=0, microsecond=0))
    provider = "openai"
    model = "gpt-5"
    calls = 10


class ProviderOutageFactory(ModelFactory[ProviderOutage]):
    """A provider that is down since now."""

    class Meta:
        model = ProviderOutage

    provider = "openai"
    since = LazyFunction(timezone.now)
    noticed_at = SelfAttribute("since")
    seen_at = SelfAttribute("since")
    sentence = "gpt-5 of OpenAI fails."
    calls = 6
    failed = 6


class WriterStateFactory(ModelFactory[WriterState]):
    """A writer that works, and has nothing to do."""

    class Meta:
        model = WriterState

    id = LazyFunction(new_id)
    host = "web-1"
    pid = Sequence(lambda number: number + 1)

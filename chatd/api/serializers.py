"""What the API says of chats, and what it takes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chatd.enums import FinishReason
from chatd.models import MAX_TITLE_CHARACTERS, Chat, ChatMessage, ModelConfig, Turn
from chatd.problems import Code
from chatd.text import storable
from chatd.turns.lifecycle import MAX_MESSAGE_CHARACTERS
from chatdebug.api.fields import StrictCharField
from chatdebug.recorder import Them


class ModelSerializer(serializers.ModelSerializer[ModelConfig]):
    """A model that chats can use. Nothing about its address or key."""

    provider = serializers.CharField(read_only=True)

    class Meta:
        model = ModelConfig
        fields = ("name", "title", "provider", "context_window")
        read_only_fields = fields


class ModelNameField(serializers.SlugRelatedField[ModelConfig]):
    """The name of a model that chats can use."""

    def to_internal_value(self, data: Any) -> ModelConfig:
        """Return the model. Raises ValidationError for a name that no model has or can have."""
        if not isinstance(data, str) or storable(data) != data:
            self.fail("invalid")
        return super().to_internal_value(data)


class ChatSerializer(serializers.ModelSerializer[Chat]):
    """A chat; ``model`` is the name of a model configuration."""

    model = ModelNameField(slug_field="name", queryset=ModelConfig.objects.enabled())
    title = StrictCharField(
        max_length=MAX_TITLE_CHARACTERS, required=False, allow_blank=True
    )

    class Meta:
        model = Chat
        fields = ("id", "model", "title", "created_at", "updated_at")
        read_only_fields = ("id", "created_at", "updated_at")


class TitleSerializer(serializers.Serializer[dict[str, Any]]):
    """What can be changed of a chat."""

    title = StrictCharField(max_length=MAX_TITLE_CHARACTERS, allow_blank=True)


class MessageSerializer(serializers.ModelSerializer[ChatMessage]):
    """One entry of a chat's history; ``note`` says if and why an answer was cut off."""

    finish_reason = serializers.ChoiceField(
        FinishReason.choices,
        allow_blank=True,
        read_only=True,
        help_text="Why the answer ended; empty for a question and a broken answer.",
    )
    note = serializers.CharField(read_only=True)

    class Meta:
        model = ChatMessage
        fields = (
            "id",
            "turn",
            "role",
            "text",
            "is_partial",
            "finish_reason",
            "note",
            "created_at",
        )
        read_only_fields = fields


@extend_schema_field(
    {"type": "string", "maxLength": MAX_MESSAGE_CHARACTERS, "pattern": r"\S"}
)
class MessageTextField(StrictCharField):
    """The text of a message. What cannot be sent is the service's to say."""


class NewMessageSerializer(serializers.Serializer[dict[str, Any]]):
    """A message to be sent."""

    text = MessageTextField(trim_whitespace=False)


class TurnSerializer(serializers.ModelSerializer[Turn]):
    """A turn: its status, what went wrong, and the answer as far as it is stored."""

    stopped = serializers.BooleanField(source="was_stopped", read_only=True)
    is_it_them = serializers.SerializerMethodField(
        help_text="Of a failed turn: whether it was its model's alone or its provider's, as "
        "far as was known when it failed; null if it was not."
    )

    def get_is_it_them(self, turn: Turn) -> Them | None:
        """Return what the turn's card says of the provider."""
        return turn.them

    class Meta:
        model = Turn
        fields: tuple[str, ...] = (
            "id",
            "status",
            "error",
            "recovery",
            "is_it_them",
            "stopped",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields: tuple[str, ...] = fields


class TurnWithMessagesSerializer(TurnSerializer):
    """A turn with the messages that are stored of it."""

    messages = MessageSerializer(many=True, read_only=True)

    class Meta(TurnSerializer.Meta):
        fields = (*TurnSerializer.Meta.fields, "messages")
        read_only_fields = fields


class SentSerializer(serializers.Serializer[dict[str, Any]]):
    """A message that was sent, and the turn that answers it."""

    turn = TurnSerializer()
    message = MessageSerializer()


class FieldErrorSerializer(serializers.Serializer[dict[str, Any]]):
    """What is wrong with one field of a body, or one parameter of an address."""

    name = serializers.CharField(allow_null=True, help_text="null: of all together.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[dict[str, Any]]):
    """An error of the API: a problem of RFC 9457."""

    type = serializers.CharField(help_text="Always ``about:blank``: the code tells.")
    title = serializers.CharField(help_text="The name of the status.")
    status = serializers.IntegerField(min_value=400, max_value=599)
    code = serializers.ChoiceField(Code.choices, help_text="What programs go by.")
    detail = serializers.CharField(help_text="A sentence for people.")
    errors = FieldErrorSerializer(  # type: ignore[assignment]  # a field, no attribute
        many=True, required=False, help_text="Only of ``invalid``."
    )

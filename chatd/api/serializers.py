"""What the API says of chats, and what it takes."""

from typing import Any

from rest_framework import serializers

from chatd.models import Chat, ChatMessage, ModelConfig, Turn
from chatd.services.chats import MAX_TITLE_CHARACTERS


class ModelSerializer(serializers.ModelSerializer[ModelConfig]):
    """A model that chats can use. Nothing about its address or key."""

    class Meta:
        model = ModelConfig
        fields = ("name", "title", "provider", "context_window")


class ChatSerializer(serializers.ModelSerializer[Chat]):
    """A chat; ``model`` is the name of a model configuration."""

    model = serializers.SlugRelatedField(
        slug_field="name", queryset=ModelConfig.objects.enabled()
    )
    title = serializers.CharField(
        max_length=MAX_TITLE_CHARACTERS, required=False, allow_blank=True
    )

    class Meta:
        model = Chat
        fields = ("id", "model", "title", "created_at", "updated_at")
        read_only_fields = ("id", "created_at", "updated_at")


class TitleSerializer(serializers.Serializer[dict[str, Any]]):
    """What can be changed of a chat."""

    title = serializers.CharField(max_length=MAX_TITLE_CHARACTERS, allow_blank=True)


class MessageSerializer(serializers.ModelSerializer[ChatMessage]):
    """One entry of a chat's history; ``note`` says if and why an answer was cut off."""

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


class NewMessageSerializer(serializers.Serializer[dict[str, Any]]):
    """A message to be sent. What cannot be sent is the service's to say."""

    text = serializers.CharField(trim_whitespace=False, allow_blank=True)


class TurnSerializer(serializers.ModelSerializer[Turn]):
    """A turn: its status, what went wrong, and the answer as far as it is stored."""

    stopped = serializers.BooleanField(source="was_stopped")

    class Meta:
        model = Turn
        fields = (
            "id",
            "status",
            "error",
            "stopped",
            "created_at",
            "started_at",
            "finished_at",
        )

"""The chat's API: a person's own chats, as JSON. Every other chat is not found."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import yaml
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from chatd.api.serializers import (
    ChatSerializer,
    MessageSerializer,
    ModelSerializer,
    NewMessageSerializer,
    SentSerializer,
    TitleSerializer,
    TurnSerializer,
    TurnWithMessagesSerializer,
)
from chatd.models import Chat, ChatMessage, ModelConfig, Turn
from chatd.problems import Code
from chatd.services.chats import create_chat, delete_chat, rename_chat
from chatd.throttles import MessageThrottle
from chatd.turns.lifecycle import (
    InvalidMessage,
    TooManyTurns,
    request_stop,
    start_turn,
)
from chatdebug.api.pagination import CursorPagination

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OPENAPI = Path(__file__).parent / "openapi.yaml"


class NewestFirst(CursorPagination):
    """Pages of chats, latest activity first; never counts them all."""

    page_size = 50
    ordering = ("-updated_at", "-id")


class InOrder(CursorPagination):
    """Pages of messages in their order."""

    page_size = 100
    ordering = "id"


class ModelList(generics.ListAPIView[ModelConfig]):
    """List the models that a chat can use."""

    serializer_class = ModelSerializer
    pagination_class = None

    def get_queryset(self) -> QuerySet[ModelConfig]:
        """Return those that are enabled."""
        return ModelConfig.objects.enabled()


class ChatList(generics.ListCreateAPIView[Chat]):
    """A person's chats."""

    serializer_class = ChatSerializer
    pagination_class = NewestFirst

    def get(self, request: Request) -> Response:
        """List one's own chats, latest activity first."""
        return self.list(request)

    def post(self, request: Request) -> Response:
        """Create a chat with a model."""
        return self.create(request)

    def get_queryset(self) -> QuerySet[Chat]:
        """Return the chats of whoever asks."""
        return Chat.objects.owned_by(self.request.user).select_related("model")

    def perform_create(self, serializer: BaseSerializer[Chat]) -> None:
        """Create the chat by its service."""
        owner = cast("User", self.request.user)  # the permissions let nobody else in
        serializer.instance = create_chat(owner=owner, **serializer.validated_data)


class OwnChatView(APIView):
    """A view of one chat of whoever asks."""

    def chat(self) -> Chat:
        """Return the chat of the address. Raises Http404 for another person's."""
        chats = Chat.objects.owned_by(self.request.user).select_related("model")
        return get_object_or_404(chats, pk=self.kwargs["chat_id"])


class ChatDetail(OwnChatView):
    """One chat."""

    serializer_class = ChatSerializer

    def get(self, request: Request, chat_id: UUID) -> Response:
        """Return a chat."""
        return Response(ChatSerializer(self.chat()).data)

    @extend_schema(request=TitleSerializer)
    def patch(self, request: Request, chat_id: UUID) -> Response:
        """Rename a chat."""
        chat = self.chat()
        change = TitleSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        rename_chat(chat=chat, title=change.validated_data["title"])
        return Response(ChatSerializer(chat).data)

    def delete(self, request: Request, chat_id: UUID) -> Response:
        """Delete a chat with its turns and messages, and what was recorded of it."""
        delete_chat(chat=self.chat())
        return Response(status=status.HTTP_204_NO_CONTENT)


class MessageList(OwnChatView, generics.ListAPIView[ChatMessage]):
    """The messages of a chat."""

    serializer_class = MessageSerializer
    pagination_class = InOrder

    def get_throttles(self) -> list[BaseThrottle]:
        """Bound what a person may send; reading is not sending."""
        if self.request.method == "POST":
            return [MessageThrottle()]
        return super().get_throttles()

    def get_queryset(self) -> QuerySet[ChatMessage]:
        """Return the chat's messages."""
        return self.chat().messages.all()

    def get(self, request: Request, chat_id: UUID) -> Response:
        """List the messages of a chat in their order."""
        return self.list(request)

    @extend_schema(request=NewMessageSerializer, responses={202: SentSerializer})
    def post(self, request: Request, chat_id: UUID) -> Response:
        """Send a message, and start the turn that answers it.

        400 with the reason if it cannot be sent, 429 if too many wait already.
        """
        chat = self.chat()
        new = NewMessageSerializer(data=request.data)
        new.is_valid(raise_exception=True)
        try:
            turn = start_turn(chat=chat, text=new.validated_data["text"])
        except InvalidMessage as error:
            raise ValidationError({"text": [str(error)]}) from error
        except TooManyTurns as error:
            code = Code.TOO_MANY_TURNS
            raise Throttled(detail=str(error), code=code) from error
        sent = SentSerializer({"turn": turn, "message": turn.messages.get()})
        return Response(sent.data, status=status.HTTP_202_ACCEPTED)


class OwnTurnView(OwnChatView):
    """A view of one turn of whoever asks."""

    def turn(self) -> Turn:
        """Return the turn of the address. Raises Http404."""
        return get_object_or_404(self.chat().turns, pk=self.kwargs["turn_id"])


class TurnDetail(OwnTurnView):
    """How a turn stands, for whoever polls."""

    serializer_class = TurnWithMessagesSerializer

    def get(self, request: Request, chat_id: UUID, turn_id: UUID) -> Response:
        """Return a turn with the messages that are stored of it."""
        return Response(TurnWithMessagesSerializer(self.turn()).data)


class TurnStop(OwnTurnView):
    """The end of a turn, as its owner asks for it."""

    @extend_schema(request=None, responses={202: TurnSerializer})
    def post(self, request: Request, chat_id: UUID, turn_id: UUID) -> Response:
        """Ask for the end of a turn, and return it as it is at this moment.

        Nothing happens to one that is over.
        """
        turn = self.turn()
        request_stop(turn=turn)
        return Response(TurnSerializer(turn).data, status=status.HTTP_202_ACCEPTED)


@cache
def description() -> dict[str, Any]:
    """Return ``openapi.yaml`` as JSON has it."""
    described: dict[str, Any] = yaml.safe_load(OPENAPI.read_text())
    return described


class SchemaView(APIView):
    """The API's own description."""

    schema = None

    def get(self, request: Request) -> Response:
        """Return the file of this release, as JSON."""
        return Response(description())

"""The chat's API: a person's own chats, as JSON. Every other chat is not found."""

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
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
    TitleSerializer,
    TurnSerializer,
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


class NewestFirst(CursorPagination):
    """Pages of chats, latest activity first; never counts them all."""

    page_size = 50
    ordering = ("-updated_at", "-id")


class InOrder(CursorPagination):
    """Pages of messages in their order."""

    page_size = 100
    ordering = "id"


class ModelList(generics.ListAPIView[ModelConfig]):
    """GET: the models that a chat can use."""

    serializer_class = ModelSerializer
    pagination_class = None

    def get_queryset(self) -> QuerySet[ModelConfig]:
        """Return those that are enabled."""
        return ModelConfig.objects.enabled()


class ChatList(generics.ListCreateAPIView[Chat]):
    """GET: a person's chats. POST {model, title?}: a new one."""

    serializer_class = ChatSerializer
    pagination_class = NewestFirst

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
    """GET, PATCH {title} and DELETE of one chat."""

    def get(self, request: Request, chat_id: UUID) -> Response:
        """Return the chat."""
        return Response(ChatSerializer(self.chat()).data)

    def patch(self, request: Request, chat_id: UUID) -> Response:
        """Rename the chat."""
        chat = self.chat()
        change = TitleSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        rename_chat(chat=chat, title=change.validated_data["title"])
        return Response(ChatSerializer(chat).data)

    def delete(self, request: Request, chat_id: UUID) -> Response:
        """Delete the chat with its turns and messages."""
        delete_chat(chat=self.chat())
        return Response(status=status.HTTP_204_NO_CONTENT)


class MessageList(OwnChatView, generics.ListAPIView[ChatMessage]):
    """GET: a chat's messages in order. POST {text}: send one; 202 {turn, message}."""

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

    def post(self, request: Request, chat_id: UUID) -> Response:
        """Start the turn that answers the message.

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
        sent: dict[str, Any] = {
            "turn": TurnSerializer(turn).data,
            "message": MessageSerializer(turn.messages.get()).data,
        }
        return Response(sent, status=status.HTTP_202_ACCEPTED)


class OwnTurnView(OwnChatView):
    """A view of one turn of whoever asks."""

    def turn(self) -> Turn:
        """Return the turn of the address. Raises Http404."""
        return get_object_or_404(self.chat().turns, pk=self.kwargs["turn_id"])


class TurnDetail(OwnTurnView):
    """GET: how a turn stands, for whoever polls."""

    def get(self, request: Request, chat_id: UUID, turn_id: UUID) -> Response:
        """Return the turn with the messages that are stored of it."""
        turn = self.turn()
        messages = MessageSerializer(turn.messages.all(), many=True).data
        return Response({**TurnSerializer(turn).data, "messages": messages})


class TurnStop(OwnTurnView):
    """POST: ask for the end of a turn; nothing happens to one that is over."""

    def post(self, request: Request, chat_id: UUID, turn_id: UUID) -> Response:
        """Ask for it, and return the turn as it is at this moment."""
        turn = self.turn()
        request_stop(turn=turn)
        return Response(TurnSerializer(turn).data, status=status.HTTP_202_ACCEPTED)

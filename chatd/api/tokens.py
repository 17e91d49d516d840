"""Tokens of the API: how one is made, listed and revoked."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle, ScopedRateThrottle
from rest_framework.views import APIView

from chatd.api.authentication import TokenAuthentication
from chatd.models import ApiToken
from chatd.services.accounts import create_token, revoke_tokens
from chatdebug.api.fields import StrictCharField

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class CredentialsSerializer(serializers.Serializer[dict[str, Any]]):
    """What a token is given for."""

    username = StrictCharField(max_length=150)
    password = StrictCharField(max_length=4096, trim_whitespace=False)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token, as far as it can be shown: its first characters."""

    start = serializers.CharField(source="token_key", read_only=True)

    class Meta:
        model = ApiToken
        fields = ("start", "created", "expiry")
        read_only_fields = fields


class NewTokenSerializer(serializers.Serializer[dict[str, Any]]):
    """A token that was just made."""

    token = serializers.CharField(help_text="For the header Authorization.")
    expiry = serializers.DateTimeField(allow_null=True)


class TokenView(APIView):
    """One token."""

    throttle_scope = "token"

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Ask for no sign-in where it takes place, whatever else a client sends."""
        is_new = self.request is not None and self.request.method == "POST"
        return [] if is_new else [TokenAuthentication()]

    def get_permissions(self) -> list[BasePermission]:
        """Let everybody ask for a token."""
        return [AllowAny() if self.request.method == "POST" else IsAuthenticated()]

    def get_throttles(self) -> list[BaseThrottle]:
        """Bound what an address may ask for."""
        if self.request.method == "POST":
            return [ScopedRateThrottle()]
        return super().get_throttles()

    @extend_schema(request=CredentialsSerializer, responses=NewTokenSerializer)
    def post(self, request: Request) -> Response:
        """Return a new token: the only time it is shown. 400 for a wrong password."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        # Django's own request: on it the counting of wrong passwords leaves its mark.
        user = authenticate(request=request._request, **given.validated_data)
        if user is None:
            sentence = "That name and password do not belong together."
            raise ValidationError({"non_field_errors": [sentence]})
        token, text = create_token(user=user)
        made = {"token": text, "expiry": token.expiry}
        return Response(NewTokenSerializer(made).data)

    def delete(self, request: Request) -> Response:
        """Revoke the token of this very request."""
        cast("ApiToken", request.auth).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenList(APIView):
    """All tokens of a person."""

    @extend_schema(responses=TokenSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List one's own tokens that are valid."""
        tokens = ApiToken.objects.valid_of(cast("User", request.user))
        return Response(TokenSerializer(tokens, many=True).data)

    def delete(self, request: Request) -> Response:
        """Revoke all of one's own tokens."""
        revoke_tokens(user=cast("User", request.user))
        return Response(status=status.HTTP_204_NO_CONTENT)

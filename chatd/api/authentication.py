"""How the API recognises a token. Apart from its views, which DRF imports later."""

import re
from typing import TYPE_CHECKING

from django.utils.crypto import constant_time_compare
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from chatd.models import ApiToken
from chatd.problems import Code

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TOKEN = re.compile(rb"[0-9a-f]{64}")


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]  # an untyped package
    """Recognises a token by its hash, while its owner has the password of that time."""

    def authenticate_credentials(self, token: bytes) -> "tuple[User, ApiToken]":
        """Return owner and token. Raises AuthenticationFailed, whatever was sent."""
        if not TOKEN.fullmatch(token):
            raise AuthenticationFailed("Invalid token.")
        found: tuple[User, ApiToken] = super().authenticate_credentials(token)
        return found

    def validate_user(self, auth_token: ApiToken) -> "tuple[User, ApiToken]":
        """Return owner and token. Raises AuthenticationFailed for one that is over."""
        user, token = super().validate_user(auth_token)
        stamps = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
        if not any(constant_time_compare(token.stamp, stamp) for stamp in stamps):
            raise AuthenticationFailed("Invalid token.")
        return user, token


class SessionAuthentication(authentication.SessionAuthentication):
    """Recognises who is signed in on the pages; a missing CSRF token has its own code."""

    def enforce_csrf(self, request: Request) -> None:
        """Ask for the token of the pages' forms. Raises PermissionDenied."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(str(error.detail), code=Code.CSRF_FAILED) from error

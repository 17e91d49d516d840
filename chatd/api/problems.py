"""How DRF's exceptions become problems."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404
from rest_framework.exceptions import (
    APIException,
    NotFound,
    PermissionDenied,
    ValidationError,
)
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from chatd.problems import MEDIA_TYPE, problem


def answer_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response to an exception of a view; None for an error of the server."""
    if isinstance(error, Http404):
        error = NotFound()
    elif isinstance(error, DjangoPermissionDenied):
        error = PermissionDenied()
    response = exception_handler(error, context)
    if response is None or not isinstance(error, APIException):
        return None
    status = response.status_code
    if isinstance(error, ValidationError):
        errors = list(_errors(error.detail))
        detail = " ".join(filter(None, map(_sentence, errors)))
        response.data = problem(status, error.default_code, detail, errors)
    else:
        response.data = problem(status, str(error.get_codes()), str(error.detail))
    response.content_type = MEDIA_TYPE
    return response


def _errors(detail: Any, name: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield each error by the name of its field or parameter; None: of all together."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            is_of_all = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from _errors(inner, name if is_of_all else str(key))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _errors(inner, name)
    else:
        yield {"name": name, "code": detail.code, "detail": str(detail)}


def _sentence(error: dict[str, Any]) -> str:
    return f"{error['name']}: {error['detail']}" if error["name"] else error["detail"]

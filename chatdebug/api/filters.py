"""The parameters by which a list of runs is filtered."""

from typing import Any, cast

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from chatdebug.enums import ErrorKind, Outcome, RunKind
from chatdebug.filters import MAX_CHARACTERS, InvalidFilter, RunFilter
from chatdebug.querysets import ChatRunQuerySet

CHOICES = {
    "outcome": (Outcome, "How the run came out."),
    "kind": (RunKind, "What the run is the record of."),
    "error_kind": (ErrorKind, "The kind of its last error."),
}
TEXTS = {
    "model": "The model's name, as the run has it.",
    "q": "Words, each of which stands in the run's title or in its last error.",
}


def filtered(request: Request, runs: ChatRunQuerySet) -> ChatRunQuerySet:
    """Return the runs that fit. Raises ValidationError for what no run can fit."""
    try:
        wanted = RunFilter.of(request.query_params)
    except InvalidFilter as error:
        raise ValidationError({error.parameter: [str(error)]}) from error
    return wanted.apply(runs)


class RunFilterBackend(BaseFilterBackend):
    """Filters runs by ``RunFilter``."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Return the runs that fit."""
        return filtered(request, cast("ChatRunQuerySet", queryset))

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Return the parameters as OpenAPI describes them."""
        choices = [
            (name, {"type": "string", "enum": ["", *values]}, description)
            for name, (values, description) in CHOICES.items()
        ]
        texts = [
            (name, {"type": "string", "maxLength": MAX_CHARACTERS}, description)
            for name, description in TEXTS.items()
        ]
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": description,
                "schema": schema,
            }
            for name, schema, description in (*choices, *texts)
        ]

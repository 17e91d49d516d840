"""Pages by cursor, which never count a table."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView


class CursorPagination(pagination.CursorPagination):
    """Pages by cursor; one that was made up is not found, as DRF says of most of them."""

    def paginate_queryset(
        self,
        queryset: QuerySet[Any] | Sequence[Any],
        request: Request,
        view: APIView | None = None,
    ) -> list[Any] | None:
        """Return the rows of a page. Raises NotFound for a cursor that is none."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (
            ValueError,
            TypeError,
            ValidationError,
            DataError,
            OverflowError,
        ) as error:
            raise NotFound(self.invalid_cursor_message) from error

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return how OpenAPI describes a page: without an address of somebody else."""
        described: dict[str, Any] = super().get_paginated_response_schema(schema)
        for link in ("next", "previous"):
            described["properties"][link].pop("example", None)
        described["required"] = ["next", "previous", "results"]
        return described

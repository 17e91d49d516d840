"""What a failed call notes of its request: its shape, and what may have been wrong with it."""

from collections.abc import Callable
from typing import Any

from chatdebug.enums import RunKind
from chatdebug.errors.payload import ErrorPayload
from chatdebug.evidence.changes import changes_of
from chatdebug.evidence.requests import HeldRequest
from chatdebug.linter import LikelyCause, causes_of
from chatdebug.recorder.arguments import RunFacts
from chatdebug.redaction import without_sent
from chatdebug.writer import Deferred

type Column = dict[str, Any] | Deferred | None
"""A JSON column as it is stored, or what makes it on the writer's thread."""


class RequestNotes:
    """Notes for the metadata of a step, made on the writer's thread."""

    def __init__(
        self, make: Callable[[], dict[str, Any]], *, keeps_shape: bool = False
    ) -> None:
        self._notes = Deferred(make)
        self._keeps_shape = keeps_shape
        self.causes: tuple[LikelyCause, ...] | None = None
        """The likely causes; None until they were looked for, or if there is no request."""

    @classmethod
    def of_call(
        cls,
        request: HeldRequest,
        error: ErrorPayload | None,
        facts: RunFacts,
        *,
        model: str,
        keeps_shape: bool,
    ) -> "RequestNotes":
        """Look at a request that was held; its shape is noted if nothing more is kept.

        So is what it has that the chat's last good one had not.
        """
        window = facts.context_window
        chat_id = facts.chat_id if facts.kind is RunKind.CHAT_TURN else ""
        changes = changes_of(request, chat_id=chat_id, model=model)

        def make() -> dict[str, Any]:
            shape = request.shape(window=window)
            noted = notes._look({}, shape, error, window)
            if keeps_shape:
                return {"shape": {**shape, "changed": changes()}, **noted}
            return {"changed": changes(), **noted}

        notes = cls(make, keeps_shape=keeps_shape)
        return notes

    @classmethod
    def of_column(
        cls, request: Any, error: ErrorPayload | None, *, window: int | None
    ) -> "RequestNotes":
        """Look at a request that is kept at the full level, as that is stored."""

        def make() -> dict[str, Any]:
            stored = request.value() if isinstance(request, Deferred) else request
            return notes._look(stored, None, error, window)

        notes = cls(make)
        return notes

    def as_json(self) -> dict[str, Any]:
        """Return what the metadata says: ``likely_causes``, maybe ``shape`` or ``changed``."""
        notes: dict[str, Any] = self._notes.value()
        if "error" not in notes:  # a ``Deferred`` whose making failed says only that
            return notes
        return {"shape": notes} if self._keeps_shape else {}

    @property
    def likely_rule(self) -> str:
        """The id of the rule that found its likeliest cause; empty if none did."""
        self._notes.value()
        return self.causes[0].rule.id if self.causes else ""

    def _look(
        self, request: Any, shape: Any, error: ErrorPayload | None, window: int | None
    ) -> dict[str, Any]:
        self.causes = causes_of(request, shape, error, window=window)
        if self.causes is None:
            return {}
        return {"likely_causes": [cause.as_json() for cause in self.causes]}


def without_credentials(column: Column, sent: frozenset[str]) -> Column:
    """Return a column that will be made without these credentials of its call."""
    if not (sent and isinstance(column, Deferred)):
        return column

    def make() -> Any:
        with without_sent(sent):
            return column.value()

    return Deferred(make)

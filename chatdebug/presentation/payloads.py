"""What was recorded of a step besides its error, as texts under headings."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from chatdebug.formats import pretty
from chatdebug.models import ChatStep

OPEN_LINES = 12
"""A payload with more lines is folded."""
HEADINGS = {
    "normalized_request": _("Request"),
    "normalized_response": _("Response"),
    "usage": _("Usage"),
    "attempts": _("HTTP attempts"),
}
"""What is read of a step besides its error: its payloads, which are large, and its usage,
in their order on the page."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Recorded data under its heading."""

    heading: str
    text: str

    @property
    def line_count(self) -> int:
        """How many lines it has."""
        return self.text.count("\n") + 1

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        return self.line_count > OPEN_LINES


def payloads(step: ChatStep) -> list[Payload]:
    """Return what was recorded of a step besides its error; nothing of empty columns."""
    return [
        Payload(str(heading), pretty(value))
        for column, heading in HEADINGS.items()
        if (value := getattr(step, column))
    ]

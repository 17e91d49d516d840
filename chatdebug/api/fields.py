"""Fields that take what JSON says, and guess at nothing.

DRF's own read the number 0 as false and as the text "0", and the text "7" as a number.
What comes from a form, where all is text, is read as DRF reads it.
"""

from typing import Any

from rest_framework import serializers
from rest_framework.utils import html


class StrictBooleanField(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value. Raises ValidationError for a number or a text."""
        if not isinstance(data, bool) and not _is_of_form(self):
            self.fail("invalid", input=data)
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A whole number."""

    def to_internal_value(self, data: Any) -> int:
        """Return the value. Raises ValidationError for a truth value or a text."""
        is_number = isinstance(data, int | float) and not isinstance(data, bool)
        if not is_number and not _is_of_form(self):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """A text."""

    def to_internal_value(self, data: Any) -> str:
        """Return the value. Raises ValidationError for a number."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def _is_of_form(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    return bool(html.is_html_input(getattr(field.root, "initial_data", None)))

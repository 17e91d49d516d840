"""Fixtures of the turns' tests."""

from tests.chatd.turns.site import quick

__all__ = ["quick"]

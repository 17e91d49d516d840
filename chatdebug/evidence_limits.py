"""What captured failures keep of their calls: as little as anybody wants who has a say.

That is the deployment by ``EVIDENCE``; a host project of one run, by its model for
instance; and where ``EVIDENCE_CONSENT`` is set, the chat's owner. Nobody widens what
another one narrows. Nothing here raises.
"""

from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from chatdebug.conf import recorder_settings
from chatdebug.enums import EVIDENCE_RANK, Evidence, Level


@cache
def default_evidence() -> Evidence:
    """Return the deployment's evidence; with settings that are nonsense the least."""
    try:
        return Evidence(recorder_settings().EVIDENCE)
    except ImproperlyConfigured:
        return Evidence.ERROR


@cache
def needs_consent() -> bool:
    """Return whether the owner of a chat has to agree before anything is kept in full."""
    if default_evidence() is not Evidence.FULL:
        return False
    return recorder_settings().EVIDENCE_CONSENT


def evidence_at(
    level: Level, at_most: Evidence = Evidence.FULL, *, has_agreed: bool = False
) -> Evidence:
    """Return what captured failures of a run at this level keep.

    ``at_most`` is what the host project allows, and ``has_agreed`` whether the owner did:
    without that, where it is needed, it is the shape at most. Only of the errors level
    there is something to say: the full level keeps all calls.
    """
    kept = default_evidence()
    if level is not Level.ERRORS or kept is Evidence.ERROR:
        return Evidence.ERROR
    if needs_consent() and not has_agreed:
        kept = Evidence.SHAPE
    return min(kept, at_most, key=EVIDENCE_RANK.__getitem__)


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "CHATDEBUG":
        default_evidence.cache_clear()
        needs_consent.cache_clear()

"""Lets one process of a deployment do what has to be done once, whoever lives."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from chatdebug.conf import recorder_settings
from chatdebug.models import SweepClaim


def claim_sweep(*, holder: UUID, using: str) -> bool:
    """Return whether this process sweeps: it does already, or nobody else does any more.

    A claim holds for ``STALE_SECONDS``, as the sign of life of a run, and is renewed by
    claiming again. Of several that claim at once one gets it: each is one UPDATE, whose
    condition the database checks with the row locked. What two do at once nevertheless,
    since one was held up for longer, does no harm. Raises django.db.Error.
    """
    claims = SweepClaim.objects.using(using)
    if not claims.exists():
        claims.bulk_create([SweepClaim(holder=holder)], ignore_conflicts=True)
    free = Q(holder=holder) | Q(until=None) | Q(until__lt=Now())
    lease = timedelta(seconds=recorder_settings().STALE_SECONDS)
    return bool(claims.filter(free).update(holder=holder, until=Now() + lease))


def give_up_sweep(*, holder: UUID, using: str) -> None:
    """Let another process sweep at once. Raises django.db.Error."""
    SweepClaim.objects.using(using).filter(holder=holder).update(until=None)

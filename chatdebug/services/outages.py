"""Keeps that a provider was down: the minutes that tell so are deleted after a day."""

from django.utils import timezone

from chatdebug.models import ProviderOutage
from chatdebug.models.statistics import MINUTES_KEPT, SENTENCE_CHARACTERS
from chatdebug.services.health import read_health


def note_outages(*, using: str) -> None:
    """Note each provider that is down now; one that was down at the last look still is.

    An outage is over when the provider has answered for so long that it fails since a later
    moment than that at which it was last seen down. Its sentence is that of the last look,
    in the language that is active. Four statements at most. Raises django.db.Error.
    """
    now, health = timezone.now(), read_health(using=using)
    down = [one for one in health.providers if one.is_down]
    if not down:
        return
    outages = ProviderOutage.objects.using(using)
    recent = outages.filter(seen_at__gt=now - MINUTES_KEPT).order_by("since")
    known = {outage.provider: outage for outage in recent}  # the newest of each
    noted = []
    for one in down:
        since, last = one.failing_since or now, known.get(one.provider)
        goes_on = last is not None and last.seen_at >= since
        noted.append(
            ProviderOutage(
                provider=one.provider,
                since=last.since if last is not None and goes_on else since,
                noticed_at=now,
                seen_at=now,
                sentence=health.sentence_of(one)[:SENTENCE_CHARACTERS],
                calls=one.calls,
                failed=one.failed,
            )
        )
    outages.bulk_create(
        noted,
        update_conflicts=True,
        unique_fields=["provider", "since"],
        update_fields=["seen_at", "sentence", "calls", "failed"],
    )

"""A provider that is down, by this site's own calls: the answer to "is it them?".

What is told was noted when it was so (``chatdebug.services.outages``), so that an outage
that begins and ends in a quiet time, or days before a rehearsal, is known as well. Each is
told once; one that begins after the provider had answered for a while is another one. That
it is over is said if it is over by the time that somebody is told, and is no alarm.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext

from chatdebug.alarms.messages import Alarm, page_url
from chatdebug.alarms.window import MOST_ALARMS, Window
from chatdebug.formats import clock
from chatdebug.models import ProviderOutage
from chatdebug.services.health import status_page_of

OVER_AFTER = timedelta(minutes=5)
"""It is looked twice a minute by whichever process sweeps."""


def providers_down(window: Window) -> Iterator[Alarm]:
    """Yield outages that were noticed in the window, whether they are over or not."""
    outages = ProviderOutage.objects.using(window.using).filter(
        noticed_at__gte=window.since, noticed_at__lte=window.until
    )
    for outage in outages.order_by("-noticed_at")[:MOST_ALARMS]:
        numbers = {"failed": f"{outage.failed:,}", "calls": f"{outage.calls:,}"}
        facts = [gettext("%(failed)s of %(calls)s calls failed") % numbers]
        if outage.seen_at < window.until - OVER_AFTER:
            facts.append(gettext("until %s") % clock(outage.seen_at))
        if page := status_page_of(provider=outage.provider):
            facts.append(gettext("what they say: %s") % page)
        yield Alarm(
            key=str(outage.pk),
            at=outage.noticed_at,
            sentence=outage.sentence,
            facts=facts,
            times=outage.failed,
            chats=None,
            url=page_url("chatdebug_overview_changelist"),
        )

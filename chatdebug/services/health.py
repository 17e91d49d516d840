"""Is it them? Which providers fail, as far as this site's own calls tell.

The rule, in numbers, over the calls of the last ``WINDOW``: a model fails if at least
``LEAST_CALLS`` calls of it are known and half of them or more failed by the provider, or
on the way to it. A provider is down if all of its models that were asked fail; it fails in
part if some do. It does so since the first minute after the last two in a row, of those
with calls, in which most went well. If all providers fail that are asked, and they are
more than one, it is more likely the site's own network than all of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from chatdebug.conf import recorder_settings
from chatdebug.errors.provider_names import PROVIDERS, STATUS_PAGES, UNKNOWN_PROVIDER
from chatdebug.formats import local
from chatdebug.models import CallMinute
from chatdebug.models.statistics import MINUTES_KEPT

WINDOW = timedelta(minutes=15)
LEAST_CALLS = 3
GOOD_MINUTES = 2
"""In a row, which end an outage: a single one may be luck."""

type Minute = tuple[datetime, int, int]
"""With how many calls there were in it, and how many failed."""


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """The calls of one model within the last ``WINDOW``."""

    name: str
    calls: int
    failed: int

    @property
    def is_known(self) -> bool:
        """Whether there were enough calls to tell."""
        return self.calls >= LEAST_CALLS

    @property
    def fails(self) -> bool:
        """Whether it fails, by the rule."""
        return self.is_known and self.failed * 2 >= self.calls


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How a provider's models do."""

    provider: str
    models: Sequence[ModelHealth]
    failing_since: datetime | None = None

    @property
    def name(self) -> str:
        """What sentences call it, inside of them."""
        name = str(PROVIDERS.get(self.provider, self.provider) or UNKNOWN_PROVIDER)
        return name[:1].lower() + name[1:] if name.startswith("The ") else name

    @property
    def status_page(self) -> str:
        """The address of its status page; empty where none is known."""
        return status_page_of(provider=self.provider)

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return sum(model.calls for model in self.models)

    @property
    def failed(self) -> int:
        """How many of them failed by the provider."""
        return sum(model.failed for model in self.models)

    @property
    def failing(self) -> list[ModelHealth]:
        """The models that fail."""
        return [model for model in self.models if model.fails]

    @property
    def is_down(self) -> bool:
        """Whether each of its models fails of which enough calls are known.

        A model of which too few are known speaks against that if it has answered.
        """
        known = [model for model in self.models if model.is_known]
        has_answered = any(
            model.failed < model.calls for model in self.models if model not in known
        )
        return bool(known) and all(one.fails for one in known) and not has_answered


@dataclass(frozen=True, slots=True)
class Health:
    """How all providers do that were asked within the last ``WINDOW``."""

    providers: Sequence[ProviderHealth]

    @property
    def failing(self) -> list[ProviderHealth]:
        """The providers that fail, wholly or in part."""
        return [provider for provider in self.providers if provider.failing]

    @property
    def are_all_down(self) -> bool:
        """Whether all providers that were asked are down, and they are more than one."""
        return len(self.providers) > 1 and all(one.is_down for one in self.providers)

    @property
    def sentence(self) -> str:
        """What is wrong, in one sentence; empty while nothing is."""
        if self.are_all_down:
            return self._sentence_of_all()
        return " ".join(self.sentence_of(provider) for provider in self.failing)

    def of(self, provider: str) -> ProviderHealth | None:
        """Return a provider that fails; None for one that does not."""
        return next((one for one in self.failing if one.provider == provider), None)

    def sentence_of(self, failing: ProviderHealth) -> str:
        """Return what is wrong with one provider, and whether it is alone with that."""
        if self.are_all_down:
            return self._sentence_of_all()
        names = {
            "provider": failing.name,
            "count": len(failing.failing),
            "model": failing.failing[0].name or gettext("A model"),
            "time": _clock(failing.failing_since or timezone.now()),
            "rest": self._rest(failing),
        }
        is_one = len(failing.failing) == 1
        if failing.is_down:
            one = gettext(
                "%(model)s of %(provider)s has been failing since %(time)s; %(rest)s."
            )
            more = gettext(
                "All %(count)s models of %(provider)s have been failing since %(time)s; "
                "%(rest)s."
            )
            return (one if is_one else more) % names
        names["known"] = sum(model.is_known for model in failing.models)
        one = gettext(
            "%(model)s of %(provider)s has been failing since %(time)s, its other models "
            "have not."
        )
        more = gettext(
            "%(count)s of %(known)s models of %(provider)s have been failing since "
            "%(time)s."
        )
        return (one if is_one else more) % names

    def _sentence_of_all(self) -> str:
        known = (one.failing_since for one in self.providers)
        since = min(filter(None, known), default=timezone.now())
        return gettext(
            "All %(count)s providers that were asked have been failing since %(time)s: "
            "more likely the network of this site than all of them."
        ) % {"count": len(self.providers), "time": _clock(since)}

    def _rest(self, failing: ProviderHealth) -> str:
        others = [one for one in self.providers if one is not failing]
        if not others:
            return gettext("no other provider was asked")
        if any(one.failing for one in others):
            return gettext("it is not the only one")
        return gettext("other providers have not")


def status_page_of(*, provider: str) -> str:
    """Return the address where a provider says how it is; empty where none is known."""
    pages = recorder_settings().STATUS_PAGES
    return pages.get(provider, STATUS_PAGES.get(provider, ""))


def read_health(*, using: str | None = None) -> Health:
    """Return how the providers do now, with two queries at most. Raises django.db.Error."""
    now, minutes = timezone.now(), CallMinute.objects.using(using)
    rows = (
        minutes.filter(minute__gt=now - WINDOW)
        .order_by("provider", "model")
        .values_list("provider", "model")
        .annotate(Sum("calls"), Sum("failed"))
    )
    models: dict[str, list[ModelHealth]] = defaultdict(list)
    for provider, model, calls, failed in rows:
        models[provider].append(ModelHealth(model, calls, failed))
    found = [ProviderHealth(provider, its) for provider, its in models.items()]
    failing = [one for one in found if one.failing]
    kept = minutes.filter(minute__gt=now - MINUTES_KEPT)
    since = _failing_since(failing, kept) if failing else {}
    return Health(
        [
            ProviderHealth(one.provider, one.models, since.get(one.provider))
            for one in found
        ]
    )


def _failing_since(
    failing: Iterable[ProviderHealth], kept: "QuerySet[CallMinute]"
) -> dict[str, datetime]:
    """Return since when these providers fail, with one query."""
    names = {one.provider: {model.name for model in one.failing} for one in failing}
    rows = (
        kept.filter(provider__in=names)
        .order_by("-minute")
        .values_list("provider", "model", "minute", "calls", "failed")
    )
    minutes: dict[str, dict[datetime, tuple[int, int]]] = defaultdict(dict)
    for provider, model, minute, calls, failed in rows:
        if model in names[provider]:
            before = minutes[provider].get(minute, (0, 0))
            minutes[provider][minute] = before[0] + calls, before[1] + failed
    return {
        provider: _beginning((minute, *both) for minute, both in its.items())
        for provider, its in minutes.items()
    }


def _beginning(minutes: Iterable[Minute]) -> datetime:
    """Return the first minute of what still goes on; the newest one comes first."""
    since: datetime | None = None
    good = 0
    for minute, calls, failed in minutes:
        good = 0 if failed * 2 >= calls else good + 1
        if not good:
            since = minute
        elif since is not None and good == GOOD_MINUTES:
            break
    return since or timezone.now()


def _clock(moment: datetime) -> str:
    """Return a time of day, with its date where that is another one."""
    here, now = local(moment), local(timezone.now())
    is_today = here.date() == now.date()
    return date_format(here, "H:i" if is_today else "DATETIME_FORMAT")

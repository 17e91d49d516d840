"""What is sent: alarms of one cause as a document, and as text to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from chatdebug.conf import recorder_settings
from chatdebug.enums import AlarmCause
from chatdebug.models.alarms import SUBJECT_CHARACTERS

ALARMS_NAMED = 20
"""Of more than these, a message says how many there are."""

type Document = dict[str, Any]
"""A message as plain data: what is stored, and what a webhook gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing that somebody is told, without a word of a chat."""

    key: str
    """The same thing has the same key, whoever finds it, and is told once."""
    at: datetime
    """Since when it could be told."""
    sentence: str
    facts: list[str]
    """How often, since when and the like, each a few words."""
    times: int
    chats: int | None
    """None where that makes no sense."""
    url: str


def document_of(cause: AlarmCause, alarms: Sequence[Alarm], *, id: UUID) -> Document:
    """Return a message about alarms, of which there is at least one."""
    newest = sorted(alarms, key=lambda alarm: alarm.at, reverse=True)
    first = f"{cause.label}: {newest[0].sentence}"
    more = len(newest) - 1
    words = ngettext(
        "%(first)s And %(count)s more.", "%(first)s And %(count)s more.", more
    )
    subject = words % {"first": first, "count": f"{more:,}"} if more else first
    return {
        "id": str(id),
        "cause": cause.value,
        "subject": subject[:SUBJECT_CHARACTERS],
        "alarms": [
            {
                "sentence": alarm.sentence,
                "facts": alarm.facts,
                "times": alarm.times,
                "chats": alarm.chats,
                "at": _with_offset(alarm.at).isoformat(timespec="seconds"),
                "url": alarm.url,
            }
            for alarm in newest[:ALARMS_NAMED]
        ],
        "more": max(0, len(newest) - ALARMS_NAMED),
    }


def test_document(name: str, *, id: UUID) -> Document:
    """Return a message that says that it is a test of the target of this name."""
    subject = gettext("A test of the alarm target “%s”") % name
    return {
        "id": str(id),
        "cause": "",
        "subject": subject[:SUBJECT_CHARACTERS],
        "alarms": [],
        "more": 0,
    }


def text_of(document: Document) -> str:
    """Return a message as people read it."""
    lines = [document["subject"]]
    for alarm in document["alarms"]:
        lines += ["", alarm["sentence"], ", ".join(alarm["facts"]), alarm["url"]]
    if more := document["more"]:
        words = ngettext("And %s more.", "And %s more.", more)
        lines += ["", words % f"{more:,}"]
    return "\n".join(lines) + "\n"


def times_words(number: int) -> str:
    """Return how often something happened, to read."""
    return ngettext("%s time", "%s times", number) % f"{number:,}"


def page_url(name: str, *args: object) -> str:
    """Return the address of a page of the admin; nothing where there is none.

    With ``BASE_URL`` it is whole. Without, it is a path: no thread of the recorder knows
    under which name the site is reached.
    """
    if not getattr(settings, "ROOT_URLCONF", None):
        return ""
    try:
        path = reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""
    base = recorder_settings().BASE_URL
    # Who looks in a request has its path before every address, a thread has not.
    inner = path.removeprefix(get_script_prefix()).removeprefix("/")
    return f"{base.rstrip('/')}/{inner}" if base else path


def _with_offset(moment: datetime) -> datetime:
    """Return a moment that says its offset, also in a project without time zones."""
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)

"""What the chat's templates need beyond Django's own tags."""

import re
from datetime import UTC, datetime, timedelta

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chatd.markdown import render_markdown

register = template.Library()

TIME_OF_DAY = re.compile(r"\b((?:[01]\d|2[0-3]):[0-5]\d UTC)\b")


@register.filter
def markdown(text: str) -> SafeString:
    """Render a model's answer."""
    return render_markdown(text)


@register.filter
def isolated(text: object) -> str:
    """Keep a person's text from turning the direction of what stands around it.

    For places without markup, such as a page's title; elsewhere ``<bdi>`` does it.
    """
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


@register.filter
def with_clocks(sentence: str, said_at: datetime | None) -> str:
    """Mark the times of day of a sentence for the script that knows its reader's zone.

    Each is of the last 24 hours before it was said; where it is not known when that was,
    the sentence stays as it is.
    """
    if said_at is None:
        return sentence
    parts = TIME_OF_DAY.split(sentence)  # every other one is a time
    marked = (
        _clock(part, said_at) if index % 2 else part for index, part in enumerate(parts)
    )
    return format_html_join("", "{}", ((part,) for part in marked))


def _clock(told: str, said_at: datetime) -> SafeString:
    time = datetime.strptime(told, "%H:%M UTC").replace(tzinfo=UTC).timetz()
    moment = datetime.combine(said_at.astimezone(UTC), time)
    if moment > said_at:
        moment -= timedelta(days=1)
    return format_html(
        '<time datetime="{}" data-clock="minutes">{}</time>', moment.isoformat(), told
    )

"""What the chat's templates need beyond Django's own tags."""

from django import template
from django.utils.safestring import SafeString

from chatd.markdown import render_markdown

register = template.Library()


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

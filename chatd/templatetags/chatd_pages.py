"""What the chat's templates need beyond Django's own tags."""

from django import template
from django.utils.safestring import SafeString

from chatd.markdown import render_markdown

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Render a model's answer."""
    return render_markdown(text)

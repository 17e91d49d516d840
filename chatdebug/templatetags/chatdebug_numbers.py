"""Numbers in templates, as the recorder's pages write them."""

from django import template

register = template.Library()


@register.filter
def thousands(number: object) -> str:
    """Return a whole number with a comma at each thousand; anything else as it is."""
    return f"{number:,}" if isinstance(number, int) else str(number)

"""What pages do with a fact in words."""

from django import template

register = template.Library()


@register.filter
def pieces(fact: str) -> list[str]:
    """Return what a fact lists, for a page that breaks no line inside of one of them."""
    return fact.split(", ")

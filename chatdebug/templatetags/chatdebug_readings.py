"""For a project's own account page: who read what was said in a person's chats."""

from typing import Any

from django import template
from django.template.context import RequestContext

from chatdebug.presentation.readings import Readings

register = template.Library()


@register.inclusion_tag("chatdebug/readings.html", takes_context=True)
def content_readings(context: RequestContext) -> dict[str, Any]:
    """List who else read the content of the chats of whoever is signed in."""
    owner_id = str(context["request"].user.pk)
    return {"readings": Readings.of_owner(owner_id), "names_chats": True}

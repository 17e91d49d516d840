"""Addresses of pages, as the site that is shown has them."""

from django.contrib.admin import AdminSite
from django.urls import NoReverseMatch, reverse

from chatdebug.models import ChatRun


def admin_url(site: AdminSite, name: str, *args: object) -> str:
    """Return the address of a page of that admin site; a project may have several."""
    return reverse(f"admin:{name}", args=args, current_app=site.name)


def debug_tab_url(run: ChatRun) -> str:
    """Return the address of a run in the Debug tab; nothing where it has none.

    That is where the project does not include ``chatdebug.urls``, or where an address
    cannot hold the chat's id: an empty one, or one with a slash.
    """
    try:
        return reverse("chatdebug:run", args=[run.chat_id, run.pk])
    except NoReverseMatch:
        return ""

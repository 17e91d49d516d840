"""Addresses of pages, as the site that is shown has them."""

from django.contrib.admin import AdminSite
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from chatdebug.models import ChatRun


def admin_url(site: AdminSite, name: str, *args: object) -> str:
    """Return the address of a page of that admin site; a project may have several."""
    return reverse(f"admin:{name}", args=args, current_app=site.name)


def leads_to(
    site: AdminSite, request: HttpRequest, model: type[Model], action: str = "view"
) -> bool:
    """Return whether that site has pages of a model, and who asks may go there.

    A project's own site may lack some of the models; ``action`` is a permission's.
    """
    codename = get_permission_codename(action, model._meta)
    may = request.user.has_perm(f"{model._meta.app_label}.{codename}")
    return may and site.is_registered(model)


def debug_tab_url(run: ChatRun) -> str:
    """Return the address of a run in the Debug tab; nothing where it has none.

    That is where the project does not include ``chatdebug.urls``, or where an address
    cannot hold the chat's id: an empty one, or one with a slash.
    """
    try:
        return reverse("chatdebug:run", args=[run.chat_id, run.pk])
    except NoReverseMatch:
        return ""

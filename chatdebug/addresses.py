"""Addresses to go on to, as a request may name them."""

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme


def next_url(request: HttpRequest) -> str:
    """Return where the parameter ``next`` leads; empty if that is not of this site."""
    address = request.POST.get("next") or request.GET.get("next") or ""
    is_safe = url_has_allowed_host_and_scheme(
        address,
        allowed_hosts={request.get_host()},
        require_https=request.is_secure(),
    )
    return address if is_safe else ""


def home_url() -> str:
    """Return where people come to who have signed in; empty if there is no such page."""
    try:
        address = resolve_url(settings.LOGIN_REDIRECT_URL)
        resolve(address)
    except (NoReverseMatch, Resolver404):
        return ""
    return address

"""What the pages know of a request: its type, and where it comes from."""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class HtmxRequest(HttpRequest):
    """A request with what htmx says about it."""

    htmx: HtmxDetails


class PageRequest(HtmxRequest):
    """A request of a signed-in person."""

    user: "User"


def client_address(request: HttpRequest) -> str | None:
    """Return whom to count sign-ins for: an IPv4 address, or the network of an IPv6 one.

    Whoever has one IPv6 address has 2**64 of them. ``X-Forwarded-For`` counts only behind
    a proxy, and of it only what that proxy added: the rest is the client's own word.
    """
    given = str(request.META.get("REMOTE_ADDR") or "")
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "")
        given = forwarded.rpartition(",")[2].strip() or given
    try:
        address = ip_address(given.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False).network_address)

"""Where requests to models may go, and which variables may go with them as keys.

A model configuration is written by staff, and read by whoever sends a message: what it
says must not reach a service that only this machine can reach, nor carry away a secret
of this process.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from chatd.env import env
from chatd.llm.providers import PROVIDERS
from chatdebug.errors import ClassifiedError

KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY")
DEFAULT_PORTS = {"https": 443, "http": 80}
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
EMBEDDED = [
    ip_network(prefix)
    # NAT64, 6to4 and IPv4-compatible: each is another way to write an IPv4 address.
    for prefix in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96")
]

type Address = IPv4Address | IPv6Address


class AddressRefused(ClassifiedError):
    """An address or a key that is not to be used; its text is a plain sentence.

    It is a matter of settings, wherever it comes from: no other attempt helps, and nobody
    needs evidence to find the reason.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__("config", sentence)


def origin_of(provider: str, base_url: str) -> str:
    """Return scheme, host and port that a key would go to; empty for the demo provider.

    Raises AddressRefused for what is no address.
    """
    own = PROVIDERS[provider].base_url if provider in PROVIDERS else ""
    url = _split(base_url or own)
    if url is None:
        return ""
    port = _port(url)
    shown = "" if port in (None, DEFAULT_PORTS.get(url.scheme)) else f":{port}"
    host = url.hostname or ""
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{shown}"


def check_address(base_url: str) -> None:
    """Raise AddressRefused unless a model may be at this base URL; empty is the provider's.

    That is: https, or anything on loopback; no name or password, query or fragment, which
    would be shown and stored; and no address of a private or special range. A deployment
    that names hosts or networks in ``MODEL_HOSTS`` allows these, and no others.
    """
    url = _split(base_url)
    if url is None:
        return
    if url.scheme not in ("http", "https"):
        raise AddressRefused("The address has to begin with https://.")
    if "@" in url.netloc or "?" in base_url or "#" in base_url:
        raise AddressRefused(
            "The address must not hold a name, a password, a query or a fragment. "
            "A key is named by its variable."
        )
    _port(url)
    host = url.hostname or ""
    if not host or not re.fullmatch(r"[a-z0-9._:-]+", host) or host.startswith("."):
        raise AddressRefused("The address has no host, or one with odd characters.")
    if is_listed(host):
        return
    if settings.MODEL_HOSTS:
        raise AddressRefused(
            f"This deployment has no models at {host}: MODEL_HOSTS does not name it."
        )
    address = literal_address(host)
    if is_loopback(host, address):
        return
    if address is not None and not is_public(address):
        raise AddressRefused(
            f"{host} is in a private or special range. MODEL_HOSTS can allow it."
        )
    if url.scheme != "https":
        raise AddressRefused("Only on loopback is http enough: use https.")


def check_key_variable(name: str) -> None:
    """Raise AddressRefused unless the variable may hold a key; empty: no key is sent.

    That is: it ends in ``_API_KEY``, or the deployment names it in
    ``MODEL_KEY_VARIABLES``; and it is none that the settings read.
    """
    if not name:
        return
    is_allowed = KEY_NAME.fullmatch(name) or name in settings.MODEL_KEY_VARIABLES
    is_read = name in env.dump() or name.removesuffix("_FILE") in env.dump()
    if not is_allowed or is_read or name.endswith("_FILE"):
        raise AddressRefused(
            f"{name} may not be used as a key: its name has to end in _API_KEY, or be in "
            "MODEL_KEY_VARIABLES."
        )


def is_listed(host: str) -> bool:
    """Return whether the deployment names a host, or the network of an address."""
    address = literal_address(host)
    for item in settings.MODEL_HOSTS:
        if item.casefold() == host:
            return True
        try:
            network = ip_network(item, strict=False)
        except ValueError:
            continue  # it names a host
        if address is not None and address in network:
            return True
    return False


def literal_address(host: str) -> Address | None:
    """Return the IP address that a host is, in whichever spelling; None for a name.

    Resolvers also take ``2130706433``, ``0x7f.1`` and ``0177.0.0.1`` for 127.0.0.1.
    """
    host = host.rstrip(".").partition("%")[0]
    try:
        return _unmapped(ip_address(host))
    except ValueError:
        pass
    parts = host.split(".")
    if len(parts) > 4 or not all(NUMBER.fullmatch(part) for part in parts):
        return None
    *heads, tail = (_number(part) for part in parts)
    value = tail
    for place, head in enumerate(heads):
        value += head << (24 - 8 * place)
    return IPv4Address(value % 2**32)


def is_loopback(host: str, address: Address | None) -> bool:
    """Return whether a host is this machine."""
    name = host.rstrip(".")
    return (
        address.is_loopback
        if address is not None
        else name == "localhost" or name.endswith(".localhost")
    )


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the public internet."""
    address = _unmapped(address)
    if any(address.version == 6 and address in network for network in EMBEDDED):
        return False
    return address.is_global and not address.is_multicast


def refused_among(host: str, addresses: Iterable[str]) -> str:
    """Return the first address that a host resolves to and must not; empty if all may.

    A name of the public internet can point anywhere, to loopback as well.
    """
    if is_listed(host) or is_loopback(host, literal_address(host)):
        return ""
    for text in addresses:
        address = literal_address(text)
        if address is None or not (is_public(address) or is_listed(text)):
            return text
    return ""


def _split(url: str) -> SplitResult | None:
    if not url:
        return None
    if url != url.strip() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise AddressRefused("The address holds spaces or odd characters.")
    try:
        return urlsplit(url)
    except ValueError as error:
        raise AddressRefused("That is no address.") from error


def _port(url: SplitResult) -> int | None:
    try:
        return url.port or DEFAULT_PORTS.get(url.scheme)
    except ValueError as error:
        raise AddressRefused("The port of the address is no port.") from error


def _number(part: str) -> int:
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    is_octal = part.startswith("0") and all(digit in "01234567" for digit in part)
    return int(part, 8 if is_octal and len(part) > 1 else 10)


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address

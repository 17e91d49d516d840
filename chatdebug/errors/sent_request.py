"""The request behind an exception, as far as its credentials count: what may be said again.

Known shapes: httpx, httpx2, requests and aiohttp, and the SDKs that are built on them.
"""

from collections.abc import Iterator

from chatdebug.errors.chain import attribute, walk
from chatdebug.redaction import secrets_sent


def secrets_of(error: BaseException | None) -> frozenset[str]:
    """Return the credentials that a failing call sent, as its error and its causes know them.

    Never raises, never reads.
    """
    if error is None:
        return frozenset()
    try:
        requests = {id(one): one for link in walk(error) for one in _requests(link)}
        return frozenset[str]().union(*map(_sent_with, requests.values()))
    except Exception:  # noqa: BLE001 - anyone's objects
        return frozenset()


def _requests(link: BaseException) -> Iterator[object]:
    response = attribute(link, "response")
    for owner in (link, response, attribute(link, "raw_response")):
        for name in ("request", "request_info"):
            if owner is not None and (found := attribute(owner, name)) is not None:
                yield found


def _sent_with(request: object) -> frozenset[str]:
    headers, url = attribute(request, "headers"), attribute(request, "url")
    pairs = [] if headers is None else list(headers.items())
    return secrets_sent(
        ((_text(name), _text(value)) for name, value in pairs), str(url or "")
    )


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)

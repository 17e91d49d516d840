"""A signed request to an address that an administrator gave.

Whoever may change targets can make this site send a request to wherever it reaches. So it
is bounded: http and https alone, no redirect is followed, no proxy of the environment is
used, nothing goes to a link-local address, at which clouds hand out secrets, and nothing of
the answer but its status is read.
"""

import hashlib
import hmac
import json
import socket
import ssl
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext

from chatdebug.alarms.messages import Document

SECONDS = 10.0
"""For everything from the connection to the status of the answer."""
LEAST_KEY = 16
"""Characters of a key; a shorter one could be guessed from one signed request."""


class NotDelivered(Exception):
    """A target was not told. The text says why, and holds no secret and no address."""


def check_address(address: str) -> SplitResult:
    """Return the parts of the address of a webhook. Raises ValueError for another one."""
    parts = urlsplit(address)  # ValueError
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            gettext("Give an address that begins with https:// or http://.")
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            gettext("An address with a password in it is not kept secret.")
        )
    if any(not character.isprintable() or character == " " for character in address):
        raise ValueError(gettext("An address has no blanks."))
    parts.port  # noqa: B018 - ValueError for what is no number
    return parts


def signature(key: str, timestamp: str, body: bytes) -> str:
    """Return what proves that a body was sent by who knows the key, at that time."""
    signed = timestamp.encode() + b"." + body
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def post(address: str, *, key: str, document: Document) -> None:
    """Send a document, signed. Raises NotDelivered, or OSError for a network."""
    try:
        parts = check_address(address)
    except ValueError as error:
        raise NotDelivered(str(error)) from error
    body = json.dumps(document).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "chatdebug",
        "Chatdebug-Id": document["id"],
        "Chatdebug-Timestamp": timestamp,
        "Chatdebug-Signature": f"sha256={signature(key, timestamp, body)}",
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with closing(_connection(parts)) as connection:
        status = _status_of(connection, target, body, headers)
    if 300 <= status < 400:
        raise NotDelivered(gettext("It answered %s: no redirect is followed.") % status)
    if not 200 <= status < 300:
        raise NotDelivered(gettext("It answered %s.") % status)


def _connection(parts: SplitResult) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port, timeout=SECONDS)
    context = ssl.create_default_context()
    return HTTPSConnection(host, parts.port, timeout=SECONDS, context=context)


def _status_of(
    connection: HTTPConnection, target: str, body: bytes, headers: dict[str, str]
) -> int:
    """Return the status of the answer; the rest of it is not read."""
    connection.connect()
    # The peer is asked and not the name, which may mean another address a moment later.
    if is_inner(connection.sock.getpeername()[0]):
        raise NotDelivered(gettext("Nothing is sent to that address."))
    # A server that sends a byte now and then meets no timeout of a socket.
    was_cut = Event()
    cut = Timer(SECONDS, _cut, [connection.sock, was_cut])
    cut.daemon = True
    cut.start()
    try:
        connection.request("POST", target, body, headers)
        return connection.getresponse().status
    except (OSError, HTTPException, ValueError) as error:
        if was_cut.is_set() or isinstance(error, TimeoutError):
            raise NotDelivered(gettext("It did not answer in time.")) from error
        if isinstance(error, OSError):
            raise
        words = gettext("It did not answer as a web server does.")
        raise NotDelivered(words) from error
    finally:
        cut.cancel()


def is_inner(address: str) -> bool:
    """Return whether an IP address answers to whoever asks from here, as a cloud's
    metadata does.

    Those of a private network are not meant: that is where many receivers are.
    """
    found = ip_address(address.partition("%")[0])
    plain = getattr(found, "ipv4_mapped", None) or found
    return plain.is_link_local or plain.is_multicast or plain.is_unspecified


def _cut(connected: socket.socket, was_cut: Event) -> None:
    was_cut.set()  # before whoever reads from it finds out
    with suppress(OSError):  # it is closed already
        connected.shutdown(socket.SHUT_RDWR)

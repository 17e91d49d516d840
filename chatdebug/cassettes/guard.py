"""Nothing leaves this machine while a cassette is played."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from ipaddress import ip_address
from threading import Lock
from typing import Any

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""Variables by which a client would send to somebody else what is for the loopback."""
METHODS = ("connect", "connect_ex")

_guarding = Lock()
"""One block at a time changes what belongs to the whole process."""


class LeftTheMachine(AssertionError):
    """Something asked for an address that is not of this machine."""


@contextmanager
def only_loopback() -> Iterator[None]:
    """Refuse every connection to another machine inside the block, by whatever thread.

    What connects raises LeftTheMachine. Sockets of Python are looked after; a library that
    speaks to the network in C, as those of databases do, is not.
    """
    with _guarding, _without_proxies():
        kind = socket.socket
        own = {name: vars(kind)[name] for name in METHODS if name in vars(kind)}
        for name in METHODS:
            setattr(kind, name, _guarded(getattr(kind, name)))
        try:
            yield
        finally:
            for name in METHODS:
                if name in own:
                    setattr(kind, name, own[name])
                else:  # it is inherited
                    delattr(kind, name)


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(connect)
    def guarded(connecting: socket.socket, address: Any) -> Any:
        if not _is_local(connecting, address):
            raise LeftTheMachine(f"{address} was asked while a cassette was played.")
        return connect(connecting, address)

    return guarded


def _is_local(connecting: socket.socket, address: Any) -> bool:
    if connecting.family not in (socket.AF_INET, socket.AF_INET6):
        return True
    try:
        return ip_address(address[0]).is_loopback
    except ValueError:
        return str(address[0]) == "localhost"


@contextmanager
def _without_proxies() -> Iterator[None]:
    names = {*PROXIES, *map(str.lower, PROXIES)}
    before = {name: os.environ.pop(name) for name in names & os.environ.keys()}
    try:
        yield
    finally:
        os.environ.update(before)

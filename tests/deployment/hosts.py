"""Hosts: network namespaces of this machine, each with a network to the database.

Where the machine allows none, what is nearest to them: a proxy that swallows all.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from tests.proxy import Proxy

ALL_HOSTS = "198.18.255.1"
"""Where each host finds what is not cut off: the provider. These addresses are set aside
for tests of networks, and nothing is there."""
_numbers = count(1)


class Host(Protocol):
    """Something that runs a worker, and can be cut off from the database alone."""

    @property
    def launcher(self) -> Sequence[str]:
        """What runs a command there."""

    @property
    def database(self) -> tuple[str, int]:
        """Where the database is from there."""

    @property
    def notices(self) -> bool:
        """Whether its system notices that nothing passes, as one of its own does."""

    def cut(self) -> AbstractContextManager[None]:
        """Let nothing pass between it and the database inside the block."""


class NoNamespaces(Exception):
    """The machine does not let us make any; the text says why."""


@dataclass
class NamespaceHost:
    """A network namespace: its cables are pairs of devices, the other ends are ours."""

    launcher: Sequence[str]
    database: tuple[str, int]
    cable: str
    """Our end of its way to the database."""
    notices: bool = True

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Pull out the cable: what is sent is lost, and nobody is told."""
        _ip("link", "set", self.cable, "down")
        try:
            yield
        finally:
            _ip("link", "set", self.cable, "up")


@dataclass
class ProxiedHost:
    """No host of its own: between it and the database is a proxy."""

    proxy: Proxy
    launcher: Sequence[str] = ()
    notices: bool = False

    @property
    def database(self) -> tuple[str, int]:
        return "127.0.0.1", self.proxy.port

    def cut(self) -> AbstractContextManager[None]:
        """Let the proxy swallow what is said."""
        return self.proxy.swallow()


@contextmanager
def two_hosts(database: tuple[str, int]) -> Iterator[tuple[Host, Host, str]]:
    """Yield two hosts, and the address at which both find this machine."""
    with ExitStack() as stack:
        try:
            stack.enter_context(_address_for_all())
            hosts = [stack.enter_context(_namespace(database)) for _ in range(2)]
            yield hosts[0], hosts[1], ALL_HOSTS
            return
        except NoNamespaces as error:
            sys.stdout.write(
                f"\n*** NO NETWORK NAMESPACES ({error}): THE HOSTS ARE PROCESSES OF ONE "
                "NETWORK, AND A PROXY SWALLOWS WHAT ONE OF THEM SAYS. ***\n"
            )
        proxies = [stack.enter_context(Proxy(database)) for _ in range(2)]
        yield ProxiedHost(proxies[0]), ProxiedHost(proxies[1]), "127.0.0.1"


@contextmanager
def _address_for_all() -> Iterator[None]:
    _ip("address", "replace", f"{ALL_HOSTS}/32", "dev", "lo")
    try:
        yield
    finally:
        _ip("address", "delete", f"{ALL_HOSTS}/32", "dev", "lo")


@contextmanager
def _namespace(database: tuple[str, int]) -> Iterator[NamespaceHost]:
    """Make one with two cables: to all of this machine, and to the database."""
    number = next(_numbers)
    name = f"chatd-{os.getpid()}-{number}"
    _ip("netns", "add", name)
    try:
        inside = ("-n", name)
        _ip(*inside, "link", "set", "lo", "up")
        for net, cable in ((number, "site"), (100 + number, "data")):
            ours = _cable(cable, number)
            ends = ("type", "veth", "peer", "name", cable, "netns", name)
            _ip("link", "add", ours, *ends)
            _ip("address", "add", f"198.18.{net}.1/24", "dev", ours)
            _ip("link", "set", ours, "up")
            _ip(*inside, "address", "add", f"198.18.{net}.2/24", "dev", cable)
            _ip(*inside, "link", "set", cable, "up")
        _ip(*inside, "route", "add", ALL_HOSTS, "via", f"198.18.{number}.1")
        here = f"198.18.{100 + number}.1"
        with Proxy(database, host=here) as proxy:
            launcher = (_program(), "netns", "exec", name)
            cable = _cable("data", number)
            yield NamespaceHost(launcher, (here, proxy.port), cable)
    finally:
        _ip("netns", "delete", name)  # and its cables with it


def _cable(name: str, number: int) -> str:
    """Return the name of our end, of which the system takes 15 characters."""
    return f"{name}{number}-{os.getpid()}"


def _ip(*arguments: str) -> None:
    done = subprocess.run(
        [_program(), *arguments], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise NoNamespaces(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _program() -> str:
    program = shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        raise NoNamespaces("the program ip is not there")
    return program

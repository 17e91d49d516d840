"""Runs the whole site with the demo provider, ready to be looked at."""

import socket
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from chatd.services.demo import ACCOUNTS, prepare_demo

HOST = "127.0.0.1"
GRACE_SECONDS = 2
"""How long open streams may go on after Ctrl-C."""


class Command(BaseCommand):
    """Prepare the database, then serve until Ctrl-C."""

    help = (
        "Runs the site on loopback with demo users and a demo provider (no key needed)."
    )
    # They connect to the database: one that is not the demo's is not even opened.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the port."""
        parser.add_argument("--port", type=int, default=8000, help="0: any free one")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        """Serve; returns after Ctrl-C.

        Raises CommandError if the port is taken, and where this is not a demo;
        SystemCheckError for settings that cannot work.
        """
        refuse_other_databases()
        self.check()
        self.serve(port)

    def serve(self, port: int) -> None:
        """Prepare the database of the settings, and serve."""
        listener = _listen(port)
        settings.DEMO_PROVIDER = True
        call_command("migrate", verbosity=0, interactive=False)
        prepare_demo()
        config = uvicorn.Config(
            "chatd.asgi:application",
            lifespan="on",
            log_level="warning",
            log_config=None,
            proxy_headers=False,  # loopback is no proxy: BEHIND_PROXY says where one is
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        port = listener.getsockname()[1]
        try:
            DemoServer(config, lambda: self.announce(port)).run(sockets=[listener])
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def announce(self, port: int) -> None:
        """Print the one line that says where to go and how to get in."""
        accounts = ", ".join(f"{name}/{name}" for name in ACCOUNTS)
        self.stdout.write(f"Ready: http://{HOST}:{port}/ (sign in as {accounts})")
        self.stdout.flush()


def refuse_other_databases() -> None:
    """Raise CommandError unless this is the demo's own database, in development.

    Its accounts have their names as passwords, one of them a superuser's.
    """
    if not settings.DEBUG:
        raise CommandError(
            "The demo makes accounts that anybody can guess. It runs in development "
            "only: with DEBUG=true, or without a SECRET_KEY."
        )
    database = settings.VAR_DIR / "chatd.sqlite3"
    if not settings.DEMO or str(settings.DATABASES["default"]["NAME"]) != str(database):
        raise CommandError(
            "The demo has a database of its own, and makes its accounts in no other one: "
            "run it by manage.py demo, without DATABASE_URL."
        )


class DemoServer(uvicorn.Server):
    """A server that says when it can be used."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, the site's own lifespan included, and call ``on_ready``."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise CommandError(
            f"Port {port} is not free ({error.strerror}). Choose another one: PORT={port + 1}"
        ) from error
    return listener

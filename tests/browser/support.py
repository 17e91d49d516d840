"""The demo site as a process of its own, and a Chromium to look at it with."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
READY = re.compile(r"http://127\.0\.0\.1:\d+/")
START_TIMEOUT = 60  # seconds; a first start migrates an empty database
STOP_TIMEOUT = 20  # seconds
CHROMIUM_FLAGS = [
    "--disable-gpu",
    # Nothing here has the internet to talk to.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def running_site(var_dir: Path) -> Iterator[str]:
    """Run ``manage.py demo`` as a user does, and yield its address.

    Raises RuntimeError where it does not become ready, or does not end cleanly on Ctrl-C.
    """
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", "0"],
        cwd=ROOT,
        env=_site_environment(var_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = _Output(process)
    try:
        yield output.address()
        process.send_signal(signal.SIGINT)
        if code := process.wait(STOP_TIMEOUT):
            raise RuntimeError(f"The demo ended with exit code {code}:\n{output}")
    finally:
        process.kill()
        output.close()


class _Output:
    """Reads what the demo prints, all the time, so that it never waits for its reader."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: list[str] = []
        self._address = ""
        self._known = Event()  # the address is, or that none comes
        self._thread = Thread(target=self._read)
        self._thread.start()

    def address(self) -> str:
        """Wait for the ready line, and return the address in it."""
        self._known.wait(START_TIMEOUT)
        if not self._address:
            raise RuntimeError(f"The demo did not become ready:\n{self}")
        return self._address

    def close(self) -> None:
        self._thread.join()
        self._process.wait()

    def __str__(self) -> str:
        return "".join(self._lines[-50:])

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._lines.append(line)
                if found := READY.search(line):
                    self._address = found[0]
                    self._known.set()
        self._known.set()


def _site_environment(var_dir: Path) -> dict[str, str]:
    """Return what a new user's shell holds, without what the test settings put there."""
    ours = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY"}
    inherited = {key: value for key, value in os.environ.items() if key not in ours}
    return inherited | {
        "CHATD_VAR_DIR": str(var_dir),
        "DEBUG": "true",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start the system's Chromium; raise CalledProcessError where there is none."""
    found = subprocess.run(
        [ROOT / ".ci" / "chromium"], check=True, stdout=subprocess.PIPE, text=True
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.stdout.strip(), args=CHROMIUM_FLAGS
        )
        yield browser
        browser.close()


def sign_in(page: Page, username: str) -> None:
    """Sign in as a user of the demo, whose password is the name, and see the chats."""
    page.goto("/chats/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", username)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: urlsplit(url).path.startswith("/chats/"))

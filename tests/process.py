"""The demo site as a process of its own, as a user runs it."""

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = "tests.site_settings"
READY = re.compile(r"http://127\.0\.0\.1:\d+/")
START_TIMEOUT = 60  # seconds; a first start migrates an empty database
STOP_TIMEOUT = 30  # seconds
LINES_KEPT = 5_000  # of tracebacks, while a database is away
ANY_PORT = 0  # the system chooses a free one


class SiteProcess:
    """``manage.py demo`` on any free port. As a block it is ended by Ctrl-C.

    Of this tree with ``tests.site_settings``, unless ``DJANGO_SETTINGS_MODULE`` is given;
    another tree has no tests, and runs with its own.

    ``start`` and leaving the block raise RuntimeError where the site does not become
    ready, or does not end cleanly.
    """

    ready = READY
    """What it prints when it can be used; of the site, its address."""

    def __init__(self, var_dir: Path, root: Path = ROOT, /, **environment: str) -> None:
        self.url = ""
        self._root = root  # of the source
        self.var_dir = var_dir
        settings = {"DJANGO_SETTINGS_MODULE": SETTINGS} if root == ROOT else {}
        self._environment = _environment(var_dir) | settings | environment
        self._launcher: Sequence[str] = ()
        # The demo itself refuses a database that is not its own.
        if "DATABASE_URL" in environment:
            self._command = ["-m", "tests.demo_site"]
        else:
            self._command = ["manage.py", "demo", "--port", str(ANY_PORT)]
            self._environment["CHATD_DEMO"] = "true"  # for code that is run beside it
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._known = Event()  # the address is, or that none comes
        self._reader: Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, or start it again after its end, and wait until it is ready."""
        self.url, self._lines = "", []
        self._known.clear()
        self._process = subprocess.Popen(
            [*self._launcher, sys.executable, *self._command],
            cwd=self._root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = Thread(target=self._read, args=[self._process])
        self._reader.start()
        self._known.wait(START_TIMEOUT)
        if not self.url:
            raise RuntimeError(f"The site did not become ready:\n{self.output}")

    def end(self, how: signal.Signals, *, seconds: float = STOP_TIMEOUT) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self.signal(how)
        assert self._process is not None
        code = self._process.wait(seconds)
        self.close()
        return code

    def signal(self, one: signal.Signals) -> None:
        """Send a signal, and wait for nothing."""
        assert self._process is not None
        self._process.send_signal(one)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it do nothing inside the block."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Let nothing of it be left."""
        if self._process is not None and self._reader is not None:
            self._process.kill()
            self._reader.join()
            self._process.wait()
            self._process = None

    def run_code(self, code: str) -> str:
        """Run Python code with the site's settings beside it, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code],
            cwd=self._root,
            env=self._environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=START_TIMEOUT,
        )
        return done.stdout.strip()

    def limit_files(self, size: int) -> None:
        """Let no file of its grow beyond so many bytes, as on a disk that is full."""
        assert self._process is not None
        limit = resource.RLIMIT_FSIZE
        hard = resource.prlimit(self._process.pid, limit)[1]
        resource.prlimit(self._process.pid, limit, (size, hard))

    @property
    def output(self) -> str:
        """The last lines that it printed."""
        return "".join(self._lines[-LINES_KEPT:])

    def forget_output(self) -> None:
        """Forget what it has printed so far."""
        self._lines.clear()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._process is not None:
                code = self.end(signal.SIGINT)
                if code:
                    raise RuntimeError(f"Exit code {code}:\n{self.output}")
        finally:
            self.close()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        """Read what it prints, all the time, so that it never waits for its reader."""
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                self._lines.append(line)
                if found := self.ready.search(line):
                    self.url = found[0]
                    self._known.set()
        self._known.set()


class WorkerProcess(SiteProcess):
    """``manage.py chatd_worker``, on the database of ``DATABASE_URL``."""

    ready = re.compile("Ready: .+")

    def __init__(
        self,
        var_dir: Path,
        command: list[str] | None = None,
        launcher: Sequence[str] = (),
        /,
        **environment: str,
    ) -> None:
        super().__init__(var_dir, **environment)
        self._command = command or ["manage.py", "chatd_worker"]
        self._launcher = launcher  # what runs Python somewhere else


class WebProcess(SiteProcess):
    """uvicorn as a deployment runs it, on one port; the database is migrated before."""

    ready = re.compile("Uvicorn running on .+")

    def __init__(self, var_dir: Path, port: int, /, **environment: str) -> None:
        super().__init__(var_dir, **environment)
        self.address = f"http://127.0.0.1:{port}/"
        options = f"--port {port} --timeout-graceful-shutdown 2 --no-proxy-headers"
        self._command = ["-m", "uvicorn", "chatd.asgi:application", *options.split()]


def _environment(var_dir: Path) -> dict[str, str]:
    """Return what a new user's shell holds, without what the test settings put there."""
    ours = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY"}
    inherited = {key: value for key, value in os.environ.items() if key not in ours}
    return inherited | {
        "CHATD_VAR_DIR": str(var_dir),
        "DEBUG": "true",
        "PYTHONUNBUFFERED": "1",
    }

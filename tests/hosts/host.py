"""A project that is not ours, in an environment that holds the built wheel."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from tests.authorities import GIVEN, VARIABLES
from tests.process import ROOT

UV = str(Path(sys.executable).with_name("uv"))
PROJECTS = Path(__file__).parent / "projects"
PINS = ROOT / "requirements-dev.txt"
READY = re.compile(r"(?:at|on|at:) (http://127\.0\.0\.1:\d+)")
"""How runserver, uvicorn and gunicorn say where they listen."""
WORKER_READY = re.compile(r"celery@\S+ ready")
SECONDS = 120


def build(folder: Path) -> Path:
    """Build source distribution and wheel, this from that, and return the wheel."""
    pinned = ["--build-constraints", str(PINS)]
    run(UV, "build", *pinned, "--out-dir", str(folder), str(ROOT), cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def run(*command: str, cwd: Path, **environment: str) -> str:
    """Run a command and return what it printed. Raises AssertionError if it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=foreign_environment() | environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def foreign_environment() -> dict[str, str]:
    """Return the environment without what this suite or its own site is told."""
    ours = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "SECRET_KEY"}
    ours.update(VARIABLES)
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    return kept | GIVEN


class Host:
    """One of the projects, copied to a folder, with an environment of its own there."""

    def __init__(self, name: str, folder: Path, **environment: str) -> None:
        self.folder = folder / name
        self._environment = environment
        shutil.copytree(PROJECTS / name, self.folder)
        shutil.copytree(PROJECTS / "common", self.folder, dirs_exist_ok=True)
        run(UV, "venv", "--quiet", "--python", sys.executable, "env", cwd=self.folder)

    def install(self, *requirements: str) -> None:
        """Install these and what they need; versions are pinned."""
        pinned = ["--constraint", str(PINS)]
        python = ["--python", "env"]
        run(UV, "pip", "install", *python, *pinned, *requirements, cwd=self.folder)

    def installed(self) -> set[str]:
        """Return the names of the packages in the environment."""
        listed = run(UV, "pip", "freeze", "--python", "env", cwd=self.folder)
        names = (re.split(r"==| @ ", line)[0] for line in listed.splitlines())
        return {name for name in names if re.fullmatch(r"[\w.-]+", name)}

    def manage(self, *arguments: str) -> str:
        """Run ``manage.py`` and return what it printed. Raises AssertionError if it fails."""
        python = str(self.folder / "env/bin/python")
        command = [python, "manage.py", *arguments]
        return run(*command, cwd=self.folder, **self._environment)

    @contextmanager
    def serving(self, *command: str) -> Iterator[str]:
        """Run a server from the environment, and yield its address."""
        with self.running(*command, ready=READY) as found:
            yield found[1]

    @contextmanager
    def running(self, *command: str, ready: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Run a program from the environment, and yield how it said that it is ready.

        It is ended by SIGTERM; ``log`` holds what it printed then.
        """
        process = subprocess.Popen(
            [str(self.folder / "env/bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env=foreign_environment() | self._environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout
        said: list[str] = []
        # Read to its end by a thread, so that it never waits for its reader.
        reader = Thread(target=said.extend, args=[process.stdout])
        try:
            for line in process.stdout:
                said.append(line)
                if found := ready.search(line):
                    reader.start()
                    yield found
                    break
            else:
                raise AssertionError(f"It did not become ready:\n{''.join(said)}")
        finally:
            process.terminate()
            if reader.is_alive():
                reader.join(SECONDS)
            process.wait(SECONDS)
            process.stdout.close()
            self.log = "".join(said)

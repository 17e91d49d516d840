"""Stands in for systemctl: runs the services of unit files as processes of a test.

``python -m tests.deployment.systemctl restart chatd-web@8001``, with the folder of units
in ``UNITS``. A service that has no unit file is a command in ``<name>.command``. What is
started goes on when this has ended; ``stop_all`` ends it.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = "UNITS"


def main(verb: str, *names: str) -> None:
    """Do what systemctl does for a verb. Raises ValueError for one that is not known."""
    services = [
        Service(Path(os.environ[FOLDER]), name) for name in names if name[0] != "-"
    ]
    match verb:
        case "daemon-reload":
            pass
        case "enable" | "start":
            for service in services:
                service.start()
        case "restart" | "reload":
            for service in services:
                service.stop()
                service.start()
        case _:
            raise ValueError(f"systemctl {verb} is not known here.")


class Service:
    """One service, whose process may be of an earlier command."""

    def __init__(self, folder: Path, name: str) -> None:
        template, _, instance = name.partition("@")
        self._instance = instance
        self._command = folder / f"{name}.command"
        self._unit = folder / f"{template}@.service"
        self._pid = folder / f"{name}.pid"
        self.log = folder / f"{name}.log"

    def start(self) -> None:
        """Start its process, with the unit's command, folder and environment."""
        if self._command.exists():
            command, folder, environment = self._command.read_text(), None, {}
        else:
            unit = self._settings()
            command, folder = unit["ExecStart"], unit["WorkingDirectory"]
            environment = environment_of(Path(unit["EnvironmentFile"]))
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid.write_text(str(process.pid))

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL to what has not ended in TimeoutStopSec."""
        if not self._pid.exists():
            return
        pid = int(self._pid.read_text())
        seconds = (
            5.0 if self._command.exists() else float(self._settings()["TimeoutStopSec"])
        )
        deadline = time.monotonic() + seconds
        how: signal.Signals | None = signal.SIGTERM
        while is_alive(pid):
            if time.monotonic() > deadline:
                how = signal.SIGKILL
            if how is not None:
                os.kill(pid, how)
                how = None
            time.sleep(0.05)
        self._pid.unlink()

    def _settings(self) -> dict[str, str]:
        lines = self._unit.read_text().replace("%i", self._instance).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


def environment_of(file: Path) -> dict[str, str]:
    """Return the variables of an EnvironmentFile."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def is_alive(pid: int) -> bool:
    """Return whether a process runs that is not this one's child, and not over."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def stop_all(folder: Path) -> None:
    """End all that was started for a folder of units."""
    for file in folder.glob("*.pid"):
        Service(folder, file.stem).stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

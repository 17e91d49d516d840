"""Viewers of traces that are not ours read an exported run: ``make viewers``.

Each is installed into an environment of its own, which takes a minute and half a gigabyte;
so they are no part of the suite, and their file has no name that pytest looks for.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from chatdebug.exports.otlp import stream
from chatdebug.models import ChatRun
from tests.chatdebug.exports.samples import ERROR, NOON, full_run, full_step
from tests.chatdebug.exports.test_otlp import request_of
from tests.hosts.host import UV, foreign_environment, run
from tests.waiting import until

pytestmark = [
    pytest.mark.viewers,
    pytest.mark.django_db,
    pytest.mark.timeout(600),
]

MLFLOW = "mlflow==3.17.2"
PHOENIX = "arize-phoenix==20.26.1"
START_SECONDS = 300
"""Each migrates an empty database first."""


@pytest.fixture
def exported() -> tuple[ChatRun, str]:
    """Return a run that failed on its second attempt, and its trace."""
    failed = full_run()
    full_step(failed)
    return failed, "".join(stream(ChatRun.objects.all()))


@contextmanager
def viewer(
    folder: Path, package: str, *command: str, health: str, **environment: str
) -> Iterator[str]:
    """Install a viewer, run it, and yield its address. ``{port}`` is a free one."""
    run(UV, "venv", "--quiet", "--python", sys.executable, "env", cwd=folder)
    run(UV, "pip", "install", "--quiet", "--python", "env", package, cwd=folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    said = {key: value.format(port=port) for key, value in environment.items()}
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                str(folder / "env/bin" / command[0]),
                *(each.format(port=port) for each in command[1:]),
            ],
            cwd=folder,
            env=foreign_environment() | said,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            until(
                lambda: answers(url + health) or process.poll() is not None,
                seconds=START_SECONDS,
            )
            assert process.poll() is None, (folder / "log").read_text()
            yield url
        finally:
            process.terminate()
            process.wait(60)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False


def read(url: str) -> Any:
    with urlopen(url, timeout=30) as response:
        return json.load(response)


def post(url: str, body: bytes, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with urlopen(Request(url, body, named), timeout=30) as response:
        assert response.status == 200


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {
        each["key"]: next(iter(each["value"].values())) for each in span["attributes"]
    }


def test_mlflow_reads_a_failing_run_as_it_is_exported(
    exported: tuple[ChatRun, str], tmp_path: Path
) -> None:
    failed, text = exported
    command = ("mlflow", "server", "--host", "127.0.0.1", "--port", "{port}")
    storage = ("--workers", "1", "--backend-store-uri", "sqlite:///runs.db")
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with viewer(tmp_path, MLFLOW, *command, *storage, health="/health", **quiet) as url:
        post(
            f"{url}/v1/traces",
            text.encode(),
            content_type="application/json",
            x_mlflow_experiment_id="0",
        )
        found = f"trace_id=tr-{failed.pk.hex}"
        trace = read(f"{url}/api/3.0/mlflow/traces/get?{found}")["trace"]
    assert trace["trace_info"]["state"] == "ERROR"
    assert trace["trace_info"]["execution_duration"] == "2s"
    by_name = {span["name"]: span for span in trace["spans"]}
    step = by_name["chat gpt-5.1"]
    assert step["status"]["code"] == "STATUS_CODE_ERROR"
    assert step["status"]["message"] == ERROR["detail"]
    assert attributes(step)["error.type"] == "ballast_mismatch"
    (event,) = step["events"]
    assert attributes(event)["exception.type"] == "ModelHTTPError"
    took = (
        by_name["POST"]["end_time_unix_nano"] - by_name["POST"]["start_time_unix_nano"]
    )
    assert took == 5 * 10**8


def test_phoenix_reads_a_failing_run_as_the_protocols_own_messages(
    exported: tuple[ChatRun, str], tmp_path: Path
) -> None:
    failed, text = exported
    settings = {
        "PHOENIX_WORKING_DIR": str(tmp_path / "data"),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": "{port}",
        "PHOENIX_GRPC_PORT": "0",
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    command = ("phoenix", "serve")
    with viewer(tmp_path, PHOENIX, *command, health="/healthz", **settings) as url:
        # It takes no JSON, as a collector before it does.
        post(
            f"{url}/v1/traces",
            request_of(text).SerializeToString(),
            content_type="application/x-protobuf",
        )
        address = f"{url}/v1/projects/default/spans?limit=10"
        until(lambda: answers(address) and len(read(address)["data"]) == 4)
        by_name = {span["name"]: span for span in read(address)["data"]}
    step = by_name["chat gpt-5.1"]
    assert step["context"]["trace_id"] == failed.pk.hex
    assert step["span_kind"] == "LLM"
    assert step["status_code"] == "ERROR"
    assert step["status_message"] == ERROR["detail"]
    assert step["attributes"]["error.type"] == "ballast_mismatch"
    assert step["events"][0]["attributes"]["exception.type"] == "ModelHTTPError"
    root = by_name["invoke_agent chat_turn"]
    began, ended = (
        datetime.fromisoformat(root[key]) for key in ("start_time", "end_time")
    )
    assert (began, ended - began) == (NOON, timedelta(seconds=2))

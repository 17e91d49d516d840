"""The running site answers as its description says, whatever it is asked.

Schemathesis makes the requests of ``openapi.yaml``: valid ones, and ones that are wrong in
one place. It finds errors of the server, answers that are not described, and bodies that
are taken though the description forbids them.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from chatd.api.views import OPENAPI
from tests.process import SiteProcess
from tests.waiting import until

EXAMPLES = 15
"""Of an operation, besides its edge cases."""
RATES = {
    f"API_RATE_{scope}": "1000000/minute"
    for scope in ("READ", "WRITE", "RUNS", "SWITCHES", "MESSAGES", "TOKEN")
}
ENDINGS = ("chats_destroy", "token_destroy", "tokens_destroy")
"""Operations that take away what the others need."""
CONFIG = """
# Were it not signed in, it would find nothing.
warnings.fail-on = ["missing_auth"]
# The description cannot forbid a NUL in each text; others look at those.
generation.allow-x00 = false

[parameters]
"path.chat_id" = "{chat_id}"
"path.turn_id" = "{turn_id}"
"path.run_id" = "{run_id}"

# Whether there is such a model, and such a password, no description can say.
[[operations]]
include-operation-id = ["chats_create", "token_create"]
checks.positive_data_acceptance.enabled = false
"""


@dataclass(frozen=True, slots=True)
class Failed:
    """A chat whose one turn failed in a way that was recorded."""

    site: SiteProcess
    token: str
    chat_id: str
    turn_id: str
    run_id: str


@pytest.fixture
def failed(tmp_path: Path) -> Iterator[Failed]:
    with SiteProcess(tmp_path / "site", **RATES) as site:
        api = httpx2.Client(base_url=f"{site.url}api/v1/")
        account = {"username": "admin", "password": "admin"}
        token = api.post("token/", json=account).json()["token"]
        api.headers["Authorization"] = f"Token {token}"
        chat_id = api.post("chats/", json={"model": "fault-400"}).json()["id"]
        sent = api.post(f"chats/{chat_id}/messages/", json={"text": "Ballast?"})
        runs = f"chats/{chat_id}/debug/runs/"
        until(lambda: api.get(runs, params={"outcome": "failed"}).json()["results"])
        (run,) = api.get(runs).json()["results"]
        yield Failed(site, token, chat_id, sent.json()["turn"]["id"], run["id"])
        api.close()


def schemathesis(failed: Failed, folder: Path, *arguments: str) -> str:
    """Return what Schemathesis says, after its exit code says that it found nothing."""
    config = folder / "schemathesis.toml"
    config.write_text(
        CONFIG.format(
            chat_id=failed.chat_id, turn_id=failed.turn_id, run_id=failed.run_id
        )
    )
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            *(str(program), "--config-file", str(config), "run", str(OPENAPI)),
            *("--url", failed.site.url, "--no-color", "--generation-deterministic"),
            *("--header", f"Authorization: Token {failed.token}"),
            *arguments,
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.timeout(300)
def test_every_operation_answers_as_it_is_described(
    failed: Failed, tmp_path: Path
) -> None:
    operations = OPENAPI.read_text().count("operationId:")
    others = [part for name in ENDINGS for part in ("--exclude-operation-id", name)]
    phases = ("--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES))
    said = schemathesis(failed, tmp_path, *phases, *others)
    assert f"Tested: {operations - len(ENDINGS)}" in said
    endings = [part for name in ENDINGS for part in ("--include-operation-id", name)]
    said = schemathesis(
        failed, tmp_path, "--phases", "coverage", "--warnings", "off", *endings
    )
    assert f"Tested: {len(ENDINGS)}" in said
    assert "Traceback" not in failed.site.output

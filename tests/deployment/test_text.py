"""chatd/deploy.md does what it says: its blocks are run as they stand there.

What is changed in them is in ``Place`` alone: folders and ports, for those of the test.
What a test cannot do, bring packages onto the machine and run systemd, is stood in for by
the scripts of ``STAND_INS``.
"""

import asyncio
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from chatd import viewers
from chatd.databases import PROBES
from chatd.demo_provider.answers import LONG_ANSWER
from chatd.turns.bus import publishing
from chatd.turns.lifecycle import LEASE
from chatd.turns.runners.worker import MAX_CONNECTIONS
from tests.architecture.tree import project_files, read
from tests.deployment.people import SIGN_IN, Person, View
from tests.deployment.systemctl import FOLDER, environment_of, stop_all
from tests.deployment.text import DOCUMENT, block, blocks, files
from tests.nginx import MAIN, PATHS
from tests.ports import free_port, listens
from tests.postgres import PostgresServer
from tests.process import ROOT
from tests.provider import CountingProvider
from tests.waiting import until

WEB = "/etc/systemd/system/chatd-web@.service"
WORKER = "/etc/systemd/system/chatd-worker@.service"
SITE = "/etc/nginx/conf.d/chatd.conf"
ENVIRONMENT = "/etc/chatd/env"
COMPOSE = "/opt/chatd/compose.yaml"
PROGRAM, DATABASE, PREPARE, START, PROXY, RELEASE, POOLER = range(7)
"""The blocks of commands, in their order."""
POOL = 10
"""P of the text: the default of DATABASE_POOL_SIZE."""
STAND_INS = {
    # The test's machine has the packages, and the tree is in its place.
    "apt-get": "exit 0",
    "useradd": "exit 0",
    "git": "exit 0",
    "su": 'exec psql --no-psqlrc --set=ON_ERROR_STOP=1 "$SUPERUSER"',
    "nginx": 'PATH="$PATH:/usr/sbin"; exec {nginx} -e stderr -c {folder}/nginx.conf "$@"',
    "systemctl": 'PYTHONPATH={root} exec {python} -m tests.deployment.systemctl "$@"',
}
MODEL = """
from chatd.models import ModelConfig
ModelConfig.objects.create(
    name="long", model="demo-long", provider="openai_compatible", base_url="{url}"
)
"""
CONNECTIONS = """
SELECT count(*), count(*) FILTER (WHERE application_name = 'chatd bus, LISTEN')
FROM pg_stat_activity WHERE usename = 'chatd'
"""


class Place:
    """Where a test does what the text says: other folders, other ports."""

    def __init__(self, folder: Path, database: PostgresServer) -> None:
        self.folder = folder
        self.tree = folder / "opt" / "chatd"
        self.https = free_port()
        self._ports = {"8001": free_port(), "8002": free_port(), "6432": free_port()}
        self._ports["5432"] = database.address[1]
        self._database = database

    def moved(self, text: str) -> str:
        """Return a block for this place."""
        text = re.sub(r"/(?=(?:opt|etc|var)/)", f"{self.folder}/", text)
        text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
        text = text.replace("listen 443 ", f"listen 127.0.0.1:{self.https} ")
        ports = "|".join(self._ports)
        return re.sub(rf"\b({ports})\b", lambda m: str(self._ports[m[1]]), text)

    def prepare(self) -> None:
        """Lay down the tree, the files of the text, and what stands in."""
        for relative in project_files():
            target = self.tree / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / relative, target)
        (self.tree / ".venv").symlink_to(ROOT / ".venv")
        (self.folder / "var" / "lib" / "chatd").mkdir(parents=True)
        for place, text in files().items():
            file = Path(self.moved(place))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.moved(text))
        self._make_certificate()
        self._stand_in()

    def run(self, number: int) -> None:
        """Run a block of commands, each of which has to end well."""
        subprocess.run(self.command(number), check=True, env=self._environment)

    def command(self, number: int) -> list[str]:
        """Return what runs a block of commands."""
        script = self.moved(blocks("sh")[number])
        return ["bash", "-euo", "pipefail", "-c", script]

    async def run_beside(self, number: int) -> None:
        """Run a block while the test goes on."""
        process = await asyncio.create_subprocess_exec(
            *self.command(number), env=self._environment
        )
        assert await process.wait() == 0

    def run_code(self, code: str) -> str:
        """Run code with the settings of the text, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code],
            cwd=self.tree,
            env={"PATH": os.environ["PATH"]} | self.settings,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    @property
    def settings(self) -> dict[str, str]:
        """What the file of settings says now."""
        return environment_of(Path(self.moved(ENVIRONMENT)))

    @property
    def units(self) -> Path:
        return Path(self.moved(WEB)).parent

    @property
    def certificate(self) -> Path:
        return Path(self.moved("/etc/ssl/certs/chat.example.pem"))

    @property
    def _environment(self) -> dict[str, str]:
        folders = [
            f"{self.folder}/bin",
            os.environ["PATH"],
            str(self._database.programs),
        ]
        return {
            "PATH": os.pathsep.join(folders),
            "SUPERUSER": self._database.url,
            FOLDER: str(self.units),
        }

    def _make_certificate(self) -> None:
        key = Path(self.moved("/etc/ssl/private/chat.example.key"))
        for file in (key, self.certificate):
            file.parent.mkdir(parents=True)
        name = ("-subj", "/CN=chat.example", "-addext", "subjectAltName=IP:127.0.0.1")
        made = ("-keyout", str(key), "-out", str(self.certificate))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *name, *made],
            check=True,
            capture_output=True,
        )

    def _stand_in(self) -> None:
        nginx, pgbouncer = _program("nginx"), _program("pgbouncer")
        names = {"folder": self.folder, "root": ROOT, "python": sys.executable}
        for name, text in STAND_INS.items():
            script = self.folder / "bin" / name
            script.parent.mkdir(exist_ok=True)
            script.write_text(f"#!/bin/sh\n{text.format(nginx=nginx, **names)}\n")
            script.chmod(0o755)
        paths = " ".join(f"{name}_temp_path {self.folder}/{name};" for name in PATHS)
        user = "user root;" if os.geteuid() == 0 else ""
        include = f"include {self.moved(SITE)};"
        main = MAIN.format(user=user, folder=self.folder, paths=paths, site=include)
        (self.folder / "nginx.conf").write_text(main)
        self._serve("nginx", f"{nginx} -e stderr -c {self.folder}/nginx.conf")
        user = "-u nobody" if os.geteuid() == 0 else ""
        pooler = self.moved("/etc/pgbouncer/pgbouncer.ini")
        self._serve("pgbouncer", f"{pgbouncer} {user} {pooler}")

    def _serve(self, name: str, command: str) -> None:
        (self.units / f"{name}.command").write_text(command)


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, name
    return found


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def place(database: PostgresServer) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="chatd-deployed-") as folder:
        Path(folder).chmod(0o755)  # pgbouncer refuses to be root
        place = Place(Path(folder), database)
        place.prepare()
        try:
            yield place
        finally:
            stop_all(place.units)


@pytest.mark.nginx
@pytest.mark.pgbouncer
@pytest.mark.timeout(600)
def test_what_the_text_says_is_a_site_that_answers_and_is_renewed_under_way(
    place: Place, database: PostgresServer
) -> None:
    async def answers(provider: CountingProvider) -> None:
        place.run_code(MODEL.format(url=provider.url))
        (session,) = yaml.safe_load(place.run_code(SIGN_IN.format(people=1)))
        person = Person(
            session,
            [f"https://127.0.0.1:{place.https}/"],
            verify=ssl.create_default_context(cafile=str(place.certificate)),
            headers={"Host": "chat.example", "Origin": "https://chat.example"},
        )
        async with person:
            chat = await person.new_chat("long")
            for number, block_number in enumerate((RELEASE, POOLER)):
                turn, _ = await person.send(chat, f"question {number}")
                async with asyncio.TaskGroup() as group:
                    group.create_task(person.watch(turn, view := View()))
                    while not view.text:
                        await view.changed.wait()
                    group.create_task(place.run_beside(block_number))
                assert view.text == LONG_ANSWER
                assert view.is_whole
            turn, _ = await person.send(chat, "by the pooler")
            assert (await person.watch(turn, View())).text == LONG_ANSWER
        assert set(provider.asked.values()) == {1}

    for number in (PROGRAM, DATABASE, PREPARE, START, PROXY):
        place.run(number)
    until(lambda: listens(place.https))
    with CountingProvider(word_delay=0.02) as provider:
        asyncio.run(answers(provider))
    with psycopg.connect(f"{database.url}") as connection:
        ((connections, listening),) = connection.execute(CONNECTIONS).fetchall()
    assert 0 < listening <= 4
    assert connections <= 40 + 4 + 4 * 7


@pytest.mark.nginx
@pytest.mark.pgbouncer
def test_systemd_takes_the_units_where_there_is_one(place: Place) -> None:
    units = [place.moved(path) for path in (WEB, WORKER)]
    assert all(Path(unit).exists() for unit in units)
    if (program := shutil.which("systemd-analyze")) is None:
        sys.stdout.write(
            "\n*** NO systemd: ITS UNITS ARE READ BY OUR TEST ALONE. ***\n"
        )
        return
    done = subprocess.run(
        [program, "verify", "--man=no", *units],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def setting(unit: str, name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", block(unit), re.MULTILINE)
    return str(value)


def test_whoever_ends_a_process_waits_until_it_has_ended() -> None:
    grace = float(dict(_variables())["WORKER_GRACE"])
    assert float(setting(WORKER, "TimeoutStopSec")) > grace + 10
    assert float(setting(WEB, "TimeoutStopSec")) > 10
    services = yaml.safe_load(block(COMPOSE))["services"]
    for name, unit in (("web", WEB), ("worker", WORKER)):
        seconds = setting(unit, "TimeoutStopSec")
        assert services[name]["stop_grace_period"] == f"{seconds}s"


def _variables() -> list[list[str]]:
    return [line.split("=", 1) for line in block(ENVIRONMENT).splitlines()]


def test_each_variable_is_one_that_the_site_reads() -> None:
    known = set(
        re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', read(Path("chatd/settings.py")))
    )
    composed = yaml.safe_load(block(COMPOSE))["x-chatd"]["environment"]
    assert {name for name, _ in _variables()} | composed.keys() <= known


def test_containers_run_what_the_units_run() -> None:
    compose = yaml.safe_load(block(COMPOSE))
    services = compose["services"]
    assert services.keys() == {"database", "migrate", "web", "worker", "nginx"}
    for name, unit in (("web", WEB), ("worker", WORKER)):
        said = setting(unit, "ExecStart").replace("/opt/chatd/.venv/bin/", "")
        said = said.replace("%i", "8001").replace("127.0.0.1", "0.0.0.0")
        assert services[name]["command"] == said
    assert services["migrate"]["command"] == "python manage.py migrate"
    url = compose["x-chatd"]["environment"]["DATABASE_URL"]
    assert "@database:5432/" in url
    volumes = {one.split(":")[0] for one in compose["x-chatd"]["volumes"]}
    assert volumes <= compose["volumes"].keys()


def test_the_arithmetic_of_connections_is_that_of_the_code() -> None:
    text = DOCUMENT.read_text("utf-8").replace("\N{MULTIPLICATION SIGN}", "x")
    bus, recorder, stops, jobs_listening = 4, 1, 1, 1
    web = recorder + bus
    worker = web + stops + MAX_CONNECTIONS + jobs_listening
    assert f"web x (P + {web}) + workers x (P + {worker}) + 10" in text
    two = 2 * (POOL + web) + 2 * (POOL + worker) + 10
    assert f"2 x {POOL + web} + 2 x {POOL + worker} + 10 = {two}" in text


def test_numbers_are_those_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"something every {viewers.HEARTBEAT_SECONDS:g} s" in text
    assert f"| a lease | {LEASE.total_seconds():g} s" in text
    silence = PROBES["keepalives_idle"]
    silence += PROBES["keepalives_interval"] * PROBES["keepalives_count"]
    assert f"is noticed within {silence} s" in text
    assert f"at most {1 / publishing.FLUSH_SECONDS:g} a second" in text
    assert f"{publishing.CHARACTERS_KEPT // 1_000_000} million characters" in text

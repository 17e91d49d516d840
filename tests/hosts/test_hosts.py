"""From nothing to a run on the admin page, in projects that have the built wheel alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.hosts.host import WORKER_READY, Host
from tests.postgres import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

ADMIN = {
    "DJANGO_SUPERUSER_USERNAME": "admin",
    "DJANGO_SUPERUSER_PASSWORD": "a long password",
    "DJANGO_SUPERUSER_EMAIL": "admin@example.org",
}


def set_up(host: Host, *databases: str) -> None:
    """Do what the readme says, after the settings: migrate, check, and an account."""
    host.manage("makemigrations", "--check", "--dry-run", "chatdebug")
    for database in ("default", *databases):
        host.manage("migrate", "--database", database)
    found = host.manage("check", "--fail-level", "WARNING")
    assert "no issues" in found
    host.manage("createsuperuser", "--noinput")


@contextmanager
def admin_of(url: str, site: str = "/admin/") -> Iterator[httpx2.Client]:
    """Sign in to an admin site, and yield a client for it."""
    with httpx2.Client(base_url=url, follow_redirects=True, timeout=60) as client:
        login = f"{site}login/?next={site}"
        client.get(login)
        form = {
            "username": ADMIN["DJANGO_SUPERUSER_USERNAME"],
            "password": ADMIN["DJANGO_SUPERUSER_PASSWORD"],
            "csrfmiddlewaretoken": client.cookies["csrftoken"],
        }
        assert client.post(login, data=form).status_code == 200
        assert "sessionid" in client.cookies
        yield client


def listed_runs(client: httpx2.Client, site: str = "/admin/") -> set[str]:
    """Return the addresses of the runs that the admin lists."""
    runs = f"{site}chatdebug/chatrun/"
    return set(re.findall(rf'"({runs}[\w-]+/change/)', page(client, runs)))


def read_run(client: httpx2.Client, site: str = "/admin/") -> str:
    """Return the page of the one run that the admin lists, after its payload's page.

    Nobody's chat is the administrator's own, so that a reason is given first.
    """
    until(lambda: listed_runs(client, site))
    (address,) = listed_runs(client, site)
    assert "OpenAI 400" in page(client, address)
    form = {"reason": "a look", "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    opened = client.post(address.replace("/change/", "/reading/"), data=form)
    assert opened.status_code == 200
    run = opened.text
    (step,) = set(re.findall(rf'"({site}chatdebug/chatstep/[\w-]+/change/)', run))
    assert "Traceback" not in page(client, step)
    return run


def read_debug_tab(client: httpx2.Client, run: str) -> str:
    """Return the run's page in the Debug tab, to which its page in the admin leads."""
    (address,) = re.findall(r'"([^"]*/debug/chats/[^"]+)"', run)
    panel = address.partition("runs/")[0]
    assert address in page(client, panel)
    return page(client, address)


def get(address: str) -> int:
    """Return the status of an answer; the first one takes as long as all imports."""
    return httpx2.get(address, timeout=60).status_code


def page(client: httpx2.Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.text


def test_wsgi_and_sqlite(wheel: Path, provider: str, tmp_path: Path) -> None:
    host = Host("wsgi", tmp_path, PROVIDER=provider, **ADMIN)
    host.install(str(wheel))
    assert host.installed() == {
        "asgiref",
        "chatdebug",
        "django",
        "sqlparse",
        "uuid-utils",
    }
    host.install(str(wheel), "openai")
    set_up(host)
    with host.serving("python", "manage.py", "runserver", "--noreload", "0") as url:
        assert get(f"{url}/chats/7/ask/demo/") == 200
        assert get(f"{url}/chats/7/stream/demo/") == 200
        assert get(f"{url}/chats/7/ask/fault-401/") == 500
        assert get(f"{url}/chats/7/ask/fault-400/") == 500
        with admin_of(url) as client:
            run = read_run(client)
            assert "Anfrage abgelehnt · OpenAI 400" in run
            assert "Anfrage abgelehnt · OpenAI 400" in read_debug_tab(client, run)
            known = listed_runs(client)
            for model in ("demo", "fault-401"):
                get(f"{url}/ask/{model}/")
            assert get(f"{url}/ask/fault-400/") == 500
            # The journal has it when the call raises, the database a moment later.
            until(lambda: listed_runs(client) - known)
            (of_no_chat,) = listed_runs(client) - known
            assert "OpenAI 400" in page(client, of_no_chat)
    assert host.log.count("Recorded run") == 2


def test_asgi_and_postgresql(wheel: Path, provider: str, tmp_path: Path) -> None:
    with PostgresServer() as server:
        host = Host("asgi", tmp_path, PROVIDER=provider, DATABASE=server.url, **ADMIN)
        host.install(f"chatdebug[postgresql] @ {wheel.as_uri()}", "openai", "uvicorn")
        host.manage("makemigrations", "host")
        set_up(host)
        with host.serving("uvicorn", "host.asgi:application", "--port", "0") as url:
            office = f"{url}/office"
            assert get(f"{office}/ask/demo/") == 200
            assert get(f"{office}/stream/demo/") == 200
            assert get(f"{office}/ask/fault-400/") == 500
            with admin_of(url, "/office/admin/") as client:
                run = read_run(client, "/office/admin/")
                assert "conv_9f3a" in run
                debug_tab = read_debug_tab(client, run)
                assert "OpenAI 400" in debug_tab
                assert "The page of the office" in debug_tab
                people = page(client, "/office/admin/chatdebug/chatrun/")
                owner = re.search(r"field-owner_id\">([\w-]{36})<", people)
                assert owner  # who was rolled back with the request's transaction
            assert get(f"{office}/stream/fault-400/") == 500
    assert host.log.count("Recorded run") == 2
    assert "recorder_lifespan" not in host.log


def test_forked_workers_of_a_server(wheel: Path, provider: str, tmp_path: Path) -> None:
    host = Host("prefork", tmp_path, PROVIDER=provider, **ADMIN)
    host.install(str(wheel), "gunicorn")
    set_up(host, "chatdebug")
    workers = ("gunicorn", "host.wsgi", "--workers", "2", "--bind", "127.0.0.1:0")
    with host.serving(*workers) as url:
        assert get(f"{url}/ask/demo/") == 200
        assert get(f"{url}/ask/fault-401/") == 500
        assert get(f"{url}/ask/fault-400/") == 500
        with admin_of(url, "/office/") as client:
            run = read_run(client, "/office/")
            assert "OpenAI 400" in run
            assert "OpenAI 400" in read_debug_tab(client, run)
    assert host.log.count("Recorded run") == 1
    with host.serving(*workers, "--preload") as url:
        assert get(f"{url}/ask/fault-400/") == 500
        with admin_of(url, "/office/") as client:
            until(lambda: len(listed_runs(client, "/office/")) == 2)
    assert host.log.count("Recorded run") == 1
    said = host.manage("chatdebug_status")
    assert "America/New_York" in said


def test_forked_workers_of_a_queue(wheel: Path, provider: str, tmp_path: Path) -> None:
    host = Host("prefork", tmp_path, PROVIDER=provider, **ADMIN)
    host.install(str(wheel), "openai", "-r", "requirements.txt")
    set_up(host, "chatdebug")
    worker = ("celery", "--app", "host.celery", "worker", "--pool", "prefork")
    options = ("--concurrency", "2", "--loglevel", "INFO")
    with host.running(*worker, *options, ready=WORKER_READY):
        said = host.manage("ask", "demo", "fault-401", "fault-400")
        assert said.split()[-3:] == ["SUCCESS", "FAILURE", "FAILURE"]
    assert host.log.count("Recorded run") == 1
    server = ("python", "manage.py", "runserver", "--noreload", "0")
    with host.serving(*server) as url, admin_of(url, "/office/") as client:
        run = read_run(client, "/office/")
        assert "OpenAI 400" in run
        assert "OpenAI 400" in read_debug_tab(client, run)

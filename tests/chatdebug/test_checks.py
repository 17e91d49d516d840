"""What the system checks say of settings that would not work."""

import re
import sys
from dataclasses import fields
from logging import ERROR
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core import mail
from django.core.checks import Tags, run_checks
from django.db import connection

from chatdebug.conf import BOUNDS, RecorderSettings, recorder_settings
from chatdebug.enums import AlarmChannel, Level
from chatdebug.models import AlarmTarget, ChatRun
from chatdebug.recorder import record_run
from chatdebug.testing import captured_runs
from tests.chatdebug.test_access import NO_POLICIES
from tests.factories import AlarmTargetFactory


def found(settings: LazySettings, **changes: Any) -> list[str]:
    settings.CHATDEBUG = {**settings.CHATDEBUG, **changes}
    return [str(message.id) for message in run_checks(tags=["chatdebug"])]


def test_the_projects_own_settings_are_fine(settings: LazySettings) -> None:
    assert found(settings) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"DATABSE": "chatdebug"}, "chatdebug.E001", id="a typo"),
        pytest.param({"STALE_SECONDS": "5"}, "chatdebug.E001", id="a wrong type"),
        pytest.param({"DEFAULT_LEVEL": "full"}, "chatdebug.E001", id="a wrong level"),
        pytest.param({"EVIDENCE": "all"}, "chatdebug.E001", id="a wrong evidence"),
        pytest.param({"EVIDENCE_BYTES": 1}, "chatdebug.E001", id="too small a box"),
        pytest.param({"DATABASE": "other"}, "chatdebug.E002", id="no such alias"),
        pytest.param(
            {"ACCESS_POLICY": "no.such.Policy"}, "chatdebug.E003", id="policy"
        ),
        pytest.param({"SECRETS": "os.no_such"}, "chatdebug.E003", id="secrets"),
        pytest.param({"PLAYED_CALL": "os.no_such"}, "chatdebug.E003", id="call"),
        pytest.param({"SECRETS": "os.sep"}, "chatdebug.E003", id="secrets, a text"),
        pytest.param({"PLAYED_CALL": "os.sep"}, "chatdebug.E003", id="call, a text"),
        pytest.param(
            {"DATABASE": "default"}, "chatdebug.W001", id="the requests' alias"
        ),
        pytest.param({"SPOOL_DIR": None}, "chatdebug.W002", id="no journal"),
        pytest.param(
            {"SPOOL_DIR": Path("/dev/null/no")}, "chatdebug.W003", id="no folder"
        ),
        pytest.param(
            {"SPOOL_DIR": Path("spool")}, "chatdebug.W003", id="one for each folder"
        ),
        pytest.param(
            {"BASE_TEMPLATE": "no/such.html"}, "chatdebug.E004", id="no base template"
        ),
        pytest.param(
            {"BASE_URL": "chat.example.org"}, "chatdebug.E005", id="no scheme"
        ),
        pytest.param(
            {"BASE_URL": "https://chat.example.org/?a"}, "chatdebug.E005", id="a query"
        ),
        pytest.param(
            {"STATUS_PAGES": {"ours": 1}},
            "chatdebug.E001",
            id="a number for an address",
        ),
        pytest.param(
            {"STATUS_PAGES": {"ours": "javascript:alert()"}},
            "chatdebug.E006",
            id="no address",
        ),
    ],
)
def test_what_cannot_work_is_said(
    settings: LazySettings, changes: dict[str, Any], expected: str
) -> None:
    assert found(settings, **changes) == [expected]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"SPOOLDIR": Path("/spool")}, "There are: .*SPOOL_DIR", id="a typo"
        ),
        pytest.param(
            {"SPOOL_DIR": "/spool"}, "takes Path or None.*, not str", id="a text"
        ),
        pytest.param({"EXTRA_SECRETS": ["a"]}, "takes tuple, not list", id="a list"),
        pytest.param(
            {"EXTRA_SECRETS": ("abcdef", None)},
            "its item 1 is to be str, not NoneType",
            id="an item",
        ),
        pytest.param(
            {"STATUS_PAGES": {"ours": "https://s.example", "other": 1}},
            "its value 1 is to be str, not int",
            id="a value",
        ),
        pytest.param({1: 2, "B": 3}, "Unknown keys in CHATDEBUG: 1, B", id="a number"),
        pytest.param({"SPOOL_DIR": None}, r"BASE_DIR / 'var' / 'chatdebug'", id="none"),
    ],
)
def test_what_is_said_tells_the_way_out(
    settings: LazySettings, changes: dict[Any, Any], expected: str
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, **changes}
    (said,) = run_checks(tags=["chatdebug"])
    assert re.search(expected, str(said))


@pytest.mark.parametrize("name", ["ACCESS_POLICY", "PLAYED_CALL", "SECRETS"])
def test_a_module_that_cannot_be_read_is_an_error(
    settings: LazySettings, module_with_a_typo: str, name: str
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, name: f"{module_with_a_typo}.any"}
    (said,) = run_checks(tags=["chatdebug"])
    assert said.id == "chatdebug.E003"
    assert f"CHATDEBUG['{name}']: SyntaxError" in said.msg


@pytest.fixture
def module_with_a_typo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "chatdebug_test_with_a_typo"
    (tmp_path / f"{name}.py").write_text("def (\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize("policy", NO_POLICIES)
def test_a_policy_that_is_none_is_an_error(settings: LazySettings, policy: str) -> None:
    assert found(settings, ACCESS_POLICY=policy) == ["chatdebug.E003"]


@pytest.mark.parametrize("value", [[], None, "errors", ("DATABASE",)])
def test_settings_that_are_no_dict_are_an_error_and_nothing_is_raised(
    settings: LazySettings, value: object
) -> None:
    settings.CHATDEBUG = value
    (said,) = run_checks(tags=["chatdebug"])
    assert said.id == "chatdebug.E001"
    assert f"it is a dict, not {type(value).__name__}" in said.msg
    with pytest.raises(ValueError, match="the host's"), record_run(chat_id="1") as run:  # noqa: PT012
        assert run.level is Level.OFF
        raise ValueError("the host's")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"NO_SUCH": 1}, ["Nothing is recorded: Unknown keys in CHATDEBUG: NO_SUCH."]),
        (["a"], ["Nothing is recorded: CHATDEBUG has the wrong type"]),
        ({}, []),
    ],
)
def test_a_server_says_at_its_start_that_nothing_is_recorded(
    settings: LazySettings,
    value: object,
    said: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.CHATDEBUG = value
    apps.get_app_config("chatdebug").ready()
    with record_run(chat_id="1"):
        pass
    found = [one.getMessage() for one in caplog.records if one.levelno == ERROR]
    assert len(found) == len(said)
    assert all(map(str.startswith, found, said))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"ATOMIC_REQUESTS": True}, ["chatdebug.W004"], id="copied"),
        pytest.param({"OPTIONS": {"pool": True}}, ["chatdebug.W001"], id="a pool"),
        pytest.param({"NAME": "elsewhere"}, ["chatdebug.W005"], id="another database"),
        pytest.param({"HOST": "elsewhere"}, ["chatdebug.W005"], id="another server"),
        pytest.param({"USER": "recorder"}, [], id="an account of its own"),
    ],
)
def test_an_alias_that_would_not_do_is_said(
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    expected: list[str],
) -> None:
    entry = settings.DATABASES["chatdebug"] | changes
    monkeypatch.setitem(settings.DATABASES, "chatdebug", entry)
    assert found(settings) == expected


def test_another_database_is_right_with_the_router(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = settings.DATABASES["chatdebug"] | {"NAME": "elsewhere"}
    monkeypatch.setitem(settings.DATABASES, "chatdebug", entry)
    settings.DATABASE_ROUTERS = ["chatdebug.databases.RecorderRouter"]
    assert found(settings) == []


def found_before_use() -> list[str]:
    """Return what is said before databases are used, as by ``manage.py test``."""
    asked = run_checks(tags=[Tags.database], databases=["default"])
    return [str(message.id) for message in asked]


@pytest.mark.django_db
def test_tests_that_would_record_in_the_projects_own_spool_are_said() -> None:
    assert found_before_use() == ["chatdebug.W008"]
    with captured_runs():  # as ``chatdebug.testing.Runner`` does
        assert found_before_use() == []


@pytest.fixture
def outside_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checks take this for no run of tests: mail goes to no list."""
    monkeypatch.delattr(mail, "outbox")


@pytest.mark.django_db
@pytest.mark.usefixtures("outside_of_tests")
def test_outside_of_tests_nothing_is_said_of_them() -> None:
    assert found_before_use() == []


@pytest.mark.parametrize("name", [":memory:", "", "file:runs?mode=memory"])
def test_a_database_in_memory_is_said(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    for alias in ("default", "chatdebug"):
        monkeypatch.setitem(settings.DATABASES, alias, entry)
    assert found(settings) == ["chatdebug.W005"]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        pytest.param("chatd.api.urls", ["chatdebug.W006"], id="not included"),
        pytest.param(None, [], id="no addresses at all"),
    ],
)
def test_pages_without_an_address_are_said(
    settings: LazySettings, addresses: str | None, expected: list[str]
) -> None:
    settings.ROOT_URLCONF = addresses
    assert found(settings) == expected


def test_templates_that_cannot_be_found_are_said(settings: LazySettings) -> None:
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [], "APP_DIRS": False}]
    assert set(found(settings)) == {"chatdebug.E004"}


def test_every_number_has_bounds() -> None:
    defaults = RecorderSettings()
    numbers = {
        field.name
        for field in fields(RecorderSettings)
        if type(getattr(defaults, field.name)) in (int, float)
    }
    assert set(BOUNDS) == numbers
    for name, (least, most) in BOUNDS.items():
        assert least <= getattr(defaults, name) <= most


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_out_of_its_bounds_is_an_error(
    settings: LazySettings, name: str
) -> None:
    least, most = BOUNDS[name]
    beyond: list[float] = [-1, 0, least - 0.001, most + 1]
    kind = type(getattr(RecorderSettings(), name))
    beyond = [kind(number) for number in beyond if kind(number) != kind(least)]
    beyond += [nan, inf, -inf] if kind is float else []
    for number in beyond:
        assert found(settings, **{name: number}) == ["chatdebug.E001"], number
    for number in (kind(least), kind(most)):
        assert found(settings, **{name: number}) == []


def test_settings_are_read_anew_when_they_change(settings: LazySettings) -> None:
    settings.CHATDEBUG = {"STORM_FIRST": 3}
    assert recorder_settings().STORM_FIRST == 3
    assert recorder_settings().STORM_SECONDS == 3600


@pytest.mark.parametrize("base", ["", "https://chat.example.org", "http://h:8000/a/"])
def test_an_address_of_the_site_is_fine(settings: LazySettings, base: str) -> None:
    assert found(settings, BASE_URL=base) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("outside_of_tests")
def test_a_target_without_the_package_that_it_takes_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    AlarmTargetFactory(channel=AlarmChannel.APPRISE)

    assert found_before_use() == ["chatdebug.W009"]
    AlarmTarget.objects.update(enabled=False)
    assert found_before_use() == []


@pytest.mark.django_db
@pytest.mark.usefixtures("outside_of_tests")
def test_before_its_tables_there_is_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    def without_it(execute: Any, sql: str, *given: Any) -> Any:
        if AlarmTarget._meta.db_table in sql:
            sql = "SELECT 1 FROM chatdebug_not_made_yet"
            given = ((), *given[1:])
        return execute(sql, *given)

    with connection.execute_wrapper(without_it):
        assert found_before_use() == []
    assert not ChatRun.objects.exists(), "the transaction of the caller goes on"


@pytest.mark.parametrize(
    ("evidence", "expected"), [("full", []), ("shape", ["chatdebug.W010"])]
)
def test_consent_to_what_is_not_kept_is_said(
    evidence: str, expected: list[str], settings: LazySettings
) -> None:
    assert found(settings, EVIDENCE=evidence, EVIDENCE_CONSENT=True) == expected

"""Is it them? As whatever shows a failure asks: at no cost for its viewers, never raising."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from threading import Event, Thread

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from chatdebug.errors.sentences import Cause, Owner
from chatdebug.models import CallMinute
from chatdebug.services.health import WINDOW
from chatdebug.services.known_health import (
    KNOWN_SECONDS,
    Them,
    forget_health,
    is_it_them,
    provider_health,
)
from tests.factories import CallMinuteFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def called(model: str, *, failed: int, ago: int = 2, provider: str = "openai") -> None:
    """Let ten calls of a model have been made so many minutes ago."""
    minute = timezone.now().replace(second=0, microsecond=0) - ago * MINUTE
    CallMinuteFactory(minute=minute, provider=provider, model=model, failed=failed)


def down(*, ago: int = 2) -> None:
    """Let a provider fail since so many minutes."""
    called("gpt-5", failed=10, ago=ago)


def asked(
    provider: str = "openai",
    *,
    model: str = "gpt-4o",
    ago: int = 0,
    owner: str = "",
    cause: str = "",
) -> Them | None:
    """Ask as the failure of another model does."""
    return is_it_them(
        provider=provider,
        model=model,
        failed_at=timezone.now() - ago * MINUTE,
        owner=owner,
        cause=cause,
    )


@contextmanager
def missing_table() -> Iterator[None]:
    """Let the database refuse the question, as before a migration."""
    table = CallMinute._meta.db_table
    rename = "ALTER TABLE {} RENAME TO {}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, "elsewhere"))
        yield
        cursor.execute(rename.format("elsewhere", table))


def test_a_provider_that_fails_is_told_with_its_status_page() -> None:
    down()
    since = f"{timezone.now().astimezone(UTC) - WINDOW:%H:%M} UTC"
    them = asked()
    assert them is not None
    assert them["sentence"] in (
        # It has no call that is counted: the failure counts for it.
        f"Not only this model: 2 of the 2 models of OpenAI that were used since {at} "
        "have been failing."
        for at in (since, f"{timezone.now().astimezone(UTC) - WINDOW:%H:%M} UTC")
    )
    assert them["status_page"] == "https://status.openai.com/"
    assert them["who_may_answer"] == "other_providers"
    assert asked("anthropic") is None


def test_of_a_model_that_fails_alone_nothing_is_said_of_its_provider() -> None:
    down()
    assert asked(model="gpt-5") is None


def test_other_models_that_answer_are_told_without_their_names() -> None:
    down()
    called("gpt-5-mini", failed=1)
    them = asked(model="gpt-5")
    assert them is not None
    assert them["sentence"].startswith("Other models of OpenAI have answered since ")
    assert (them["status_page"], them["who_may_answer"]) == ("", "other_models")
    assert asked(model="gpt-5", ago=60) is None, "that was in another hour"


def test_a_model_that_mostly_answers_is_not_counted_as_failing() -> None:
    down()
    called("gpt-4o", failed=1)
    called("gpt-4", failed=10)
    them = asked()
    assert them is not None
    assert "2 of the 3 models" in them["sentence"]
    called("gpt-3", failed=0)
    forget_health()
    assert asked() is None, "half of them are no outage"


def test_if_all_providers_fail_nobody_is_sent_to_another_one() -> None:
    down()
    called("claude", failed=10, provider="anthropic")
    them = asked(model="gpt-5")
    assert them is not None
    assert them["sentence"].startswith("All 2 providers that were used since ")
    assert them["who_may_answer"] == "nobody"


def test_an_answer_that_was_held_back_is_no_outage() -> None:
    down()
    assert asked(cause=Cause.ANSWER_BLOCKED, owner=Owner.PROVIDER) is None


def test_a_failure_from_before_has_another_reason() -> None:
    down(ago=2)
    assert asked(ago=5) is None
    assert is_it_them(provider="openai", failed_at=None) is None


@pytest.mark.parametrize("owner", Owner.values)
def test_what_is_whose_else_is_not_theirs(owner: str) -> None:
    down()
    is_theirs = owner in (Owner.PROVIDER, Owner.NETWORK, Owner.UNKNOWN)
    assert (asked(owner=owner) is not None) == is_theirs


def test_however_many_ask_the_database_is_asked_once() -> None:
    down()
    with collected_statements() as statements:
        assert all(asked() for _ in range(50))
        assert provider_health().sentence
    assert len([sql for sql in statements if "chatdebug_callminute" in sql]) == 2


def test_while_one_asks_the_others_get_what_was_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    down()
    known = asked()
    is_asking, may_go_on = Event(), Event()

    def slow() -> None:
        is_asking.set()
        assert may_go_on.wait(30)
        raise DatabaseError("the database is away")

    monkeypatch.setattr("chatdebug.services.known_health.read_health", slow)
    monkeypatch.setattr("chatdebug.services.known_health._known._until", 0.0)
    first = Thread(target=asked)
    first.start()
    assert is_asking.wait(30)
    assert asked() == known
    may_go_on.set()
    first.join()


def test_a_database_in_trouble_is_not_asked_by_everybody_and_spoils_no_page(
    caplog: pytest.LogCaptureFixture,
) -> None:
    down()
    with missing_table(), collected_statements() as statements:
        assert [asked() for _ in range(5)] == [None] * 5
        assert len([sql for sql in statements if "chatdebug_callminute" in sql]) == 1
    assert caplog.messages == ["How the providers do is not known"]
    forget_health()
    assert asked() is not None  # in the transaction that was open all the time


def test_an_answer_is_old_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked() is None
    down()
    assert asked() is None
    later = timezone.now().timestamp() + KNOWN_SECONDS
    monkeypatch.setattr(
        "chatdebug.services.known_health.monotonic", lambda: later + 10**9
    )
    assert asked() is not None

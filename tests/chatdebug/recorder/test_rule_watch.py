"""Rules in shadow and rules that are on: what of a run's errors is counted for them."""

from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from chatdebug.deployment_rules import loaded_rules
from chatdebug.enums import ErrorKind, RuleMode
from chatdebug.models import (
    AuditEntry,
    ChatRun,
    ClassificationRule,
    ErrorGroup,
    RuleCause,
    RuleTally,
)
from chatdebug.models.rules import CAUSES_KNOWN
from chatdebug.recorder import Level, logical_call, record_run
from chatdebug.recorder.logical import open_step
from chatdebug.services import rule_tallies
from chatdebug.writer import close_writer
from chatdebug.writer.rule_tallies import CAUSES_LOOKED_AT, RuleTallies
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no built-in rule knows."""


class OverloadedError(Exception):
    """One that a built-in rule knows by its status."""

    status_code = 503


BALLAST = "The ballast of segment 3 does not match."


def rule(mode: RuleMode = RuleMode.SHADOW, **facts: Any) -> ClassificationRule:
    made = ClassificationRule.objects.create(
        **{"kind": ErrorKind.CONFIG, "text": "the ballast", "mode": mode, **facts}
    )
    loaded_rules.load()
    return made


def fail(message: str = BALLAST, kind: type[Exception] = ProviderError) -> None:
    with suppress(kind), record_run(chat_id="c", model="demo") as run, run.step():
        raise kind(message)


def tally(of: ClassificationRule) -> RuleTally:
    close_writer(timeout=20)
    return RuleTally.objects.get(rule=of)


def causes(of: ClassificationRule) -> list[tuple[str, int, bool]]:
    close_writer(timeout=20)
    rows = RuleCause.objects.filter(rule=of).order_by("title")
    return list(rows.values_list("title", "count", "is_accepted"))


def test_a_rule_in_shadow_decides_nothing_and_counts_what_it_would_have_decided() -> (
    None
):
    shadow = rule()
    for _ in range(3):
        fail()
    fail("Something else altogether.")
    counted = tally(shadow)
    assert (counted.count, counted.disagreed, counted.recovered) == (3, 0, 0)
    assert ChatRun.objects.filter(error_kind=ErrorKind.GENERIC).count() == 4
    assert causes(shadow) == [("The ballast of segment … does not match.", 3, False)]


def test_a_cause_under_a_rule_is_its_group_whether_the_rule_decides_or_not() -> None:
    shadow = rule()
    fail()
    close_writer(timeout=20)
    group = ErrorGroup.objects.get()
    assert RuleCause.objects.get().fingerprint == group.fingerprint
    ClassificationRule.objects.update(mode=RuleMode.ON)
    loaded_rules.load()
    fail()
    assert tally(shadow).count == 2
    assert ChatRun.objects.count() == 1
    assert RuleCause.objects.get().count == 2


def test_where_the_built_in_rules_know_better_the_shadow_says_so() -> None:
    shadow = rule()
    fail(BALLAST, OverloadedError)
    fail()
    counted = tally(shadow)
    assert (counted.count, counted.disagreed) == (2, 1)
    kinds = RuleCause.objects.values_list("kind", flat=True)
    assert set(kinds) == {ErrorKind.OVERLOADED, ErrorKind.GENERIC}


@pytest.mark.parametrize(("retryable", "recovered"), [(False, 1), (True, 0)])
def test_a_retry_that_then_went_well_speaks_against_giving_up(
    retryable: bool, recovered: int
) -> None:
    shadow = rule(retryable=retryable)
    with record_run(chat_id="c") as run:
        with logical_call(run):
            for _ in range(2):
                with suppress(ProviderError), open_step(run, "generate"):  # type: ignore[arg-type]
                    raise ProviderError(BALLAST)
            with open_step(run, "generate"):  # type: ignore[arg-type]
                pass
        run.complete()
    counted = tally(shadow)
    assert (counted.count, counted.recovered) == (2, recovered)


def test_an_error_counts_once_however_many_calls_it_leaves() -> None:
    shadow = rule(text="the service", kind=ErrorKind.CONFIG)
    with (
        suppress(OverloadedError),
        record_run(chat_id="c") as run,
        run.step(),
        run.step(),
    ):
        raise OverloadedError("The service is full.")
    assert tally(shadow).count == 1


def test_a_rule_of_a_lower_position_that_decides_leaves_a_shadow_nothing() -> None:
    first = rule(RuleMode.ON, position=1)
    shadow = rule(position=2)
    before = rule(position=0)
    fail()
    assert tally(first).count == tally(before).count == 1
    assert not RuleTally.objects.filter(rule=shadow).exists()


def test_a_turn_that_goes_well_asks_and_writes_nothing() -> None:
    shadow = rule()
    with (
        CaptureQueriesContext(connection) as queries,
        record_run(chat_id="c", level=Level.ERRORS) as run,
    ):
        with run.step():
            pass
        run.complete()
    assert len(queries) == 0
    close_writer(timeout=20)
    assert not RuleTally.objects.filter(rule=shadow).exists()


def test_where_nothing_is_recorded_nothing_is_counted() -> None:
    shadow = rule()
    with (
        suppress(ProviderError),
        record_run(chat_id="c", level=Level.OFF) as run,
        run.step(),
    ):
        raise ProviderError(BALLAST)
    close_writer(timeout=20)
    assert not RuleTally.objects.filter(rule=shadow).exists()


def test_a_database_that_is_away_costs_no_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shadow, add, asked = rule(), rule_tallies.add_rule_counts, 0

    def away_at_first(**named: Any) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise OperationalError("the database system is starting up")
        add(**named)

    monkeypatch.setattr("chatdebug.writer.rule_tallies.add_rule_counts", away_at_first)
    fail()
    until(lambda: RuleTally.objects.filter(rule=shadow, count=1).exists())
    assert asked >= 2


def test_in_a_storm_all_are_counted_and_the_first_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shadow = rule()
    with monkeypatch.context() as patch:
        patch.setattr(RuleTallies, "report", lambda self, *, using: None)
        for _ in range(CAUSES_LOOKED_AT + 5):
            fail()
    assert tally(shadow).count == CAUSES_LOOKED_AT + 5
    [(_, looked_at, _)] = causes(shadow)
    assert looked_at == CAUSES_LOOKED_AT


def test_two_rules_in_shadow_count_the_same_errors_each_for_itself() -> None:
    one, other = rule(), rule(text="the ballast of")
    for _ in range(3):
        fail()
    for shadow in (one, other):
        assert tally(shadow).count == 3
        assert [count for _, count, _ in causes(shadow)] == [3]


def test_a_rule_knows_a_bounded_number_of_causes() -> None:
    shadow = rule(text="", status_code=418)
    RuleCause.objects.bulk_create(
        RuleCause(rule=shadow, fingerprint=str(number))
        for number in range(CAUSES_KNOWN)
    )
    error = type("TeapotError", (Exception,), {"status_code": 418})
    fail("I am a teapot", error)
    assert tally(shadow).count == 1
    assert RuleCause.objects.count() == CAUSES_KNOWN


def test_what_fell_under_a_rule_that_was_deleted_is_forgotten() -> None:
    gone = rule()
    fail()
    gone.delete()
    close_writer(timeout=20)
    assert not RuleTally.objects.exists()


@pytest.fixture
def deciding() -> ClassificationRule:
    """Return a rule that decides, and has decided the cause it was made for."""
    made = rule(RuleMode.ON, back_to_shadow=True)
    fail()
    close_writer(timeout=20)
    return made


def test_another_cause_puts_a_rule_back_to_shadow_that_is_told_to(
    deciding: ClassificationRule,
) -> None:
    fail("The ballast was lost at sea.")
    assert causes(deciding) == [
        ("The ballast of segment … does not match.", 1, True),
        ("The ballast was lost at sea.", 1, False),
    ]
    deciding.refresh_from_db()
    assert deciding.mode == RuleMode.SHADOW
    entry = AuditEntry.objects.get()
    assert (entry.object_id, entry.person_name) == (str(deciding.pk), "")
    loaded_rules.load()
    fail()
    close_writer(timeout=20)
    assert ChatRun.objects.count() == 1


def test_one_that_is_not_told_to_goes_on_and_says_so(
    deciding: ClassificationRule,
) -> None:
    ClassificationRule.objects.update(back_to_shadow=False)
    fail("The ballast was lost at sea.")
    assert causes(deciding)[1] == ("The ballast was lost at sea.", 1, False)
    deciding.refresh_from_db()
    assert deciding.mode == RuleMode.ON


def test_a_recorder_that_cannot_count_breaks_no_turn(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rule()

    def broken(*args: object, **named: object) -> None:
        raise RuntimeError("no fingerprint")

    monkeypatch.setattr("chatdebug.recorder.rule_watch.fingerprint", broken)
    fail()
    close_writer(timeout=20)
    assert ChatRun.objects.count() == 1
    assert "The recorder failed in RuleWatch.note" in caplog.text

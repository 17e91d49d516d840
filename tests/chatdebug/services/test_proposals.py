"""From a group to a rule: what is proposed, and what a rule's mode changes."""

from contextlib import suppress

import pytest

from chatdebug.deployment_rules import loaded_rules
from chatdebug.enums import ErrorKind, Level, RuleMode
from chatdebug.errors.fingerprint import fingerprint
from chatdebug.errors.payload import read_payload
from chatdebug.errors.proposal import Condition
from chatdebug.models import ChatRun, ClassificationRule, ErrorGroup, RuleCause
from chatdebug.recorder import record_run
from chatdebug.services.rules import propose_rule, set_rule_mode
from chatdebug.writer import close_writer
from tests.factories import ChatRunFactory, ChatStepFactory, ErrorGroupFactory

pytestmark = pytest.mark.django_db


class ProviderError(Exception):
    """An answer of a provider that no rule knows."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status_code, self.code = 400, code


def fail(message: str, code: str = "", level: Level = Level.ERRORS) -> None:
    with (
        suppress(ProviderError),
        record_run(chat_id="c", provider="openai", model="m", level=level) as run,
        run.step(),
    ):
        raise ProviderError(message, code)


def group_of(title: str) -> ErrorGroup:
    close_writer(timeout=20)
    return ErrorGroup.objects.get(title__startswith=title)


@pytest.mark.django_db(transaction=True)
def test_a_proposal_made_into_a_rule_decides_the_next_failure_of_the_group() -> None:
    for number in range(3):
        fail(f'Segment {number} has no "ballast or keel".')
        fail(f"Segment {number} is dark.")
    group = group_of("Segment … has no")
    proposal = propose_rule(group=group)
    assert proposal.errors == 3
    assert proposal.condition == Condition(text="segment * has no")
    preview = proposal.preview
    assert preview is not None
    assert (preview.groups, len(preview.runs), preview.looked_at) == ((group,), 3, 6)
    rule = ClassificationRule.objects.create(
        kind=ErrorKind.CONFIG, text=proposal.condition.text
    )
    assert set_rule_mode(rule=rule, mode=RuleMode.ON)
    loaded_rules.load()
    fail('Segment 12 has no "mast at all".')
    fail("Segment 12 is dark.")
    close_writer(timeout=20)
    assert ChatRun.objects.count() == 7
    cause = RuleCause.objects.get(rule=rule)
    assert (cause.fingerprint, cause.count, cause.is_accepted) == (
        group.fingerprint,
        1,
        True,
    )


@pytest.mark.django_db(transaction=True)
def test_errors_of_known_kinds_are_not_taken_either() -> None:
    fail("The request was refused: no ballast.")
    fail("The request was refused: rate limit reached.", "rate_limit_exceeded")
    fail(
        "The request was refused: rate limit reached.",
        "rate_limit_exceeded",
        level=Level.FULL,
    )
    proposal = propose_rule(group=group_of("The request was refused: no"))
    assert proposal.condition == Condition(text="the request was refused: no")


@pytest.mark.django_db(transaction=True)
def test_no_word_that_was_said_is_proposed() -> None:
    for level in (Level.ERRORS, Level.FULL):
        fail("Refused (input: planted words of a user)", level=level)
        fail('Refused: "planted words of a user" is not polite.', level=level)
    close_writer(timeout=20)
    for group in ErrorGroup.objects.all():
        condition = propose_rule(group=group).condition
        assert condition is None or "planted" not in condition.text


def test_it_is_said_where_two_causes_cannot_be_told_apart() -> None:
    for name in ("a", "b"):
        ErrorGroupFactory(fingerprint=name)
        ChatStepFactory(run__fingerprint=name)
    group = ErrorGroup.objects.get(fingerprint="a")
    proposal = propose_rule(group=group)
    assert (proposal.condition, proposal.preview) == (None, None)
    assert proposal.errors == 1


def test_a_merged_group_is_told_from_all_others_by_what_its_parts_share() -> None:
    whole = ErrorGroupFactory(fingerprint="a")
    ErrorGroupFactory(fingerprint="b", merged_into=whole)
    ErrorGroupFactory(fingerprint="c")
    for name, what in (("a", "keel"), ("b", "mast"), ("c", "crew")):
        message = f"The {what} of this ship has cracked."
        error = {"kind": "generic", "message": message, "error_code": f"{what}_code"}
        if name != "c":
            error["error_type"] = "broken_part"
        ChatStepFactory(run__fingerprint=name, error=error)
    proposal = propose_rule(group=whole)
    assert proposal.condition == Condition(code="broken_part")
    assert proposal.errors == 2
    assert proposal.preview is not None
    assert proposal.preview.groups == (whole,)
    rule = ClassificationRule.objects.create(kind="config", code="broken_part")
    assert set_rule_mode(rule=rule, mode=RuleMode.ON)
    accepted = rule.causes.filter(is_accepted=True)
    assert set(accepted.values_list("fingerprint", flat=True)) == {"a", "b"}


def test_more_errors_than_are_looked_at_do_not_stand_in_their_own_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatdebug.services.stored_errors.GROUP_RUNS", 2)
    error = {"kind": "generic", "message": "The keel of segment 3 has cracked."}
    own = fingerprint(read_payload(error), model="fault-400")
    group = ErrorGroupFactory(fingerprint=own)
    for _ in range(5):
        ChatStepFactory(run__fingerprint=own, error=error)
    proposal = propose_rule(group=group)
    assert (proposal.errors, proposal.condition) == (2, Condition(text="the keel of"))
    assert proposal.preview is not None
    assert len(proposal.preview.runs) == 5


def test_so_is_a_group_whose_runs_are_gone() -> None:
    proposal = propose_rule(group=ErrorGroupFactory())
    assert (proposal.condition, proposal.errors) == (None, 0)


def test_what_a_rule_decides_already_stands_in_nobodys_way() -> None:
    for name in ("a", "b"):
        ErrorGroupFactory(fingerprint=name)
    error = {"kind": "generic", "message": "The keel of segment 3 has cracked."}
    ChatStepFactory(run__fingerprint="a", error=error | {"error_code": "keel"})
    ChatStepFactory(run__fingerprint="b", error=error)
    group = ErrorGroup.objects.get(fingerprint="b")
    assert propose_rule(group=group).condition is None
    ClassificationRule.objects.create(kind="config", code="keel", mode="on")
    assert propose_rule(group=group).condition == Condition(text="the keel of")


@pytest.mark.parametrize(
    "error", [{}, [], "text", {"message": 7, "chain": "x", "kind": "generic"}, None]
)
def test_rows_of_any_release_are_read(error: object) -> None:
    group = ErrorGroupFactory()
    ChatStepFactory(run__fingerprint=group.fingerprint, error=error)
    assert propose_rule(group=group).condition is None


def test_groups_whose_errors_are_older_are_looked_at_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatdebug.services.stored_errors.NEWEST_ERRORS", 1)
    old, new = ErrorGroupFactory(), ErrorGroupFactory()
    ChatStepFactory(run=ChatRunFactory(fingerprint=old.fingerprint))
    ChatStepFactory(run=ChatRunFactory(fingerprint=new.fingerprint))
    assert propose_rule(group=new).condition is None


def test_switching_a_rule_on_accepts_what_falls_under_it() -> None:
    group = ErrorGroupFactory()
    ChatStepFactory(run__fingerprint=group.fingerprint)
    rule = ClassificationRule.objects.create(kind="config", text="the ballast of")
    RuleCause.objects.create(rule=rule, fingerprint="seen in shadow")
    assert set_rule_mode(rule=rule, mode=RuleMode.ON)
    assert not set_rule_mode(rule=rule, mode=RuleMode.ON)
    accepted = RuleCause.objects.filter(rule=rule, is_accepted=True)
    assert set(accepted.values_list("fingerprint", flat=True)) == {
        group.fingerprint,
        "seen in shadow",
    }
    set_rule_mode(rule=rule, mode=RuleMode.SHADOW)
    rule.refresh_from_db()
    assert rule.mode == RuleMode.SHADOW

"""A deployment's own rules: what they match, when they hold, and what they would change."""

import time

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from chatdebug.deployment_rules import LoadedRules, loaded_rules
from chatdebug.enums import ErrorKind
from chatdebug.errors import build_facts, classify_facts, custom_rule
from chatdebug.errors.rules import text_pattern
from chatdebug.models import ClassificationRule
from chatdebug.services.rules import preview_rule
from tests.factories import ChatRunFactory, ChatStepFactory

BALLAST = build_facts(
    message="The ballast of segment 3 does not match.", status_code=400
)


def rule_row(**facts: object) -> ClassificationRule:
    return ClassificationRule(**{"kind": ErrorKind.CONFIG, "mode": "on", **facts})


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("the ballast of", True),
        ("The Ballast  of *", True),
        ("the ballast of segment * does not match", True),
        ("* does not match", True),
        ("ballast of segment", False),
        ("the ballast of segment * is gone", False),
        ("the ballast of 'any' segment 3", True),
        (".* ballast", False),
    ],
)
def test_a_text_is_the_beginning_with_wildcards(text: str, matches: bool) -> None:
    rule = custom_rule(id="1", kind=ErrorKind.CONFIG, text=text)
    assert rule.holds(BALLAST) is matches


@pytest.mark.parametrize(
    "text", ["*", "a*b", "* * *", '"all of it is quoted"', "a*" * 9]
)
def test_a_text_that_says_too_little_or_too_much_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        rule_row(text=text).full_clean(validate_constraints=False)
    assert "text" in refused.value.message_dict


def test_no_text_is_slow_to_search() -> None:
    pattern = text_pattern("a*" * 8 + "bbbbb")
    started = time.process_time()
    assert pattern.search("a" * 10_000) is None
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"status_code": 400}, True),
        ({"status_code": 409}, False),
        ({"status_code": 400, "text": "the ballast"}, True),
        ({"status_code": 400, "text": "the anchor"}, False),
        ({"status_code": 400, "code": "Bad-Ballast"}, True),
        ({"status_code": 400, "code": "bad_anchor"}, False),
        ({"status_code": 400, "provider": "openai"}, True),
        ({"status_code": 400, "provider": "anthropic"}, False),
    ],
)
def test_each_condition_that_is_given_must_hold(
    condition: dict[str, object], holds: bool
) -> None:
    facts = build_facts(
        message="The ballast of segment 3 does not match.",
        status_code=400,
        error_code="bad_ballast",
        provider="openai",
    )
    assert rule_row(**condition).as_rule().holds(facts) is holds


@pytest.mark.django_db
def test_a_provider_alone_is_no_condition() -> None:
    with pytest.raises(ValidationError, match="Give a status"):
        rule_row(provider="openai").validate_constraints()


@pytest.mark.django_db
def test_the_database_refuses_a_rule_without_a_condition() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        rule_row(provider="openai").save()


@pytest.mark.django_db
def test_rules_that_are_on_decide_before_the_built_in_ones_in_their_order() -> None:
    rule_row(status_code=429, kind=ErrorKind.OVERLOADED, position=2).save()
    first = rule_row(status_code=429, kind=ErrorKind.GENERIC, position=1)
    first.save()
    rule_row(status_code=429, position=0, mode="off").save()
    loaded_rules.load()
    classification = classify_facts(build_facts(status_code=429))
    assert classification.rule == f"custom.{first.pk}"
    assert classification.captured


@pytest.mark.django_db
def test_classifying_asks_no_database() -> None:
    rule_row(status_code=418).save()
    loaded_rules.load()
    with CaptureQueriesContext(connection) as queries:
        assert classify_facts(build_facts(status_code=418)).kind == "config"
    assert len(queries) == 0


@pytest.mark.django_db
def test_a_row_that_cannot_be_used_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rule_row(text="*").save()
    rule_row(status_code=418).save()
    rules = LoadedRules()
    rules.load()
    assert len(rules.current()) == 1
    assert "cannot be used" in caplog.text


@pytest.mark.django_db
def test_a_preview_names_the_runs_that_a_rule_would_have_decided() -> None:
    step = ChatStepFactory()
    ChatStepFactory(run=step.run, step_number=2)
    ChatStepFactory(error={"message": "Something else", "status_code": 400})
    ChatStepFactory(error=None, run=ChatRunFactory())
    preview = preview_rule(rule=rule_row(text="the ballast of segment").as_rule())
    assert preview.runs == (step.run_id,)
    assert preview.looked_at == 3

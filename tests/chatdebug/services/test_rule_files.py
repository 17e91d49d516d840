"""Rules as a file: what leaves, what comes in, and what does not."""

import json
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chatdebug.enums import RuleMode
from chatdebug.models import ClassificationRule, RuleCause, RuleTally
from chatdebug.services.rule_files import (
    MAX_BYTES,
    MAX_RULES,
    RuleFileError,
    export_rules,
    import_rules,
)

pytestmark = pytest.mark.django_db


def rule(**facts: Any) -> ClassificationRule:
    return ClassificationRule.objects.create(
        **{"kind": "config", "text": "the ballast", "mode": "on", **facts}
    )


def document(*rules: Any, **facts: Any) -> bytes:
    known = {"format": "chatdebug.rules", "version": 1, "rules": list(rules)}
    return json.dumps(known | facts).encode()


def entry(**facts: Any) -> dict[str, Any]:
    return {"kind": "config", "text": "the ballast of", **facts}


def exported() -> list[dict[str, Any]]:
    found = export_rules(rules=ClassificationRule.objects.all())
    rules: list[dict[str, Any]] = json.loads(found.text)["rules"]
    return rules


def test_a_rule_leaves_with_what_it_asks_and_comes_back_in_shadow() -> None:
    rule(provider="openai", status_code=409, code="ballast_shifted", retryable=True)
    rule(text="", code="keel_cracked", back_to_shadow=True, position=7)
    before = exported()
    content = export_rules(rules=ClassificationRule.objects.all()).text.encode()
    ClassificationRule.objects.all().delete()
    imported = import_rules(content=content)
    assert (len(imported.rules), imported.known) == (2, 0)
    assert exported() == before
    assert {one.mode for one in imported.rules} == {RuleMode.SHADOW}
    again = import_rules(content=content)
    assert (again.rules, again.known) == ([], 2)
    assert ClassificationRule.objects.count() == 2


def test_nothing_of_the_deployment_leaves_with_a_rule() -> None:
    made = rule(
        note="Ann of Acme asked for it",
        text="project proj_8f3a91c2d4 of ann@acme.example has no quota left",
    )
    RuleTally.objects.create(rule=made, count=1204)
    RuleCause.objects.create(rule=made, fingerprint="f00dfeed", title="An example")
    text = export_rules(rules=[made]).text
    for part in ("Ann of", "8f3a91c2d4", "ann@acme", "1204", "f00dfeed", "An example"):
        assert part not in text
    assert "has no quota left" in text
    assert f'"{made.pk}"' not in text


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "proj_8f3a91c2d4"},
        {"text": "", "code": "8f3a91c2d4e5f60718"},
        {"provider": "8f3a91c2d4e5f60718"},
    ],
)
def test_a_rule_that_asks_for_an_id_alone_stays_and_that_is_said(
    facts: dict[str, str],
) -> None:
    rule(**facts)
    found = export_rules(rules=ClassificationRule.objects.all())
    assert (found.document["rules"], found.left_out) == ([], 1)
    errors = StringIO()
    call_command("export_chat_rules", stdout=StringIO(), stderr=errors)
    assert "1 rule left out: what it asks for is an id" in errors.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is not JSON."),
        (b"\xff\xfe", "The file is not JSON."),
        (b"[" * 100_000, "The file is not JSON."),
        (b" " * (MAX_BYTES + 1), "The file is larger than 1 MB."),
        (b"[]", "The file holds no exported rules."),
        (b'{"format": "chatdebug.rules"}', "The file is of another version."),
        (document(version=2), "The file is of another version."),
        (document(rules={}), "The file holds no exported rules."),
        (document(*[1] * (MAX_RULES + 1)), "The file holds more than 1,000 rules."),
        (document(7), "Rule 1: It is no object."),
        (document(entry(), entry(id=7)), "Rule 2: Nothing is known of 'id'."),
        (document(entry(mode="on")), "Rule 1: Nothing is known of 'mode'."),
        (document(entry(text=7)), "Rule 1: text has a value of another type."),
        (document(entry(text=None)), "Rule 1: text has a value of another type."),
        (document(entry(status_code=True)), "Rule 1: status_code has a value"),
        (document(entry(text="nul \0 byte")), "Rule 1: text holds characters"),
        (document(entry(text="half \ud800 of one")), "Rule 1: text holds characters"),
        (document(entry(text="*")), "Rule 1: Give at least 5 characters"),
        (document({"kind": "config"}), "Rule 1: Give a status, a type or code"),
        (document({"text": "the ballast"}), "Rule 1: "),
        (document(entry(kind="magic")), "Rule 1: "),
        (document(entry(status_code=42)), "Rule 1: "),
        (document(entry(position=10**30)), "Rule 1: "),
        (document(entry(text="long" * 100)), "Rule 1: "),
    ],
)
def test_a_bad_file_is_refused_in_plain_words_and_nothing_of_it_is_stored(
    content: bytes, reason: str
) -> None:
    with pytest.raises(RuleFileError) as refused:
        import_rules(content=content)
    assert str(refused.value).startswith(reason)
    assert not ClassificationRule.objects.exists()


def test_one_bad_rule_keeps_the_good_ones_out() -> None:
    good = [entry(text=f"the ballast {letter}") for letter in "abc"]
    with pytest.raises(RuleFileError, match="Rule 4"):
        import_rules(content=document(*good, entry(kind="magic")))
    assert not ClassificationRule.objects.exists()


def test_the_same_rule_twice_in_a_file_is_one() -> None:
    imported = import_rules(content=document(entry(), entry(position=3)))
    assert (len(imported.rules), imported.known) == (1, 1)


type Give = Callable[[bytes], str]


@pytest.fixture(params=["file", "pipe"])
def give(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Give:
    """Return what hands content to a command, and returns its name there."""

    def by_file(content: bytes) -> str:
        path = tmp_path / "rules.json"
        path.write_bytes(content)
        return str(path)

    def by_pipe(content: bytes) -> str:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content)))
        return "-"

    return by_file if request.param == "file" else by_pipe


def test_commands_hand_rules_on_and_take_them_in(give: Give, tmp_path: Path) -> None:
    rule()
    path = tmp_path / "out.json"
    call_command("export_chat_rules", "--output", str(path))
    ClassificationRule.objects.all().delete()
    out = StringIO()
    call_command("import_chat_rules", give(path.read_bytes()), stdout=out)
    assert out.getvalue() == "1 rules stored in shadow, 0 known before.\n"
    assert exported()[0]["text"] == "the ballast"


def test_a_command_refuses_a_bad_file(give: Give) -> None:
    with pytest.raises(CommandError, match="The file is not JSON"):
        call_command("import_chat_rules", give(b"{"))


def test_a_path_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "no" / "rules.json")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_chat_rules", nowhere)
    with pytest.raises(CommandError, match="No such file"):
        call_command("export_chat_rules", "--output", nowhere)

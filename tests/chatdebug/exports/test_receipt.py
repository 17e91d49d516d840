"""The receipt: what it counts, and that a changed document does not keep it."""

import importlib
import io
import json
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from chatdebug import redaction
from chatdebug.exports.document import stream
from chatdebug.exports.reading import (
    Document,
    Finding,
    UnreadableDocument,
    check_document,
)
from chatdebug.models import ChatRun
from chatdebug.redaction import canary, keywords, version
from tests.chatdebug.exports.samples import full_run, full_step

pytestmark = pytest.mark.django_db


def text_of(*, share_safe: bool = False) -> str:
    full_step(full_run())
    return "".join(stream(ChatRun.objects.all(), share_safe=share_safe))


def checked(document: dict[str, Any]) -> dict[str, Finding]:
    """Return what is found of a document in a file, by the names of the checks."""
    file = io.StringIO(json.dumps(document))
    return {found.check: found for found in check_document(Document(file))}


def broken(document: dict[str, Any]) -> list[str]:
    return [check for check, found in checked(document).items() if not found.holds]


@pytest.mark.parametrize("share_safe", [False, True])
def test_a_document_that_nobody_touched_holds(share_safe: bool) -> None:
    text = text_of(share_safe=share_safe)
    again = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    for each in (text, again):  # however it is set
        findings = check_document(Document(io.StringIO(each)))
        assert all(found.holds for found in findings)


def test_the_receipt_counts_what_redaction_had_removed_by_kind() -> None:
    run = full_run(summary={"first_message": "[REDACTED:api key] and [REDACTED]"})
    full_step(run, metadata={"[REDACTED_URL]": "%5BREDACTED%5D"})
    text = "".join(stream(ChatRun.objects.all(), share_safe=True))
    receipt = json.loads(text)["receipt"]
    # Two attempts have a header more each.
    assert receipt["removed"] == {"api key": 1, "by name": 4, "address": 1}
    assert receipt["rules"] == version.rules_version()
    assert receipt["canary"]["leaked"] == 0
    assert receipt["canary"]["tried"] > 100


def test_words_do_not_leave_as_the_kind_of_a_marker() -> None:
    full_run(summary={"first_message": "[REDACTED:my divorce papers]"})
    text = "".join(stream(ChatRun.objects.all(), share_safe=True))
    assert json.loads(text)["receipt"]["removed"] == {"other": 1}
    assert "divorce" not in text


def change_a_word(document: dict[str, Any]) -> None:
    document["runs"][0]["model"] = "another"


def drop_a_run(document: dict[str, Any]) -> None:
    document["runs"].clear()


def add_a_secret(document: dict[str, Any]) -> None:
    document["runs"][0]["summary"]["x"] = "[REDACTED:api key]"


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        (change_a_word, ["hash"]),
        (drop_a_run, ["hash", "runs", "removed"]),
        (add_a_secret, ["hash", "removed"]),
    ],
)
def test_a_change_is_noticed(
    change: Callable[[dict[str, Any]], None], checks: list[str]
) -> None:
    document = json.loads(text_of())
    change(document)
    assert broken(document) == checks


def test_a_document_that_only_calls_itself_share_safe_is_found_out() -> None:
    document = json.loads(text_of())
    document["share_safe"] = True
    findings = checked(document)
    assert not findings["share_safe"].holds
    assert "runs that hold content: 1" in findings["share_safe"].says


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("comment", 7),
        ("generator", "my divorce papers"),
        ("exported_at", "my divorce papers"),
        ("generator", {"papers": 1}),
    ],
)
@pytest.mark.parametrize("is_in_receipt", [False, True])
def test_around_share_safe_runs_stands_nothing_else(
    key: str, value: object, is_in_receipt: bool
) -> None:
    document = json.loads(text_of(share_safe=True))
    (document["receipt"] if is_in_receipt else document)[key] = value
    assert "share_safe" in broken(document)


@pytest.mark.parametrize("key", ["removed", "rules", "canary"])
@pytest.mark.parametrize("value", ["papers", {"my divorce papers": 1}, ["papers"]])
def test_a_receipt_says_nothing_else(key: str, value: object) -> None:
    document = json.loads(text_of(share_safe=True))
    document["receipt"][key] = value
    assert broken(document) == ["share_safe"]


def test_a_leaking_redaction_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.loads(text_of())
    monkeypatch.setitem(canary.PATHS, "text", lambda secret: secret)
    (found,) = [found for found in checked(document).values() if not found.holds]
    assert found == Finding(
        "canary", holds=False, says="Redaction let 16 of 117 made-up secrets through."
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[" * 99_999, "not JSON"),
        ("[]", "no exported runs"),
        ('{"format": "other"}', "no exported runs"),
        ('{"format": "chatdebug.export", "version": 2}', "version 1"),
        ('{"format": "chatdebug.export", "version": true}', "version 1"),
        ('{"format": "chatdebug.export", "version": 1}', "list of runs"),
        ('{"format": "chatdebug.export", "version": 1, "runs": [1]}', "list of runs"),
        ('{"format": "chatdebug.export", "version": 1, "runs": []}', "no receipt"),
        ('{"runs": [], "runs": []}', "something twice"),
        ('{"runs": []} {}', "not JSON"),
        ('{"runs": [{}', "not JSON"),
        ('{"runs": [{},]}', "not JSON"),
        ("{1: 2}", "not JSON"),
    ],
)
def test_what_is_no_document_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says):
        Document(io.StringIO(text))


def rules() -> Iterator[tuple[ModuleType, str]]:
    """Yield each module of redaction with the name of each of its constants."""
    for found in pkgutil.iter_modules(redaction.__path__, f"{redaction.__name__}."):
        module = importlib.import_module(found.name)
        if module not in (version, canary):
            yield from ((module, name) for name in vars(module) if name.isupper())


def test_the_version_of_the_rules_changes_with_each_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version_now = version.rules_version.__wrapped__  # without what it remembers
    before, same = version_now(), []
    for module, name in rules():
        with monkeypatch.context() as patch:
            patch.setattr(module, name, "another rule")
            if version_now() == before:
                same.append(f"{module.__name__}.{name}")
    assert same == []
    assert (keywords, "CREDENTIAL") in rules()

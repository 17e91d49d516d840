"""The commands that hand runs on, check what was handed over, and take it in."""

import gzip
import io
import json
import re
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from chatdebug.enums import Level, Operation, Outcome, Status
from chatdebug.exports.canonical import canonical
from chatdebug.exports.receipt import ReceiptWriter
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.runs import RunReport
from tests.chatdebug.exports.samples import ERROR, NOON, attempt, full_run, full_step
from tests.factories import ChatRunFactory, ChatStepFactory
from tests.optional import present

pytestmark = pytest.mark.django_db

STEP_COLUMNS = (
    *("id", "step_number", "operation", "status", "normalized_request"),
    *("normalized_response", "usage", "attempts", "error", "metadata", "started_at"),
)


class Terminal(io.StringIO):
    """An output that somebody sits before."""

    def isatty(self) -> bool:
        return True


def output_of(command: str, *arguments: object, **options: Any) -> str:
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def exported(path: Path, *arguments: object) -> dict[str, Any]:
    """Return the document of one full run, which is also in the file."""
    full_step(full_run())
    output_of("export_chat_runs", "chat-7", "--output", path, *arguments)
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_all_runs_of_a_person_are_exported() -> None:
    mine = [ChatRunFactory(owner_id="ada") for _ in range(2)]
    ChatRunFactory(owner_id="eve")
    document = json.loads(output_of("export_chat_runs", "--owner", "ada"))
    assert {run["id"] for run in document["runs"]} == {str(run.pk) for run in mine}
    for nobody in ("grace", "", "x" * 65):
        with pytest.raises(CommandError, match="no such runs"):
            output_of("export_chat_runs", "--owner", nobody)
    with pytest.raises(CommandError, match="Give a chat's id"):
        output_of("export_chat_runs", "chat-7", "--owner", "ada")


def sealed(document: dict[str, Any], path: Path) -> Path:
    """Write a changed document with a receipt that fits it."""
    body = {key: value for key, value in document.items() if key != "receipt"}
    receipt = ReceiptWriter()
    receipt.runs = len(document["runs"])
    receipt.count(document["runs"])
    receipt.hash(canonical(body))
    path.write_text(json.dumps({**body, "receipt": receipt.as_json()}))
    return path


# Export.


def test_a_chat_is_exported_to_standard_output_and_a_run_alone_too() -> None:
    run = full_run()
    full_step(run)
    ChatRunFactory(chat_id="chat-7")
    ChatRunFactory(chat_id="another")
    document = json.loads(output_of("export_chat_runs", "chat-7"))
    assert len(document["runs"]) == 2
    document = json.loads(output_of("export_chat_runs", "--run", run.pk))
    assert [each["id"] for each in document["runs"]] == [str(run.pk)]


@pytest.mark.parametrize(
    ("form", "begins"),
    [("json", '{"exported_at":'), ("otlp", '{"resourceSpans":'), ("markdown", "# ")],
)
@pytest.mark.parametrize("share_safe", [False, True])
def test_each_form_may_be_share_safe(form: str, begins: str, share_safe: bool) -> None:
    full_step(full_run())
    flags = ["--share-safe"] if share_safe else []
    text = output_of("export_chat_runs", "chat-7", "--format", form, *flags)
    assert text.startswith(begins)
    assert ("does not match its envelope" in text) is not share_safe


def test_a_file_is_for_its_owner_alone_and_what_it_replaces_goes_last(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.json"
    path.write_text("before")
    exported(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["runs.json"]


def test_what_was_written_is_said_for_people_and_for_programs(tmp_path: Path) -> None:
    full_step(full_run())
    path = tmp_path / "runs.json"
    said = output_of("export_chat_runs", "chat-7", "--output", path)
    assert said == f"1 runs written to {path}.\n"
    said = output_of("export_chat_runs", "chat-7", "--output", path, "--json")
    assert json.loads(said) == {"file": str(path), "format": "json", "runs": 1}


def test_the_progress_is_shown_on_a_terminal_alone() -> None:
    full_step(full_run())
    terminal, pipe = Terminal(), io.StringIO()
    output_of("export_chat_runs", "chat-7", stderr=terminal)
    output_of("export_chat_runs", "chat-7", stderr=pipe)
    assert terminal.getvalue().endswith("\r1 of 1 runs\n")
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        ([], "chat's id, --run or --owner", 2),
        (["chat-7", "--run", str(uuid4())], "chat's id, --run or --owner", 2),
        (["--run", "x"], "not a UUID", 2),
        (["chat-7", "--json"], "--json needs --output", 2),
        (["nobody's"], "no such runs", 1),
        (["\0"], "no such runs", 1),
        (["--run", str(uuid4())], "no such runs", 1),
    ],
)
def test_nothing_to_export_is_an_error(
    arguments: list[str], says: str, code: int
) -> None:
    with pytest.raises(CommandError, match=says) as raised:
        output_of("export_chat_runs", *arguments)
    assert raised.value.returncode == code


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    full_run()
    with pytest.raises(CommandError, match="No such file"):
        output_of("export_chat_runs", "chat-7", "--output", tmp_path / "x" / "y")


# Verify.


def code_of(path: Path, *arguments: str) -> tuple[int, str]:
    """Return what the check of a file ends with, and what it says."""
    out = io.StringIO()
    try:
        call_command("verify_chat_export", str(path), *arguments, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


@pytest.mark.parametrize("flags", [[], ["--share-safe"]])
def test_a_file_that_nobody_touched_is_verified(
    flags: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "runs.json"
    exported(path, *flags)
    code, says = code_of(path)
    assert code == 0
    assert "as it was written" in says
    assert "FAIL" not in says
    assert ("share-safe: no run holds content" in says) is bool(flags)


def test_a_file_that_was_changed_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    document["runs"][0]["model"] = "another"
    path.write_text(json.dumps(document))
    code, says = code_of(path)
    assert code == 1
    assert "FAIL The document was changed" in says
    code, says = code_of(path, "--json")
    said = json.loads(says)
    assert code == 1
    assert said["holds"] is False
    assert said["findings"][0]["check"] == "hash"


def test_a_promise_that_is_not_kept_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    document["share_safe"] = True
    code, says = code_of(sealed(document, path))
    assert code == 1
    assert "ok   The document is as it was written" in says
    assert "FAIL The document is not share-safe" in says


def test_a_file_that_cannot_be_read_is_something_else(tmp_path: Path) -> None:
    assert code_of(tmp_path / "missing")[0] == 2
    path = tmp_path / "runs.json"
    path.write_bytes(b"\xff")
    assert code_of(path) == (2, f"{path}: The file is not JSON.")


@pytest.mark.parametrize("number", ["1", "1e999"])
def test_a_run_that_is_nested_too_deeply_is_not_as_it_was_written(
    number: str, tmp_path: Path
) -> None:
    path = tmp_path / "runs.json"
    exported(path)
    deep = "[" * 1_500 + number + "]" * 1_500
    path.write_text(path.read_text().replace('"chat-7"', deep))
    code, says = code_of(path)
    assert code == 1
    assert "FAIL The document was changed" in says
    with pytest.raises(CommandError, match="The document was changed"):
        imported(path)


@pytest.mark.django_db(databases=[])
def test_nobody_is_asked_for_a_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {"format": "chatdebug.export", "version": 1, "runs": []}
    path = sealed(document, tmp_path / "runs.json")
    assert code_of(path)[0] == 0
    stdin = io.TextIOWrapper(io.BytesIO(path.read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert code_of(Path("-"))[0] == 0
    assert not stdin.closed


@pytest.fixture(params=["file", "stdin"])
def encoded(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[str], bytes]], Path]:
    """Return what encodes an export, and says where it is."""
    path = tmp_path / "runs.json"
    sealed({"format": "chatdebug.export", "version": 1, "runs": []}, path)

    def encode(encoding: Callable[[str], bytes]) -> Path:
        path.write_bytes(encoding(path.read_text()))
        if request.param == "file":
            return path
        stdin = io.TextIOWrapper(io.BytesIO(path.read_bytes()))
        monkeypatch.setattr("sys.stdin", stdin)
        return Path("-")

    return encode


def test_a_byte_order_mark_is_no_fault(
    encoded: Callable[[Callable[[str], bytes]], Path],
) -> None:
    path = encoded(lambda text: text.encode("utf-8-sig"))
    assert code_of(path)[0] == 0


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        (lambda text: gzip.compress(text.encode()), "compressed. Unpack it .* gunzip"),
        (lambda text: b"\xff\xfe" + text.encode("utf-16-le"), "UTF-16. .* iconv"),
        (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), "UTF-16. .* iconv"),
    ],
)
@pytest.mark.parametrize(
    ("command", "code"),
    [("verify_chat_export", 2), ("import_chat_runs", 1), ("import_chat_rules", 1)],
)
def test_what_can_be_made_readable_is_told_how(
    command: str,
    code: int,
    encoding: Callable[[str], bytes],
    says: str,
    encoded: Callable[[Callable[[str], bytes]], Path],
) -> None:
    path = encoded(encoding)
    with pytest.raises(CommandError, match=says) as raised:
        call_command(command, str(path))
    assert raised.value.returncode == code


# Import.


def imported(path: Path, *arguments: str) -> dict[str, int]:
    said: dict[str, int] = json.loads(
        output_of("import_chat_runs", path, "--json", *arguments)
    )
    return said


def test_runs_are_imported_as_they_were_under_a_chat_that_nobody_has(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    original = ChatStep.objects.values(*STEP_COLUMNS).get()
    original["metadata"]["likely_causes"] = []  # which is noted as it leaves
    ChatRun.objects.all().delete()
    assert imported(path) == {"stored": 1, "known": 0, "differing": 0}
    assert imported(path) == {"stored": 0, "known": 1, "differing": 0}
    run = ChatRun.objects.get()
    assert str(run.pk) == document["runs"][0]["id"]
    assert (run.chat_id, run.owner_id) == ("imported-chat-7", "")
    assert (run.started_at, run.finished_at) == (NOON, NOON + timedelta(seconds=2))
    assert timezone.now() - run.updated_at < timedelta(minutes=1)
    assert ChatStep.objects.values(*STEP_COLUMNS).get() == original
    assert RunReport.of(run, run.steps.all()).failure is not None


def test_twice_does_no_harm_and_what_is_here_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    exported(path)
    assert imported(path) == {"stored": 0, "known": 1, "differing": 0}
    ChatRun.objects.update(model="ours")
    assert imported(path) == {"stored": 0, "known": 1, "differing": 1}
    told = output_of("import_chat_runs", path)
    assert "1 known before, of which the file has 1 otherwise: not changed." in told
    assert ChatRun.objects.get().model == "ours"
    assert ChatRun.objects.get().chat_id == "chat-7"


def test_a_step_that_another_run_has_is_named(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    document["runs"][0]["id"] = str(uuid4())
    step = ChatStep.objects.get()
    with pytest.raises(CommandError, match="Nothing was imported") as raised:
        imported(sealed(document, path))
    assert f"{step.pk} is here already, as one of the run {step.run_id}" in str(
        raised.value
    )


def test_a_database_that_refuses_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.json"
    exported(path)

    def locked(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("chatdebug.exports.importing._store", locked)
    with pytest.raises(CommandError, match="OperationalError: database is locked"):
        imported(path)


def test_a_chat_and_an_owner_of_ones_own_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    exported(path)
    ChatRun.objects.all().delete()
    imported(path, "--chat", "here", "--owner", "me")
    run = ChatRun.objects.get()
    assert (run.chat_id, run.owner_id) == ("here", "me")
    assert run.steps.get().chat_id == "here"


def test_a_long_id_of_a_chat_stays_one_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    first = document["runs"][0]
    second = {**first, "id": str(uuid4()), "steps": []}
    first["chat_id"], second["chat_id"] = "x" * 63 + "1", "x" * 63 + "2"
    document["runs"].append(second)
    ChatRun.objects.all().delete()
    imported(sealed(document, path))
    names = set(ChatRun.objects.values_list("chat_id", flat=True))
    assert len(names) == 2
    assert {len(name) for name in names} == {64}


def test_a_share_safe_export_can_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    exported(path, "--share-safe")
    ChatRun.objects.all().delete()
    imported(path)
    run = ChatRun.objects.get()
    report = RunReport.of(run, run.steps.all())
    assert report.failure is not None
    assert report.failure.error is not None
    assert report.failure.error.reason == "[text of 53 characters]"
    assert "[text of 53 characters]" in output_of("show_chat_run", run.pk)


def test_a_run_that_went_on_there_does_not_go_on_here(tmp_path: Path) -> None:
    run = ChatRun.objects.create(chat_id="chat-7", level=Level.FULL)
    ChatStepFactory(run=run, status=Status.IN_PROGRESS, finished_at=None, error=None)
    path = tmp_path / "runs.json"
    output_of("export_chat_runs", "chat-7", "--output", path)
    ChatRun.objects.all().delete()
    imported(path)
    run = ChatRun.objects.get()
    assert run.outcome is Outcome.LOST
    assert run.finished_at is not None
    assert run.steps.get().status == Status.INTERRUPTED


def test_no_secret_of_another_deployment_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    secret = "sk-proj-" + "7Qm2Zx9Lk4Wv8Tn3Rb6H"
    run = document["runs"][0]
    run["model"] = secret
    run["summary"]["first_message"] = f"my key is {secret}"
    run["steps"][0]["normalized_request"] = {"messages": [{"password": secret}]}
    run["steps"][0]["error"]["detail"] = secret
    ChatRun.objects.all().delete()
    imported(sealed(document, path))
    run = ChatRun.objects.get()
    step = run.steps.get()
    stored = f"{run.model} {run.summary} {step.normalized_request} {step.error}"
    assert secret not in stored
    assert stored.count("[REDACTED") >= 4


def test_a_run_of_the_errors_level_has_no_content_whatever_its_file_says(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    document["runs"][0]["level"] = "errors"
    ChatRun.objects.all().delete()
    imported(sealed(document, path))
    step = ChatStep.objects.get()
    assert (step.normalized_request, step.attempts) == ({}, [])
    assert (step.normalized_response, step.usage) == (None, None)
    assert present(step.error)["detail"] == ERROR["detail"]
    assert "first_message" not in ChatRun.objects.get().summary


def bad_id(run: dict[str, Any]) -> None:
    run["id"] = "x"


def bad_status(run: dict[str, Any]) -> None:
    run["status"] = "odd"


def no_status(run: dict[str, Any]) -> None:
    del run["status"]


def bad_time(run: dict[str, Any]) -> None:
    run["started_at"] = "0001-01-01T00:00:00+14:00"


def bad_time_in_utc_alone(run: dict[str, Any]) -> None:
    run["started_at"] = "2499-12-31T23:59:59-12:00"


def bad_time_of_a_step(run: dict[str, Any]) -> None:
    run["steps"][0]["finished_at"] = "1000-01-01T00:00:00+12:00"


def bad_step(run: dict[str, Any]) -> None:
    run["steps"].append("odd")


def same_step(run: dict[str, Any]) -> None:
    run["steps"].append(run["steps"][0])


def large_number(run: dict[str, Any]) -> None:
    run["steps"][0]["step_number"] = 2**40


@pytest.mark.parametrize(
    "change",
    [
        *(bad_id, bad_status, no_status, bad_step, same_step, large_number),
        *(bad_time, bad_time_in_utc_alone, bad_time_of_a_step),
    ],
)
def test_a_bad_run_is_refused_and_nothing_is_half_done(
    change: Any, tmp_path: Path
) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    bad = json.loads(json.dumps(document["runs"][0]))
    bad["id"], bad["steps"][0]["id"] = str(uuid4()), str(uuid4())
    change(bad)
    document["runs"].append(bad)
    ChatRun.objects.all().delete()
    with pytest.raises(CommandError, match="Nothing was imported"):
        imported(sealed(document, path))
    assert not ChatRun.objects.exists()
    assert not ChatStep.objects.exists()


def test_a_file_that_was_changed_is_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    ChatRun.objects.all().delete()
    document["runs"][0]["model"] = "another"
    path.write_text(json.dumps(document))
    with pytest.raises(CommandError, match="was changed after"):
        imported(path)
    assert not ChatRun.objects.exists()


def test_an_id_that_no_column_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    exported(path)
    with pytest.raises(CommandError, match="64 characters"):
        imported(path, "--chat", "x" * 65)


ODD_VALUES: list[Any] = [None, "odd\0\ud800", 7, ["odd"], {"odd": ["odd"]}, True, 1e300]


@pytest.mark.parametrize("odd", ODD_VALUES, ids=ascii)
def test_values_of_any_shape_are_stored_so_that_pages_can_be_made(
    odd: Any, tmp_path: Path
) -> None:
    path = tmp_path / "runs.json"
    document = exported(path)
    (run,) = document["runs"]
    run |= {"summary": odd, "provider": odd, "chat_id": odd, "similar_count": 3}
    (step,) = run["steps"]
    for column in ("normalized_request", "normalized_response", "usage", "metadata"):
        step[column] = odd
    step["attempts"] = [odd, dict.fromkeys(attempt(), odd)]
    step["error"] = dict.fromkeys(ERROR, odd)
    ChatRun.objects.all().delete()
    imported(sealed(document, path))
    stored = ChatRun.objects.get()
    assert RunReport.of(stored, stored.steps.all()).line.title
    assert output_of("show_chat_run", stored.pk)


def test_a_project_without_time_zones_imports_moments_of_its_own(
    tmp_path: Path, settings: LazySettings
) -> None:
    path = tmp_path / "runs.json"
    exported(path)
    ChatRun.objects.all().delete()
    settings.USE_TZ = False
    imported(path)
    local = timezone.make_naive(NOON)
    assert ChatRun.objects.get().started_at == local


# Show.


def test_a_run_is_shown_as_its_page_shows_it() -> None:
    run = full_run()
    full_step(run)
    text = output_of("show_chat_run", run.pk)
    assert "OpenAI rejected the request (400)." in text
    assert "  | The ballast of segment 3" in text
    document = json.loads(output_of("show_chat_run", run.pk, "--json"))
    assert document["id"] == str(run.pk)


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_terminal_obeys_nothing_that_was_recorded(flags: list[str]) -> None:
    hostile = "\x1b]0;title\x07\x1b[2J\x9b31m\x7f\r\u202e"
    run = full_run(model=hostile)
    full_step(run, error={**ERROR, "detail": hostile}, metadata={hostile: hostile})
    text = output_of("show_chat_run", run.pk, *flags)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_a_run_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CommandError, match="no such run"):
        output_of("show_chat_run", uuid4())


def test_what_failed_outside_of_a_call_is_shown_too() -> None:
    run = ChatRunFactory()
    ChatStepFactory(run=run, operation=Operation.RUN)
    assert "Outside of a call" in output_of("show_chat_run", run.pk)

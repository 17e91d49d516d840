"""What the recorder really writes, in each form: nothing is lost and nothing fails."""

import asyncio
import io
import json
from contextlib import suppress
from pathlib import Path

import pytest

from chatdebug.errors.payload import read_payload
from chatdebug.exports.curl import curl_command
from chatdebug.exports.document import run_document, step_document
from chatdebug.exports.forms import FORMS
from chatdebug.exports.plain import plain
from chatdebug.exports.reading import Document, check_document
from chatdebug.exports.report import report
from chatdebug.exports.restored import restored
from chatdebug.exports.rows import runs_with_steps
from chatdebug.exports.share_safe import share_safe
from chatdebug.models import ChatRun
from chatdebug.recorder import Level, record_run
from chatdebug.writer import close_writer
from tests.chatdebug.exports.test_curl import arguments_of, option, shell
from tests.chatdebug.exports.test_otlp import parsed
from tests.chatdebug.recorder.demo import KEY, PROMPT, demo_model, generate, stream

__all__ = ["shell"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = (
    *("demo", "fault-400", "fault-500", "fault-html-502", "fault-html-200"),
    *("fault-huge-400", "fault-cut", "fault-badjson", "fault-instream-overloaded"),
)


async def record(name: str, *, level: Level) -> None:
    async with demo_model(name) as model:
        with suppress(Exception):
            async with record_run(
                chat_id="c", level=level, provider="demo", model=name, label=PROMPT
            ) as run:
                await (stream(model) if name != "demo" else generate(model))
                run.complete()


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_each_recorded_fault_leaves_in_each_form(level: Level) -> None:
    for name in MODELS:
        asyncio.run(record(name, level=level))
    close_writer(timeout=10)
    assert ChatRun.objects.exists()
    for is_safe in (False, True):
        written = {
            name: "".join(
                form.write(runs_with_steps(ChatRun.objects.all()), share_safe=is_safe)
            )
            for name, form in FORMS.items()
        }
        document = Document(io.StringIO(written["json"]))
        assert [each for each in check_document(document) if not each.holds] == []
        assert document.run_count == ChatRun.objects.count()
        assert parsed(written["otlp"])
        for text in written.values():
            assert KEY not in text
            assert (PROMPT in text) is (level is Level.FULL and not is_safe)


def test_what_is_restored_of_a_recorded_run_is_the_same_run() -> None:
    asyncio.run(record("fault-400", level=Level.FULL))
    close_writer(timeout=10)
    run = ChatRun.objects.get()
    steps = list(run.steps.all())
    document = run_document(run, steps)
    again, steps_again = restored(json.loads(json.dumps(document)))
    assert run_document(again, steps_again) == document
    assert [step_document(step) for step in steps_again] == document["steps"]


def test_an_error_is_restored_as_it_is_read_where_it_is_stored() -> None:
    asyncio.run(record("fault-400", level=Level.FULL))
    close_writer(timeout=10)
    run = ChatRun.objects.get()
    document = run_document(run, run.steps.all())
    (step,) = document["steps"]
    step["error"] |= {"elapsed_ms": 10**12, "frames": [3, {"line": -1}], "detail": 5}
    step["error"]["response"] = {"status": 400, "length": True, "of_later": "word"}
    _, (again,) = restored(json.loads(json.dumps(document)))
    assert again.error == read_payload(step["error"])


def test_a_recorded_run_is_most_of_it_in_its_share_safe_form() -> None:
    asyncio.run(record("fault-400", level=Level.FULL))
    close_writer(timeout=10)
    run = ChatRun.objects.get()
    safe = share_safe(run_document(run, run.steps.all()))
    assert "omitted" not in safe, "each column of a run is known"
    (step,) = safe["steps"]
    assert "omitted" not in step
    assert "omitted" not in step["error"]
    assert "omitted" not in step["attempts"][0]
    assert "omitted" not in step["normalized_request"]
    assert plain(report(safe))


def test_a_recorded_request_is_a_command_that_sends_the_same(shell: Path) -> None:
    asyncio.run(record("fault-400", level=Level.FULL))
    close_writer(timeout=10)
    (attempt, *_) = ChatRun.objects.get().steps.get().attempts
    command = curl_command(attempt)
    arguments = arguments_of(command, shell)
    assert KEY not in command
    assert "authorization: Bearer the key" in option(arguments, "--header")
    (body,) = option(arguments, "--data-raw")
    assert json.loads(body)["messages"][-1]["content"] == PROMPT

"""What it costs to hand a whole chat on: 1,000 and 10,000 runs with two steps each."""

import sys
from datetime import timedelta
from time import perf_counter

from django.db import connections
from django.utils import timezone

from chatdebug.enums import Level, Operation, Status
from chatdebug.exports.forms import FORMS, Form
from chatdebug.exports.rows import runs_with_steps
from chatdebug.models import ChatRun, ChatStep
from tests.benchmarks.database import bench_database
from tests.chatdebug.exports.samples import ERROR, REQUEST, RESPONSE, attempt
from tests.statements import collected_statements

RUNS = (1_000, 10_000)


def main() -> None:
    """Print the seconds, the megabytes that are written, and the statements."""
    with bench_database():
        _say(f"exports on {connections['default'].vendor}")
        _say(f"{'form':20}{'runs':>8}{'s':>8}{'MB':>8}{'SQL':>6}")
        for count in RUNS:
            chat_id = _store(count)
            for name, form in FORMS.items():
                for share_safe in (False, True):
                    _row(name, form, chat_id, count, share_safe=share_safe)


def _row(name: str, form: Form, chat_id: str, count: int, *, share_safe: bool) -> None:
    started = perf_counter()
    with collected_statements() as statements:
        size = _write(form, chat_id, share_safe=share_safe)
    seconds = perf_counter() - started
    title = f"{name}{', share-safe' if share_safe else ''}"
    _say(f"{title:20}{count:8,}{seconds:8.1f}{size / 1e6:8.1f}{len(statements):6}")


def _write(form: Form, chat_id: str, *, share_safe: bool) -> int:
    rows = runs_with_steps(ChatRun.objects.of_chat(chat_id))
    return sum(map(len, form.write(rows, share_safe=share_safe)))


def _store(count: int) -> str:
    chat_id, now = f"chat-of-{count}", timezone.now()
    runs = [
        ChatRun(
            chat_id=chat_id,
            level=Level.FULL,
            status=Status.ERROR,
            error_kind="generic",
            started_at=now - timedelta(seconds=number),
            finished_at=now,
        )
        for number in range(count)
    ]
    ChatRun.objects.bulk_create(runs, batch_size=1_000)
    ChatStep.objects.bulk_create(
        (_step(run, number) for run in runs for number in (1, 2)), batch_size=1_000
    )
    return chat_id


def _step(run: ChatRun, number: int) -> ChatStep:
    return ChatStep(
        run=run,
        chat_id=run.chat_id,
        step_number=number,
        operation=Operation.STREAM,
        status=Status.ERROR,
        normalized_request=REQUEST,
        normalized_response=RESPONSE,
        attempts=[attempt()],
        error=ERROR,
        finished_at=run.finished_at,
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()

"""A million runs, made by the database itself: copies of a few samples, over a week.

Their ids are UUIDs of version 7 and grow with their times, as the recorder's do.
"""

from datetime import timedelta
from hashlib import md5
from typing import Any

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from chatd.models import Chat
from chatdebug.enums import ErrorKind, Level, Status
from chatdebug.models import ChatRun, ChatStep
from tests.benchmarks.copies import columns_of, moment_at, numbers, text, uuid_at
from tests.chatdebug.exports.samples import ERROR, REQUEST, RESPONSE, attempt
from tests.factories import ChatRunFactory, ChatStepFactory, TurnFactory

RUNS = 1_000_000
CHATS = 50_000
RUNS_OF_LONG_CHAT = 10_000
MILLISECONDS = 600
"""Between two runs: a million of them are a week, as long as runs are kept."""
IS_OF_LONG_CHAT = f"n % {RUNS // RUNS_OF_LONG_CHAT} = 0"
CACHE_KIBIBYTES = 512 * 1024
SAMPLE, LONG_SAMPLE = "sample-", "long-sample-"
CAUSES: tuple[dict[str, Any], ...] = (
    {"error_kind": ErrorKind.GENERIC, "text": "The ballast does not match."},
    {"error_kind": ErrorKind.GENERIC, "text": "The gateway answered with a page."},
    {"error_kind": ErrorKind.GENERIC, "text": "An event of no known type came."},
    {"error_kind": ErrorKind.OVERLOADED, "text": "No capacity at the moment."},
    {"error_kind": ErrorKind.RATE_LIMIT, "text": "Too many requests."},
    {"error_kind": ErrorKind.TIMEOUT, "text": "No answer in 60 seconds."},
    {"error_kind": ErrorKind.STREAM_SILENCE_TIMEOUT, "text": "Nothing came any more."},
    {"error_kind": ErrorKind.AUTH, "text": "The key was refused."},
    {"error_kind": ErrorKind.CONFIG, "text": "There is no such model."},
    {"error_kind": ErrorKind.USAGE_LIMIT, "text": "The budget is spent."},
    {"error_kind": ErrorKind.CONTENT_FILTER, "text": "The prompt was refused."},
    {"error_kind": ErrorKind.GENERIC, "text": "Once.", "status": Status.COMPLETED},
    {"error_kind": "", "status": Status.COMPLETED},
    {"error_kind": "", "status": Status.COMPLETED, "model": "another"},
    {"error_kind": "", "status": Status.INTERRUPTED},
    {"error_kind": "", "status": Status.INTERRUPTED, "note": "Its process is gone."},
)


def fill() -> Chat:
    """Store the runs, each with a step; return the chat that has ten thousand of them.

    Those are of the full level, and stand all over the table.
    """
    turn = TurnFactory()
    question = turn.messages.get()
    for number, cause in enumerate(CAUSES):
        _make_sample(f"{SAMPLE}{number}", cause, level=Level.ERRORS)
        _make_sample(f"{LONG_SAMPLE}{number}", cause, level=Level.FULL)
    first = timezone.now() - timedelta(milliseconds=RUNS * MILLISECONDS)
    ms = f"{int(first.timestamp() * 1000)} + n * {MILLISECONDS}"
    moment = moment_at(ms)
    values = {
        "id": uuid_at(ms),
        "run_id": uuid_at(ms),
        "chat_id": _either(turn.chat_id, f"'chat-' || {text(f'n % {CHATS - 1}')}"),
        "owner_id": _either(turn.chat.owner_id, text("n % 5000")),
        "trigger_message_id": _either(question.pk, text("n")),
        **dict.fromkeys(("started_at", "updated_at", "finished_at"), moment),
    }
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # else it writes the indexes again and again
            cursor.execute(f"PRAGMA cache_size = {-CACHE_KIBIBYTES}")
        for model in (ChatRun, ChatStep):
            cursor.execute(_copy(model, values))
        ChatRun.objects.filter(chat_id__contains=SAMPLE).delete()
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE")  # as autovacuum does; on SQLite nobody does
    connection.close()  # readers have a cache of the usual size
    return turn.chat


def _make_sample(name: str, cause: dict[str, Any], *, level: Level) -> None:
    status, kind = cause.get("status", Status.ERROR), cause["error_kind"]
    summary = {"first_message": "What is a ballast?", "step_count": 1}
    if kind:
        summary |= {"has_error": True, "error_message": cause["text"]}
        summary |= {"error_status": 400}
    if "note" in cause:
        summary["note"] = cause["note"]
    run = ChatRunFactory(
        chat_id=name,
        level=level,
        status=status,
        error_kind=kind,
        provider="openai",
        model=cause.get("model", "gpt-5.1"),
        fingerprint=md5(cause["text"].encode()).hexdigest() if kind else "",
        summary=summary,
    )
    full = {
        "normalized_request": REQUEST,
        "normalized_response": RESPONSE,
        "attempts": [attempt()],
    }
    ChatStepFactory(
        run=run,
        status=status,
        error=ERROR | {"detail": cause["text"]} if kind else None,
        **(full if level == Level.FULL else {}),
    )


def _copy(model: type[Model], values: dict[str, str]) -> str:
    """Return the statement that copies samples, with these values in their columns."""
    columns = columns_of(model)
    taken = [values.get(column, f"sample.{column}") for column in columns]
    table = model._meta.db_table
    name = f"CASE WHEN {IS_OF_LONG_CHAT} THEN '{LONG_SAMPLE}' ELSE '{SAMPLE}' END"
    cause = text(f"(n + n / 100) % {len(CAUSES)}")  # so each chat has all of them
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(taken)}"
        f" FROM {numbers(RUNS)} AS numbers JOIN {table} AS sample"
        f" ON sample.chat_id = {name} || {cause}"
    )


def _either(of_long_chat: object, of_others: str) -> str:
    return f"CASE WHEN {IS_OF_LONG_CHAT} THEN '{of_long_chat}' ELSE {of_others} END"

"""The versioned JSON of runs: ``{"format", "version", …, "runs": […], "receipt"}``.

A run has the columns of its row and its steps in order; a step has all of its payloads.
Ids are text, times ISO 8601 in UTC. Whose the run is stays out: that is a person's id,
and means nothing elsewhere. Each run stands on a line of its own.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.utils import timezone

from chatdebug.exports.canonical import canonical, enclose, utc
from chatdebug.exports.receipt import ReceiptWriter
from chatdebug.exports.rows import RunWithSteps, runs_with_steps
from chatdebug.exports.share_safe import share_safe as without_content
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.causes import LikelyCauses
from chatdebug.querysets import ChatRunQuerySet

FORMAT = "chatdebug.export"
VERSION = 1
"""Of the document. A reader refuses a later one; a new key needs no new version."""

RUN_COLUMNS = (
    "chat_id",
    "root_chat_id",
    "parent_chat_id",
    "model_config_id",
    "trigger_message_id",
    "history_tip_message_id",
    "kind",
    "level",
    "status",
    "provider",
    "model",
    "error_kind",
    "fingerprint",
    "similar_count",
    "summary",
)
STEP_COLUMNS = (
    "step_number",
    "operation",
    "status",
    "history_tip_message_id",
    "normalized_request",
    "normalized_response",
    "usage",
    "attempts",
    "error",
    "metadata",
)
TIMES = ("started_at", "updated_at", "finished_at")


def run_document(run: ChatRun, steps: Iterable[ChatStep]) -> dict[str, Any]:
    """Return one run with all of its steps, in memory: the element of ``runs``."""
    return {**run_fields(run), "steps": [step_document(step) for step in steps]}


def run_fields(run: ChatRun) -> dict[str, Any]:
    """Return a run without its steps."""
    return {**_fields(run, RUN_COLUMNS), "outcome": _outcome(run)}


def step_document(step: ChatStep) -> dict[str, Any]:
    """Return a step with its payloads: the element of a run's ``steps``."""
    document = _fields(step, STEP_COLUMNS)
    likely = LikelyCauses.of(step)
    if likely is not None and isinstance(step.metadata, dict):
        # Noted, for what is found in a request is not to be seen in its share-safe form.
        noted = {"likely_causes": likely.as_json()}
        document["metadata"] = {**step.metadata, **noted}
    return document


def stream(
    runs: ChatRunQuerySet,
    *,
    share_safe: bool = False,
    exported_at: datetime | None = None,
) -> Iterator[str]:
    """Yield the document of these runs in pieces: constant memory, however many.

    Joined they are one line of JSON for each run and one at each end. The last one has
    the receipt. Raises django.db.Error between two pieces if the database goes away.
    """
    rows = runs_with_steps(runs)
    return stream_of(rows, share_safe=share_safe, exported_at=exported_at)


def stream_of(
    rows: Iterable[RunWithSteps],
    *,
    share_safe: bool = False,
    exported_at: datetime | None = None,
) -> Iterator[str]:
    """Yield the document of runs that are given with their steps."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "generator": generator(),
        "exported_at": utc(exported_at or timezone.now()),
        "share_safe": share_safe,
    }
    receipt = ReceiptWriter()
    items = (
        _run_text(run, steps, receipt, share_safe=share_safe) for run, steps in rows
    )
    last = ""
    for text in enclose(head, "runs", items, line="\n"):
        yield last
        receipt.hash(text)
        last = text
    yield f'\n{last[:-1]},"receipt":{canonical(receipt.as_json())}}}\n'


def generator() -> str:
    """Return what wrote a document: the package and its version, where it is installed."""
    try:
        return f"chatdebug {version('chatdebug')}"
    except PackageNotFoundError:
        return "chatdebug"


def _run_text(
    run: ChatRun,
    steps: Iterable[ChatStep],
    receipt: ReceiptWriter,
    *,
    share_safe: bool,
) -> Iterator[str]:
    """Yield the text of a run, step by step, and let the receipt count what it holds."""

    def taken(document: dict[str, Any]) -> dict[str, Any]:
        receipt.count(document)
        return without_content(document) if share_safe else document

    receipt.runs += 1
    texts = ([canonical(taken(step_document(step)))] for step in steps)
    yield from enclose(taken(run_fields(run)), "steps", texts)


def _outcome(run: ChatRun) -> str:
    """Return how a run came out; nothing if its summary is none."""
    try:
        return run.outcome.value
    except (AttributeError, ValueError):
        return ""


def _fields(row: ChatRun | ChatStep, columns: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        **{column: getattr(row, column) for column in columns},
        **{column: utc(getattr(row, column)) for column in TIMES},
    }

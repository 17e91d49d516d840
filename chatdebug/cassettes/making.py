"""Makes the cassette of a run that failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.utils.translation import gettext

from chatdebug.cassettes.cassette import Answer, Cassette, UnreadableCassette
from chatdebug.cassettes.rebuilt import rebuilt_answer
from chatdebug.cassettes.recorded import recorded_answers
from chatdebug.cassettes.requests import Asked, asked_of
from chatdebug.cassettes.sdks import UnknownCall, Way, way_of
from chatdebug.enums import Level, Operation
from chatdebug.errors.content import storable_text
from chatdebug.errors.fingerprint import fingerprint
from chatdebug.errors.payload import ErrorPayload, read_payload
from chatdebug.exports.canonical import utc
from chatdebug.exports.restored import UnreadableRun, restored
from chatdebug.exports.share_safe import is_omitted
from chatdebug.models import ChatRun, ChatStep
from chatdebug.payloads.limits import ERROR_CHARACTERS


class NoCassette(ValueError):
    """Nothing can be made of this run; the text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A cassette, and what is to be said of it."""

    cassette: Cassette
    way: Way
    asked: Asked
    has_recorded_answer: bool
    """Whether the answer is the one that came, or was rebuilt from the error."""
    has_words: bool
    """Whether the words of the error were kept: a share-safe document leaves them out, and
    then nothing can tell that what is played is the same failure."""


def make_cassette(
    document: dict[str, Any], *, with_content: bool = False, sdk: str = ""
) -> Made:
    """Return the cassette of a run, given as ``exports.document`` has it.

    Without ``with_content`` nothing that was said is in it: the request is of the same
    shape, where that is known, and the answer is rebuilt from the error. Raises NoCassette
    for a run without a failed call, or one of which nothing was kept that could be played.
    """
    try:
        run, steps = restored(document)
        step = _failed(run, steps)
        error = read_payload(step.error)
        if run.level == Level.FULL and not with_content:
            error = _without_content(error)
        way = _way(run, step, error, sdk)
    except (UnreadableRun, UnknownCall) as problem:
        raise NoCassette(str(problem)) from problem
    attempts: list[Any] = step.attempts if with_content else []
    asked = asked_of(
        way=way,
        model=run.model,
        kept=_object(step.normalized_request),
        shape=_shape_in(document, step),
        bodies=[attempt.get("request_body") for attempt in attempts],
        with_content=with_content,
    )
    cassette = Cassette(
        run_id=str(run.pk),
        captured_at=utc(run.started_at) or "",
        evidence=run.evidence.value,
        sdk=way.sdk,
        # Some say it in their address, which is another one when it is played.
        provider=run.provider or error["provider"],
        model=run.model,
        path=way.path,
        request=asked.request,
        answers=_answers(attempts, error, way, run.model),
        fingerprint=fingerprint(error, model=run.model),
        error=error,
    )
    return Made(
        cassette=_as_read(cassette),
        way=way,
        asked=asked,
        has_recorded_answer=bool(attempts),
        has_words=not _is_share_safe(document),
    )


def _failed(run: ChatRun, steps: Sequence[ChatStep]) -> ChatStep:
    """Return the last failed call of a run."""
    failed = [step for step in steps if _error_of(step)]
    if not failed:
        raise NoCassette(
            gettext("The run has no failed call: there is nothing to play.")
        )
    calls = [step for step in failed if step.operation != Operation.RUN]
    if not calls:
        raise NoCassette(
            gettext(
                "The run failed outside of its calls: no provider's answer can show that."
            )
        )
    step = calls[-1]
    step.error = _error_of(step)
    return step


def _error_of(step: ChatStep) -> Any:
    """Return the error of a step, also one that a later attempt has repaired."""
    return step.error or step.metadata.get("repaired_error")


def _shape_in(document: dict[str, Any], step: ChatStep) -> dict[str, Any]:
    """Return the shape of a step as it was kept, with the sizes of what it left out.

    In rows that are made again of a document, texts stand for those.
    """
    for kept in _list(document.get("steps")):
        if isinstance(kept, dict) and kept.get("id") == str(step.pk):
            return _object(_object(kept.get("metadata")).get("shape"))
    return {}


def _way(run: ChatRun, step: ChatStep, error: ErrorPayload, sdk: str) -> Way:
    paths = (attempt.get("path") for attempt in step.attempts)
    return way_of(
        error,
        _object(step.normalized_request) or _object(step.metadata.get("shape")),
        path=next((path for path in paths if isinstance(path, str)), ""),
        provider=run.provider,
        is_stream=step.operation == Operation.STREAM,
        sdk=sdk,
    )


def _answers(
    attempts: list[Any], error: ErrorPayload, way: Way, model: str
) -> tuple[Answer, ...]:
    if attempts:
        return recorded_answers(attempts, error)
    return (
        rebuilt_answer(
            error, protocol=way.protocol, model=model, is_stream=way.is_stream
        ),
    )


def _as_read(cassette: Cassette) -> Cassette:
    """Return a cassette as it will be played. Raises NoCassette if it could not be."""
    try:
        return Cassette.read(cassette.as_text())
    except UnreadableCassette as problem:
        raise NoCassette(str(problem)) from problem


def _without_content(error: ErrorPayload) -> ErrorPayload:
    """Return an error of the full level as the errors level has it."""
    return cast(
        "ErrorPayload",
        {
            **error,
            "message": storable_text(error["message"], ERROR_CHARACTERS),
            "detail": storable_text(error["detail"], ERROR_CHARACTERS),
            "chain": [
                {**link, "message": storable_text(link["message"], ERROR_CHARACTERS)}
                for link in error["chain"]
            ],
        },
    )


def _is_share_safe(document: dict[str, Any]) -> bool:
    steps = _list(document.get("steps"))
    errors = [step.get("error") for step in steps if isinstance(step, dict)]
    return any(
        is_omitted(error.get("message")) for error in errors if isinstance(error, dict)
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

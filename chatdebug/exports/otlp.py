"""Runs as OTLP JSON: what collectors and the viewers of traces read.

A run is a trace: a span for it, one for each step, and one for each attempt below its
step. The names are those of OpenTelemetry's conventions for generative AI, which are
still in development, and of its stable ones for HTTP and errors; what they have no name
for begins with ``chatdebug.``. An error is in the span's status and in an event, because
some viewers read only the one and some only the other.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from chatdebug.enums import Operation, Status
from chatdebug.errors.payload import ErrorPayload, read_payload
from chatdebug.exports.canonical import canonical, enclose
from chatdebug.exports.document import generator, run_fields, step_document
from chatdebug.exports.http_spans import attempt_spans, server_of
from chatdebug.exports.messages import (
    input_messages,
    output_messages,
    system_instructions,
    tool_definitions,
)
from chatdebug.exports.restored import restored, restored_step
from chatdebug.exports.rows import RunWithSteps, runs_with_steps
from chatdebug.exports.share_safe import share_safe as without_content
from chatdebug.exports.spans import Json, Kind, attributes_of, event, span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.querysets import ChatRunQuerySet

PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""What the conventions call providers, where it is not what we do."""
OPTIONS = {
    "max_output_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stop_sequences": "stop_sequences",
    "seed": "seed",
}
USAGE = {
    "input_tokens": ("input_tokens",),
    "output_tokens": ("output_tokens",),
    "reasoning_tokens": ("reasoning.output_tokens",),
    "cache_read_tokens": ("cache_read.input_tokens",),
    # Renamed lately; viewers know the one or the other.
    "cache_creation_tokens": (
        "cache_write.input_tokens",
        "cache_creation.input_tokens",
    ),
}


def stream(runs: ChatRunQuerySet, *, share_safe: bool = False) -> Iterator[str]:
    """Yield OTLP JSON of these runs in pieces: constant memory, however many.

    Prompts and answers are in it where they were recorded, unless it is share-safe.
    Raises django.db.Error between two pieces if the database goes away.
    """
    return stream_of(runs_with_steps(runs), share_safe=share_safe)


def stream_of(
    rows: Iterable[RunWithSteps], *, share_safe: bool = False
) -> Iterator[str]:
    """Yield OTLP JSON of runs that are given with their steps."""
    resource = attributes_of({"service.name": "chatdebug"})
    name, _, version = generator().partition(" ")
    scope = {"name": name, "version": version}
    items = (
        [canonical(each)]
        for run, steps in rows
        for each in spans(run, steps, share_safe=share_safe)
    )
    yield (
        f'{{"resourceSpans":[{{"resource":{canonical({"attributes": resource})},'
        '"scopeSpans":['
    )
    yield from enclose({"scope": scope}, "spans", items)
    yield "]}]}\n"


def spans(
    run: ChatRun, steps: Iterable[ChatStep], *, share_safe: bool = False
) -> Iterator[Json]:
    """Yield the spans of a run, each one after those inside of it."""

    def taken(document: dict[str, Any]) -> dict[str, Any]:
        return without_content(document) if share_safe else document

    run, _ = restored(taken(run_fields(run)))
    has_content = run.has_payloads and not share_safe
    last_error: ErrorPayload | None = None
    for each in steps:
        step = restored_step(run, taken(step_document(each)))
        if step.error:
            last_error = read_payload(step.error)
        yield from attempt_spans(step, parent=_name(step))
        yield _step(step, has_content=has_content)
    yield _run(run, last_error)


def _run(run: ChatRun, error: ErrorPayload | None) -> Json:
    is_error = run.status == Status.ERROR
    known: dict[str, Any] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": run.kind,
        "gen_ai.conversation.id": run.chat_id,
        "gen_ai.provider.name": _provider(run),
        "gen_ai.request.model": run.model,
        "chatdebug.run.id": str(run.pk),
        "chatdebug.run.kind": run.kind,
        "chatdebug.run.level": run.level,
        "chatdebug.run.outcome": run.outcome.value,
        "chatdebug.run.fingerprint": run.fingerprint,
        "chatdebug.run.similar_count": run.similar_count or None,
        "chatdebug.run.queue_ms": run.summary.get("queue_ms"),
        "chatdebug.run.claim_ms": run.summary.get("claim_ms"),
        "chatdebug.run.interrupted_by": run.summary.get("interrupted_by"),
    }
    if is_error:
        known |= _error_attributes(error)
    return span(
        run=run.pk,
        name=f"invoke_agent {run.kind}",
        kind=Kind.INTERNAL,
        start=run.started_at,
        end=run.finished_at or run.updated_at,
        attributes=known,
        error=str(run.summary.get("error_message", "")) if is_error else None,
    )


def _step(step: ChatStep, *, has_content: bool) -> Json:
    run, is_call = step.run, step.operation != Operation.RUN
    stored = step.error or step.metadata.get("repaired_error")
    error = read_payload(stored) if stored else None
    is_error = step.status == Status.ERROR
    ended = step.finished_at or step.updated_at
    known: dict[str, Any] = {
        "gen_ai.conversation.id": run.chat_id,
        "chatdebug.step.number": step.step_number,
        "chatdebug.step.operation": step.operation,
        "chatdebug.step.status": step.status,
    }
    if is_call:
        known |= _call(step, error)
    if is_error:
        known |= _error_attributes(error)
    if has_content:
        request, response = step.normalized_request, step.normalized_response
        known |= {
            "gen_ai.system_instructions": system_instructions(request),
            "gen_ai.input.messages": input_messages(request),
            "gen_ai.output.messages": output_messages(response),
            "gen_ai.tool.definitions": tool_definitions(request),
        }
    return span(
        run=run.pk,
        part=_name(step),
        parent="",
        name=f"chat {run.model}".strip() if is_call else "outside of a call",
        kind=Kind.CLIENT if is_call else Kind.INTERNAL,
        start=step.started_at,
        end=ended,
        attributes=known,
        events=[_exception(error, ended)] if error else [],
        error=(error["detail"] or error["message"] if error else "")
        if is_error
        else None,
    )


def _call(step: ChatStep, error: ErrorPayload | None) -> dict[str, Any]:
    """Return what the conventions have names for of a call of a model."""
    request, response = (
        _object(step.normalized_request),
        _object(step.normalized_response),
    )
    options, usage = _object(request.get("options")), _object(step.usage)
    provider = _provider(step.run)
    reason = response.get("finish_reason")
    reasons = [reason] if isinstance(reason, str) and reason else []
    first_part = error["first_part_ms"] if error else None
    host, port = server_of(step.attempts[0].get("url")) if step.attempts else ("", None)
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.system": provider,  # the name before; some viewers know no other
        "gen_ai.request.model": step.run.model,
        "gen_ai.request.stream": step.operation == Operation.STREAM or None,
        **{
            f"gen_ai.request.{target}": options.get(source)
            for source, target in OPTIONS.items()
        },
        "gen_ai.output.type": "json" if request.get("structured_output") else None,
        "gen_ai.response.id": response.get("response_id"),
        "gen_ai.response.model": response.get("model"),
        "gen_ai.response.finish_reasons": ["error"] if step.error else reasons,
        "gen_ai.response.time_to_first_chunk": (
            None if first_part is None else first_part / 1000
        ),
        **{
            f"gen_ai.usage.{target}": usage.get(source)
            for source, targets in USAGE.items()
            for target in targets
            if usage.get(source)
        },
        "server.address": host,
        "server.port": port,
    }


def _error_attributes(error: ErrorPayload | None) -> dict[str, Any]:
    if error is None:
        return {"error.type": "_OTHER"}
    code = error["error_code"] or error["error_type"] or error["status_code"]
    return {
        "error.type": str(code or error["type"] or "_OTHER"),
        "chatdebug.error.kind": error["kind"],
        "chatdebug.error.rule": error["rule"],
        "chatdebug.error.retryable": error["retryable"],
        "chatdebug.error.request_id": error["request_id"],
    }


def _exception(error: ErrorPayload, at: datetime) -> Json:
    frames = [
        f'  File "{frame["file"]}", line {frame["line"]}, in {frame["function"]}'
        for frame in error["frames"]
    ]
    causes = [f"{link['type']}: {link['message']}" for link in error["chain"]]
    return event(
        "exception",
        at,
        {
            "exception.type": error["type"] or "Exception",
            "exception.message": error["message"] or error["detail"],
            "exception.stacktrace": "\n".join([*frames, *causes]),
        },
    )


def _name(step: ChatStep) -> str:
    """Return what the step's span is called within its run's trace."""
    return str(step.pk)


def _provider(run: ChatRun) -> str:
    return PROVIDERS.get(run.provider, run.provider)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

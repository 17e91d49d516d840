"""Runs as OTLP: what the protocol's own messages read out of it, and its names."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from chatdebug.enums import Level, Operation
from chatdebug.enums import Status as RunStatus
from chatdebug.exports.otlp import stream, stream_of
from chatdebug.exports.rows import PAGE_RUNS
from chatdebug.models import ChatRun, ChatStep
from tests.chatdebug.exports.samples import ERROR, NOON, attempt, full_run, full_step
from tests.factories import ChatRunFactory, ChatStepFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

ODD_VALUES: list[Any] = [None, "odd", 7, ["odd"], {"odd": ["odd"]}, True, -1, 2**70]


def request_of(text: str) -> ExportTraceServiceRequest:
    """Return a document as the protocol's own message.

    That wants ids in base64, where OTLP's JSON has them in hexadecimal.
    """
    document = json.loads(text)
    (resource,) = document["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    for each in scope["spans"]:
        for key, size in {"traceId": 16, "spanId": 8, "parentSpanId": 8}.items():
            if key in each:
                raw = bytes.fromhex(each[key])
                assert len(raw) == size
                each[key] = base64.b64encode(raw).decode()
    request = ExportTraceServiceRequest()
    Parse(json.dumps(document), request)
    return request


def parsed(text: str) -> list[Span]:
    """Return the spans of a document, read by the protocol's own messages."""
    return list(request_of(text).resource_spans[0].scope_spans[0].spans)


def exported(**options: Any) -> dict[str, Span]:
    """Return the spans of all runs by their names; the last one of a name."""
    text = "".join(stream(ChatRun.objects.all(), **options))
    return {each.name: each for each in parsed(text)}


def attributes(of: Any) -> dict[str, Any]:
    values = {}
    for each in of.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        if kind == "array_value":
            value = [item.string_value for item in value.values]
        values[each.key] = value
    return values


def test_a_run_is_a_trace_of_its_step_and_of_the_attempts_below_it() -> None:
    run = full_run()
    full_step(run)
    spans = exported()
    assert set(spans) == {"invoke_agent chat_turn", "chat gpt-5.1", "POST"}
    root, last = spans["invoke_agent chat_turn"], spans["POST"]
    step = spans["chat gpt-5.1"]
    assert {each.trace_id for each in spans.values()} == {run.pk.bytes}
    assert not root.parent_span_id
    assert step.parent_span_id == root.span_id
    assert last.parent_span_id == step.span_id
    assert len({each.span_id for each in spans.values()}) == 3
    assert root.kind == Span.SPAN_KIND_INTERNAL
    assert step.kind == last.kind == Span.SPAN_KIND_CLIENT


def test_times_are_those_that_were_recorded() -> None:
    full_step(full_run())
    spans = exported()
    root, last = spans["invoke_agent chat_turn"], spans["POST"]
    began = int(NOON.timestamp()) * 10**9
    assert root.start_time_unix_nano == began
    assert root.end_time_unix_nano == began + 2 * 10**9
    assert last.start_time_unix_nano == began + 10**8
    assert last.end_time_unix_nano == began + 6 * 10**8


def test_a_call_has_the_names_of_the_conventions() -> None:
    full_step(full_run(provider="google"))
    step = attributes(exported()["chat gpt-5.1"])
    assert step["gen_ai.operation.name"] == "chat"
    assert step["gen_ai.provider.name"] == "gcp.gemini"
    assert step["gen_ai.request.model"] == "gpt-5.1"
    assert step["gen_ai.request.stream"] is True
    assert step["gen_ai.request.max_tokens"] == 100
    assert step["gen_ai.request.temperature"] == 0.5
    assert step["gen_ai.request.stop_sequences"] == ["x"]
    assert step["gen_ai.response.id"] == "resp_1"
    assert step["gen_ai.response.model"] == "gpt-5.1-2026"
    assert step["gen_ai.response.finish_reasons"] == ["error"]
    assert step["gen_ai.usage.input_tokens"] == 12
    assert step["gen_ai.conversation.id"] == "chat-7"
    assert step["server.address"] == "api.openai.com"
    assert step["server.port"] == 443


def test_a_failure_is_in_the_status_and_in_an_event() -> None:
    full_step(full_run())
    spans = exported()
    root, step = spans["invoke_agent chat_turn"], spans["chat gpt-5.1"]
    for each in (root, step):
        assert each.status.code == Status.STATUS_CODE_ERROR
        assert each.status.message == ERROR["detail"]
        assert attributes(each)["error.type"] == "ballast_mismatch"
    (event,) = step.events
    assert event.name == "exception"
    exception = attributes(event)
    assert exception["exception.type"] == "ModelHTTPError"
    assert exception["exception.message"] == ERROR["message"]
    assert (
        'File "shop/chat.py", line 12, in answer' in exception["exception.stacktrace"]
    )
    assert "BadRequestError: Error code: 400" in exception["exception.stacktrace"]


def test_an_attempt_has_the_names_of_http() -> None:
    full_step(full_run())
    http = attributes(exported()["POST"])
    assert http["http.request.method"] == "POST"
    assert http["url.full"] == "https://api.openai.com/v1/chat/completions"
    assert http["http.response.status_code"] == 400
    assert http["http.request.resend_count"] == 1
    assert http["error.type"] == "400"


def test_an_attempt_tells_its_connection_and_its_moments() -> None:
    full_step(full_run())
    last = exported()["POST"]
    http = attributes(last)
    assert http["chatdebug.attempt.connection"] == "opened"
    assert http["chatdebug.attempt.ended_by"] == "provider"
    began = last.start_time_unix_nano
    assert [
        (event.name, (event.time_unix_nano - began) // 10**6) for event in last.events
    ] == [
        ("chatdebug.connected", 30),
        ("chatdebug.head", 400),
        ("chatdebug.first_part", 410),
        ("chatdebug.last_part", 490),
    ]


@pytest.mark.parametrize("odd", [*ODD_VALUES, 10**40, 0.5])
def test_a_moment_that_is_none_is_no_event(odd: Any) -> None:
    times = {"connect_ms": odd, "connection": odd, "ended_by": odd}
    full_step(full_run(), attempts=[attempt(**times, time_to_last_part_ms=odd)])
    names = [event.name for event in exported()["POST"].events]
    known = ["chatdebug.head", "chatdebug.first_part"]
    assert [name for name in names if name in known] == known


def test_a_run_tells_its_wait_and_who_interrupted_it() -> None:
    full_step(full_run())
    root = attributes(exported()["invoke_agent chat_turn"])
    assert root["chatdebug.run.queue_ms"] == 1_200
    assert root["chatdebug.run.claim_ms"] == 8
    run = full_run(status="interrupted", summary={"interrupted_by": "user"})
    spans = parsed("".join(stream(ChatRun.objects.filter(pk=run.pk))))
    assert attributes(spans[-1])["chatdebug.run.interrupted_by"] == "user"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"status": "failed", "error": "ConnectError: no"}, "ConnectError"),
        ({"status": "cut_short", "error": "the response ended"}, "cut_short"),
        ({"status": "failed", "error": "it: did"}, "it"),
        ({"status": "cancelled"}, None),
        ({"status": "closed_by_client"}, None),
        ({"status": "completed"}, None),
    ],
)
def test_an_attempt_fails_by_the_provider_or_the_network(
    fields: dict[str, Any], kind: str | None
) -> None:
    full_step(full_run(), attempts=[attempt(**fields)])
    span = exported()["POST"]
    assert attributes(span).get("error.type") == kind
    assert (span.status.code == Status.STATUS_CODE_ERROR) is (kind is not None)


def test_prompts_and_answers_are_there_where_they_were_recorded() -> None:
    full_step(full_run())
    step = attributes(exported()["chat gpt-5.1"])
    messages = json.loads(step["gen_ai.input.messages"])
    assert messages[0] == {
        "role": "user",
        "parts": [{"type": "text", "content": "What is a ballast?"}],
    }
    assert messages[1]["parts"][0] == {
        "type": "tool_call",
        "id": "call_1",
        "name": "look_up",
        "arguments": {"word": "ballast"},
    }
    assert messages[2]["parts"][0]["type"] == "tool_call_response"
    (answer,) = json.loads(step["gen_ai.output.messages"])
    assert answer["parts"] == [{"type": "text", "content": "A weight"}]
    assert json.loads(step["gen_ai.system_instructions"])[0]["content"] == "Be brief."
    assert json.loads(step["gen_ai.tool.definitions"])[0]["name"] == "look_up"


CONTENT = {
    "gen_ai.system_instructions",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.tool.definitions",
}


def test_a_share_safe_trace_has_no_content() -> None:
    full_step(full_run())
    text = "".join(stream(ChatRun.objects.all(), share_safe=True))
    step = attributes({each.name: each for each in parsed(text)}["chat gpt-5.1"])
    assert not CONTENT & step.keys()
    assert step["error.type"] == "ballast_mismatch"
    for word in ("envelope", "look_up", "weight", "brief", "completions"):
        assert word not in text


def test_at_the_errors_level_there_is_no_content_to_send() -> None:
    full_step(full_run(level=Level.ERRORS))
    assert not CONTENT & attributes(exported()["chat gpt-5.1"]).keys()


def test_a_recovered_run_has_no_error_status_and_tells_what_was_repaired() -> None:
    run = ChatRunFactory(status=RunStatus.COMPLETED, model="m")
    ChatStepFactory(
        run=run,
        status=RunStatus.COMPLETED,
        error=None,
        metadata={"repaired_error": ERROR},
    )
    spans = exported()
    assert spans["chat m"].status.code == Status.STATUS_CODE_UNSET
    assert spans["chat m"].events[0].name == "exception"
    root = spans["invoke_agent chat_turn"]
    assert root.status.code == Status.STATUS_CODE_UNSET
    assert attributes(root)["chatdebug.run.outcome"] == "recovered"


def test_what_failed_outside_of_a_call_is_no_call_of_a_model() -> None:
    full_step(full_run(), operation=Operation.RUN, attempts=[])
    step = exported()["outside of a call"]
    assert step.kind == Span.SPAN_KIND_INTERNAL
    assert "gen_ai.operation.name" not in attributes(step)


def test_odd_times_never_end_before_they_began() -> None:
    run = full_run(finished_at=NOON - timedelta(seconds=1))
    odd = attempt(started_at="odd", finished_at="2026-11-24T11:00:00")
    full_step(run, attempts=[odd])
    for span in exported().values():
        assert span.end_time_unix_nano >= span.start_time_unix_nano > 0


def test_a_run_that_is_exported_twice_is_the_same_trace() -> None:
    full_step(full_run())
    once, again = ("".join(stream(ChatRun.objects.all())) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
def test_rows_of_any_shape_are_read_by_the_protocol(odd: Any) -> None:
    run = full_run()
    for shape in (
        {"error": odd, "usage": odd, "normalized_response": odd},
        {"error": dict.fromkeys(ERROR, odd), "normalized_request": odd},
        {"error": None, "metadata": {"repaired_error": {"chain": odd, "frames": odd}}},
        {"attempts": [odd, dict.fromkeys(attempt(), odd)], "metadata": odd},
        {"normalized_request": {"messages": [odd, {"parts": [odd]}], "options": odd}},
        {"normalized_response": {"content": [{"type": odd, "text": odd}]}},
        {"usage": {"input_tokens": odd}, "normalized_request": {"tools": [odd]}},
    ):
        step = full_step(ChatRunFactory(level=Level.FULL))
        for column, value in shape.items():
            setattr(step, column, value)
        assert parsed("".join(stream_of([(run, iter([step]))])))


def test_thousands_of_runs_cost_two_statements_a_page() -> None:
    runs = ChatRunFactory.create_batch(2 * PAGE_RUNS + 1)
    with collected_statements() as statements:
        text = "".join(stream(ChatRun.objects.all()))
    assert len(parsed(text)) == len(runs)
    selects = [sql for sql in statements if sql.startswith(("SELECT", "DECLARE"))]
    assert len(selects) <= 2 * 3 + 1


def test_half_a_character_is_none_of_the_protocols() -> None:
    run = full_run()
    step = ChatStep(
        run=run, step_number=1, operation="stream", error={"detail": "\ud800"}
    )
    step.status = RunStatus.ERROR
    assert parsed("".join(stream_of([(run, iter([step]))])))

"""A chat with a run of every kind: each outcome, both levels, something huge, and hostile.

Made beside a running site, by ``SiteProcess.run_code(MAKE_STATES)``.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from chatd.enums import TurnStatus
from chatd.models import ModelConfig
from chatdebug.enums import Level, Status
from chatdebug.models import ChatRun
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory, TurnFactory

MAKE_STATES = "from tests.browser.states import make_states; print(make_states())"
MAKE_PAIR = "from tests.browser.states import make_pair; print(make_pair())"

START = timezone.now()
"""Of all runs. One that goes on and was silent for longer would be taken for lost."""
HOSTILE = (
    "</pre></script><script>document.title = 'executed'</script>"
    "<img src=x onerror=\"document.title = 'executed'\"> \u202egnp.exe \u0645\u0631\u062d\u0628\u0627"
)
ODD_TEXT = "\n\r\n  \tkept & <b>so</b>\r &amp; &#13; \u202eend\n\n"
"""What a browser would read as another text, were it put into a page as it is."""
ODD_JSON = json.dumps({HOSTILE: [HOSTILE, ODD_TEXT, -1.5, True]}, indent=2)
ERROR = {
    "kind": "generic",
    "rule": "fallback.generic",
    "provider": "openai",
    "status_code": 500,
    "type": "ModelServerError",
    "message": "status_code: 500, body: It shifted.",
    "detail": "The ballast shifted.",
    "error_type": "server_error",
    "request_id": "req_7d20c9e1",
    "retryable": True,
    "chain": [
        {"type": "ModelServerError", "message": "status_code: 500, body: It shifted."},
        {"type": "InternalServerError", "message": "The ballast shifted."},
    ],
    "frames": [
        {"file": "chatd/turns/engine.py", "line": 211, "function": "run_turn"},
        {"file": "site-packages/openai/client.py", "line": 40, "function": "post"},
    ],
    "response": {"status": 500, "content_type": "application/json", "length": 186},
}
CALL = {
    "type": "tool-call",
    "tool_call_id": "call_1",
    "tool_name": "look_up_ship",
    "arguments": '{"name": "Aurelia"}',
    "input_length": 19,
}
RESULT = {
    "type": "tool-result",
    "tool_call_id": "call_1",
    "tool_name": "look_up_ship",
    "outcome": "success",
    "result": '{"ballast_t": 1240}',
    "result_length": 19,
}
QUESTION = "Which of our ships carries more ballast?"
REQUEST: dict[str, Any] = {
    "messages": [
        {"role": "system", "parts": [{"type": "instructions", "text": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "text": QUESTION}]},
        {"role": "assistant", "parts": [CALL]},
        {"role": "tool", "parts": [RESULT]},
    ],
    "tools": [{"name": "look_up_ship", "input_schema": {"type": "object"}}],
    "options": {"temperature": 0.2},
}
ANSWER = {
    "content": [
        {"type": "reasoning", "text": "She is the longer one. " * 60},
        {"type": "text", "text": "The Aurelia: 1,240 t."},
    ],
    "finish_reason": "stop",
    "state": "complete",
    "model": "gpt-5-mini",
}
STREAM = "".join(f'event: delta\ndata: {{"word": {n}}}\n\n' for n in range(8))


def make_states() -> str:
    """Return the ids of a chat and of its runs, by state, as JSON."""
    owner = User.objects.get(username="demo")
    chat = ChatFactory(owner=owner, title="States")
    runs = {
        name: str(make(str(chat.pk)).pk)
        for name, make in {
            "failed, errors level": _failed_at_errors_level,
            "recovered, errors level": _recovered_at_errors_level,
            "failed": _failed,
            "recovered": _recovered,
            "completed": _completed,
            "stopped": _stopped,
            "lost": _lost,
            "running": _running,
            "huge": _huge,
            "hostile": _hostile,
        }.items()
    }
    return json.dumps({"chat": str(chat.pk), "runs": runs})


def make_pair() -> str:
    """Return the id of a chat with a run that went well and, a minute later, a failed one.

    The later one was asked more, in other words of the system, at another temperature.
    """
    owner = User.objects.get(username="demo")
    demo = ModelConfig.objects.get(name="demo")
    chat = ChatFactory(owner=owner, title="Two runs", model=demo)
    good, bad = _completed(str(chat.pk)), _failed_later(str(chat.pk))
    ChatRun.objects.filter(pk=good.pk).update(
        started_at=_after(-60), finished_at=_after(-57)
    )
    ids = {"chat": str(chat.pk), "good": str(good.pk), "bad": str(bad.pk)}
    return json.dumps(ids)


def make_waiting() -> str:
    """Return the id of a chat whose provider wants to be left for two and a half minutes."""
    chat = ChatFactory(
        owner=User.objects.get(username="demo"),
        model=ModelConfig.objects.get(name="demo"),
    )
    error = {
        "message": "The demo provider takes no more requests from this site for now (429).",
        "ways": ["again", "other_model"],
        "wait": 150,
        "failed_at": timezone.now().isoformat(),
    }
    TurnFactory(chat=chat, status=TurnStatus.ERROR, error=error)
    return str(chat.pk)


def _failed_later(chat_id: str) -> ChatRun:
    run = _run(chat_id, 7, error_kind="generic")
    system, *others = REQUEST["messages"]
    brief = {"type": "instructions", "text": "Be brief, and answer in verse."}
    more = {"role": "user", "parts": [{"type": "text", "text": "And in summer?"}]}
    request = {
        **REQUEST,
        "messages": [{**system, "parts": [brief]}, *others, more],
        "options": {"temperature": 1.9},
    }
    attempts = [_attempt(1, 0.1, 0.6, 429), _attempt(2, 1.6, 6.9, 500)]
    _step(run, 0.1, 6.9, attempts=attempts, error=ERROR, normalized_request=request)
    return run


def _after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _run(chat_id: str, seconds: float | None, **facts: Any) -> ChatRun:
    facts = {"level": Level.FULL, "status": Status.ERROR, "error_kind": "", **facts}
    return ChatRunFactory(
        chat_id=chat_id,
        provider="openai",
        model="gpt-5-mini",
        started_at=START,
        updated_at=_after(seconds or 3),
        finished_at=None if seconds is None else _after(seconds),
        **facts,
    )


def _step(run: ChatRun, began: float, ended: float | None, **facts: Any) -> None:
    ChatStepFactory(
        run=run,
        started_at=_after(began),
        updated_at=_after(began if ended is None else ended),
        finished_at=None if ended is None else _after(ended),
        **{"status": run.status, "error": None, **facts},
    )


def _attempt(
    number: int, began: float, ended: float, code: int, **facts: Any
) -> dict[str, Any]:
    is_answer = code == 200
    return {
        "number": number,
        "status": "completed" if is_answer else "http_error",
        "method": "POST",
        "url": "https://api.openai.com/v1/chat/completions",
        "path": "/v1/chat/completions",
        "request_headers": {"content-type": "application/json"},
        "request_body": json.dumps({"model": "gpt", "input": json.dumps(["a"] * 20)}),
        "request_body_length": 120,
        "response_status": code,
        "response_headers": {"server": "nginx"},
        "response_body": STREAM
        if is_answer
        else '{"error": {"message": "It shifted."}}',
        "response_body_length": 37,
        "started_at": _after(began).isoformat(),
        "finished_at": _after(ended).isoformat(),
        "duration_ms": round((ended - began) * 1000),
        "ended_by": "provider",
        "connection": "opened" if number == 1 else "reused",
        "connect_ms": 60 if number == 1 else 0,
        "time_to_first_byte_ms": 90,
        "time_to_first_part_ms": 95,
        "time_to_last_part_ms": round((ended - began) * 1000),
        "error": "",
        **facts,
    }


def _failed_at_errors_level(chat_id: str) -> ChatRun:
    run = _run(chat_id, 7, level=Level.ERRORS, error_kind="generic")
    for number, (began, ended) in enumerate([(0.2, 1.4), (2.4, 4.1), (6.4, 6.9)]):
        error = {**ERROR, "retry_count": number, "elapsed_ms": (ended - began) * 1000}
        _step(run, began, ended, step_number=number + 1, error=error)
    return run


def _recovered_at_errors_level(chat_id: str) -> ChatRun:
    run = _run(
        chat_id,
        1.1,
        level=Level.ERRORS,
        status=Status.COMPLETED,
        error_kind="generic",
        summary={"has_error": True, "error_status": 500, "step_count": 1},
    )
    _step(run, 0.1, 0.2, status=Status.ERROR, error=ERROR)
    return run


def _failed(chat_id: str) -> ChatRun:
    waited = {"queue_ms": 1_300, "claim_ms": 20}
    run = _run(chat_id, 7, error_kind="generic", summary=waited)
    attempts = [
        _attempt(1, 1.6, 1.7, 429),
        _attempt(2, 2.7, 4.4, 200, status="cut_short", error="it ended early"),
        _attempt(3, 6.4, 6.9, 500),
    ]
    called = {"normalized_request": REQUEST, "usage": {"input_tokens": 340}}
    _step(run, 0.1, 1.4, status=Status.COMPLETED, normalized_response=ANSWER, **called)
    notes = {"notes": ["A tool call had no id."]}
    _step(
        run,
        1.6,
        6.9,
        step_number=2,
        error=ERROR,
        attempts=attempts,
        metadata=notes,
        **called,
    )
    return run


def _recovered(chat_id: str) -> ChatRun:
    run = _run(chat_id, 3, status=Status.COMPLETED, error_kind="generic")
    attempts = [_attempt(1, 0.1, 0.6, 500), _attempt(2, 1.6, 2.9, 200)]
    repaired = {"repaired_error": ERROR}
    _step(
        run, 0.1, 2.9, attempts=attempts, metadata=repaired, normalized_request=REQUEST
    )
    return run


def _completed(chat_id: str) -> ChatRun:
    run = _run(chat_id, 3, status=Status.COMPLETED)
    attempts = [_attempt(1, 0.1, 2.9, 200)]
    answered = {"normalized_request": REQUEST, "normalized_response": ANSWER}
    _step(run, 0.1, 2.9, attempts=attempts, usage={"output_tokens": 9}, **answered)
    return run


def _stopped(chat_id: str) -> ChatRun:
    by_user = {"interrupted_by": "user", "queue_ms": 61_000, "claim_ms": 4}
    run = _run(chat_id, 2, status=Status.INTERRUPTED, summary=by_user)
    stopped = _attempt(
        1, 0.1, 1.9, 200, status="cancelled", ended_by="client", connect_ms=300
    )
    stopped |= {"time_to_first_part_ms": 500, "time_to_last_part_ms": 900}
    nothing = {"content": [], "state": "interrupted"}
    _step(run, 0.1, 2, attempts=[stopped], normalized_response=nothing)
    return run


def _lost(chat_id: str) -> ChatRun:
    run = _run(chat_id, 300, status=Status.INTERRUPTED, summary={"note": "It is gone."})
    _step(run, 0.1, 300, normalized_request=REQUEST)
    return run


def _running(chat_id: str) -> ChatRun:
    run = _run(chat_id, None, status=Status.IN_PROGRESS)
    _step(
        run, 0.1, None, attempts=[_attempt(1, 0.1, 1, 500)], normalized_request=REQUEST
    )
    return run


def _huge(chat_id: str) -> ChatRun:
    run = _run(chat_id, 100, error_kind="generic")
    texts = ["word " * 400] * 300 + ["x" * 1_000_000]
    messages = [
        {"role": "user", "parts": [{"type": "text", "text": text}]} for text in texts
    ]
    cause = {"type": "ModelServerError", "message": "c" * 900}
    error = {**ERROR, "detail": "e" * 500, "chain": [cause]}
    attempts = [
        _attempt(n, n, n + 0.6, 500, request_body="z" * 9_000) for n in range(100)
    ]
    _step(
        run,
        0,
        100,
        error=error,
        attempts=attempts,
        normalized_request={"messages": messages, "messages_left_out": 1_700},
    )
    return run


def _hostile(chat_id: str) -> ChatRun:
    run = _run(chat_id, 2, error_kind="generic", summary={"first_message": HOSTILE})
    ChatRun.objects.filter(pk=run.pk).update(model=HOSTILE[:200])
    link = {"type": HOSTILE, "message": HOSTILE}
    error = {
        "message": HOSTILE,
        "type": HOSTILE,
        "rule": HOSTILE,
        "chain": [link, 7],
        "frames": [{"file": HOSTILE, "line": "x", "function": HOSTILE}],
    }
    call = {**CALL, "tool_name": HOSTILE, "arguments": json.dumps({HOSTILE: HOSTILE})}
    parts = [{"type": HOSTILE, "text": HOSTILE, HOSTILE: HOSTILE}, call]
    attempt = _attempt(
        1,
        -50,
        -10,
        200,
        status=HOSTILE,
        path=HOSTILE,
        url="javascript:alert(1)",
        response_headers={HOSTILE: HOSTILE},
        response_body=f"event: {HOSTILE}\ndata: {HOSTILE}\n\n",
    )
    exact = _attempt(2, 0, 1, 200, request_body=ODD_JSON, response_body=ODD_TEXT)
    _step(
        run,
        -50,
        -10,
        error=error,
        normalized_request={
            "messages": [HOSTILE, {"role": HOSTILE, "parts": parts}],
            "tools": [HOSTILE],
            "options": {HOSTILE: [HOSTILE]},
        },
        normalized_response=[HOSTILE],
        usage=HOSTILE,
        metadata={"notes": [HOSTILE]},
        attempts=[HOSTILE, attempt, exact],
    )
    return run

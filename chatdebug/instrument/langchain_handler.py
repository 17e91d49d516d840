"""LangChain's own seam: a callback handler. The only module that imports LangChain."""

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from chatdebug.enums import Operation
from chatdebug.errors.payload import Progress
from chatdebug.instrument.wire import as_mapping, wire_answer, wire_usage
from chatdebug.instrument.wire_held import WireRequest

if TYPE_CHECKING:
    from chatdebug.instrument.calls import Call

ROLES = {"human": "user", "ai": "assistant"}
"""LangChain's words for whose a message is; the others are the same."""


class CallbackHandler(BaseCallbackHandler):
    """Records the calls of models; of chains and tools it takes no notice.

    LangChain says when a call begins and how it ends, under an id of its own. It is told
    in the caller's context, so that the call finds its run.
    """

    run_inline = True
    """In asynchronous calls: not in a thread, whose context would be another one."""

    def __init__(self) -> None:
        self.is_on = True
        self._calls: dict[UUID, Call] = {}

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        *,
        run_id: UUID,
        **how: Any,
    ) -> None:
        """Begin a call of a chat model."""
        said = [_message(message) for batch in messages for message in batch]
        self._begin(run_id, {"messages": said}, how)

    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        **how: Any,
    ) -> None:
        """Begin a call of a model that completes texts."""
        self._begin(run_id, {"messages": list(prompts)}, how)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **how: Any) -> None:
        """Note a part of an answer: only by them LangChain tells that it is streamed."""
        call = self._calls.get(run_id)
        if call is not None:
            step = call.step
            step.operation = Operation.STREAM
            if step.first_part is None:
                step.first_part = perf_counter() - step.started
            known = step.progress or Progress(
                first_part_ms=round(step.first_part * 1000)
            )
            # A part is a text, or a list of blocks of which some are no text.
            length = len(token) if isinstance(token, str) else 0
            step.progress = replace(
                known,
                parts_received=known.parts_received + 1,
                characters_received=known.characters_received + length,
            )

    def on_llm_end(self, response: Any, *, run_id: UUID, **how: Any) -> None:
        """End a call with what it returned."""
        call = self._calls.pop(run_id, None)
        if call is None:
            return
        call.count_usage(_usage_told(response))
        if call.is_full:
            call.complete(lambda: _answer(response), lambda: _usage(response))
        else:
            call.complete()
        call.wait()

    def on_llm_error(
        self,
        error: BaseException,
        *,
        run_id: UUID,
        response: Any = None,
        **how: Any,
    ) -> None:
        """End a call with what it raised, or with the reader who left its stream."""
        call = self._calls.pop(run_id, None)
        if call is not None:
            if response is not None:
                call.keep(lambda: _answer(response))
            call.fail(error)
            call.wait()

    def _begin(self, run_id: UUID, body: dict[str, Any], how: dict[str, Any]) -> None:
        if not self.is_on:
            return
        parameters = dict(how.get("invocation_params") or {})
        model = parameters.get("model") or parameters.get("model_name") or ""
        is_stream = bool(parameters.get("stream"))
        # Not before there is a call: a server may instrument before it sets up Django.
        from chatdebug.instrument.calls import begin_call  # noqa: PLC0415

        call = begin_call(
            Operation.STREAM if is_stream else Operation.GENERATE,
            provider=str((how.get("metadata") or {}).get("ls_provider") or ""),
            model=str(model),
            request=lambda: WireRequest(lambda: {**parameters, "model": model, **body}),
        )
        if call is not None:
            # The context is also that of whoever reads a stream: nothing may stay there.
            call.step.release()
            self._calls[run_id] = call


def _message(message: Any) -> dict[str, Any]:
    return {
        "role": ROLES.get(message.type, message.type),
        "content": message.content,
        "tool_call_id": getattr(message, "tool_call_id", None),
        "tool_calls": _tool_calls(message),
    }


def _tool_calls(message: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": call.get("id"),
            "function": {"name": call.get("name"), "arguments": call.get("args")},
        }
        for call in getattr(message, "tool_calls", None) or ()
    ]


def _answer(response: Any) -> dict[str, Any]:
    choices = []
    facts: dict[str, Any] = {}
    for generation in (one for batch in response.generations for one in batch):
        message = getattr(generation, "message", None)
        facts = getattr(message, "response_metadata", None) or facts
        choices.append(
            {
                "message": {
                    "content": getattr(message, "content", generation.text),
                    "tool_calls": _tool_calls(message),
                },
                "finish_reason": facts.get("finish_reason") or facts.get("stop_reason"),
            }
        )
    return wire_answer(
        {
            "choices": choices,
            "model": facts.get("model_name") or facts.get("model"),
            "id": facts.get("id"),
        }
    )


def _usage(response: Any) -> dict[str, Any]:
    return wire_usage(as_mapping(_usage_told(response) or {}))


def _usage_told(response: Any) -> Any:
    """Return what an answer says of its tokens; older integrations say it beside it."""
    for batch in getattr(response, "generations", None) or ():
        for generation in batch:
            message = getattr(generation, "message", None)
            if usage := getattr(message, "usage_metadata", None):
                return usage
    beside = getattr(response, "llm_output", None)
    return beside.get("token_usage") if isinstance(beside, dict) else None

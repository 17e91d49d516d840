"""``RecordingModel``: pydantic-ai's own seam, used to see every model call of a run.

Nothing stands between a stream and its consumer, at any level: a part costs nothing. What
a stream was is read from it when it is over.
"""

from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from operator import attrgetter
from types import TracebackType
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import RunContext

from chatdebug.enums import Evidence, Operation
from chatdebug.errors import EmptyResultError, IncompleteStreamError, walk
from chatdebug.errors.chain import attribute
from chatdebug.errors.payload import Progress
from chatdebug.evidence.requests import ModelRequest
from chatdebug.payloads import normalise_response, normalise_usage
from chatdebug.recorder.calls import open_step
from chatdebug.recorder.counting import tokens_of
from chatdebug.recorder.end_marks import events_behind, stopped_at_mark
from chatdebug.recorder.run import Run
from chatdebug.recorder.step import Step
from chatdebug.safety import never_raises
from chatdebug.scope import current_run
from chatdebug.writer import Deferred


class RecordingModel(WrapperModel):
    """A model whose calls are recorded as steps of the run they are made in.

    The wrapped model gets the original arguments, and the caller its results and its
    exceptions. Without a run in context, calls pass through untouched.
    """

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Make one call and record it."""
        arguments = (messages, model_settings, model_request_parameters)
        run = current_run.get()
        if run is None or not run.is_open:
            return await self.wrapped.request(*arguments)
        step = _begin(run, Operation.GENERATE, self.wrapped, arguments)
        try:
            response = await self.wrapped.request(*arguments)
        except BaseException as error:
            step.fail(error)
            await step.wait_in_task(error)
            raise
        finally:
            step.release()
        _finish(step, response)
        await step.wait_in_task(None)
        return response

    def _request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """Return a context manager that opens a stream, and records how it ends."""
        arguments = (messages, model_settings, model_request_parameters)
        opening = self.wrapped.request_stream(*arguments, run_context)
        run = current_run.get()
        if run is None or not run.is_open:
            return opening
        return _RecordedStream(opening, run, self.wrapped, arguments)

    # pydantic-ai puts two generators of its own around each function of this name, also
    # around one that only hands on to a model that has them already. They would be most
    # of what an OK turn pays at the errors level. It leaves alone what is no function.
    request_stream = property(attrgetter("_request_stream"))


class _RecordedStream:
    """The block in which a stream is open. The stream itself is handed on untouched."""

    __slots__ = (
        "_arguments",
        "_events",
        "_model",
        "_opening",
        "_run",
        "_step",
        "_stream",
    )

    def __init__(
        self,
        opening: AbstractAsyncContextManager[StreamedResponse],
        run: Run,
        model: Model,
        arguments: tuple[Any, ...],
    ) -> None:
        self._opening = opening
        self._run = run
        self._model = model
        self._arguments = arguments
        self._stream: StreamedResponse | None = None
        self._events: Any = None

    async def __aenter__(self) -> StreamedResponse:
        self._step = _begin(self._run, Operation.STREAM, self._model, self._arguments)
        try:
            self._stream = await self._opening.__aenter__()
        except BaseException as error:
            self._step.fail(error)
            self._step.release()
            await self._step.wait_in_task(error)
            raise
        self._events = _events_behind(self._stream)
        return self._stream

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            is_handled = await self._opening.__aexit__(kind, error, traceback)
        except BaseException as raised:
            # After a consumer that was done, what fails is not its mistake.
            _fail_stream(
                self._step, self._stream, raised, raised_by_model=error is None
            )
            await self._step.wait_in_task(raised)
            raise
        finally:
            self._step.release()
        if error is None or is_handled:
            _finish_stream(self._step, self._stream, self._events)
        else:
            _fail_stream(self._step, self._stream, error, raised_by_model=False)
        await self._step.wait_in_task(error)
        return is_handled


def _begin(
    run: Run, operation: Operation, model: Model, arguments: tuple[Any, ...]
) -> Step:
    step = open_step(run, operation, lambda: _names(run, model))
    step.asked = model
    if step.is_full:  # at the errors level it has begun with being made
        step.begin(Deferred(ModelRequest(*arguments).normalised))
    elif step.run.evidence is not Evidence.ERROR:
        step.hold(ModelRequest(*arguments))
    return step


def _names(run: Run, model: Model) -> tuple[str, str]:
    """Return what a model calls its provider and itself, for a run that was not told."""
    if run.facts.provider and run.facts.model:
        return "", ""
    try:
        provider = model.system
        # One that stands for several names them all, which is the name of none.
        return "" if ":" in provider else provider, model.model_name
    except Exception:  # noqa: BLE001 - the model's own code
        return "", ""


@never_raises
def _finish(step: Step, response: ModelResponse | None) -> None:
    if response is None:
        step.fail(EmptyResultError())
        return
    step.tokens = tokens_of(response.usage)
    if step.is_full:
        step.complete(
            Deferred(lambda: normalise_response(response)),
            Deferred(lambda: normalise_usage(response.usage)),
        )
    else:
        step.complete()


@never_raises
def _finish_stream(step: Step, stream: StreamedResponse | None, events: Any) -> None:
    """Decide between completed, cut short, and left by its consumer.

    The finish reason decides: with one, the consumer may stop as early as it likes.
    """
    if stream is None:
        step.fail(EmptyResultError())
        return
    has_finished = stream.finish_reason is not None and not _is_made_up(stream)
    step.first_part = stream.time_to_first_chunk(step.started)
    if has_finished and not step.is_full:
        step.tokens = tokens_of(stream.usage)
        step.complete()
        return
    response = stream.get()
    if not has_finished:
        response = replace(response, finish_reason=None)
    _describe(step, stream, response, failed=False)
    if not has_finished and response.state != "complete":
        step.interrupt()
    elif not has_finished and _owes_finish_reason(stream, events):
        step.fail(IncompleteStreamError())
    else:
        _finish(step, response)


def _is_made_up(stream: StreamedResponse) -> bool:
    """Return whether pydantic-ai itself gave a stream the finish reason that it lacked."""
    # A refusal is one that came, in the answer's own words.
    return not (
        getattr(stream, "_has_finish_reason", True)
        or getattr(stream, "_has_refusal", False)
    )


def _owes_finish_reason(stream: StreamedResponse, events: Any) -> bool:
    """Return whether a stream that was read to its end lacks what its provider owes.

    A model without a provider, as in tests, owes nothing, nor does a provider that
    sent the mark of the end instead.
    """
    if getattr(stream, "provider_url", "") is None:
        return False
    if events is None and stream.finish_reason is not None:
        return False  # which pydantic-ai made up: whether the mark came is not known
    return not stopped_at_mark(events)


def _events_behind(stream: StreamedResponse) -> Any:
    """Return the events of an SDK's stream, if it is one, by which its end is judged."""
    try:
        source = getattr(getattr(stream, "_response", None), "source", None)
        return events_behind(getattr(source, "_iterator", None))
    except Exception:  # noqa: BLE001 - the model's own code
        return None


@never_raises
def _fail_stream(
    step: Step,
    stream: StreamedResponse | None,
    error: BaseException,
    *,
    raised_by_model: bool,
) -> None:
    """Record why a stream's block was left: the model failed, or its consumer did."""
    if stream is None:
        step.fail(error)
        return
    failure = error if raised_by_model else _failure_of(stream, error)
    if step.is_full or step.holds_payloads or stream.finish_reason is None:
        _describe(step, stream, failed=isinstance(failure, Exception))
    if failure is None:
        step.interrupt()
    else:
        step.fail(failure)


def _failure_of(stream: StreamedResponse, error: BaseException) -> BaseException | None:
    """Return the model's failure if that is why an error left the stream's block.

    It is the error itself, or what the consumer made another error of; None if the
    consumer failed on its own. A cancellation ends both.
    """
    for link in walk(error):
        traceback = attribute(link, "__traceback__")
        while traceback is not None:
            # Only the frames of a traceback tell whether an error comes from inside of
            # the stream; the other way would be to stand between it and its consumer. The
            # object counts, not the code: a consumer may ask a second model meanwhile.
            if traceback.tb_frame.f_locals.get("self") is stream:
                return link
            traceback = traceback.tb_next
    return None if isinstance(error, Exception) else error


@never_raises
def _describe(
    step: Step,
    stream: StreamedResponse,
    response: ModelResponse | None = None,
    *,
    failed: bool,
) -> None:
    """Note how far the stream came; the whole partial answer only where it is kept.

    Whatever fails in reading it, which is foreign code, must not cost the step its end.
    """
    if response is None:
        response = stream.get()
    first_part = stream.time_to_first_chunk(step.started)
    contents = [getattr(part, "content", "") for part in response.parts]
    step.progress = Progress(
        first_part_ms=None if first_part is None else round(first_part * 1000),
        parts_received=len(response.parts),
        characters_received=sum(
            len(text) for text in contents if isinstance(text, str)
        ),
    )
    if step.is_full or step.holds_payloads:
        step.response = Deferred(lambda: normalise_response(response))
    if step.is_full:
        step.metadata["stream_summary"] = {
            "finish_reason": response.finish_reason,
            "part_count": len(response.parts),
            "parts": dict(Counter(part.part_kind for part in response.parts)),
            "error_count": int(failed),
        }

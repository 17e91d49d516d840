"""``RecordingModel``: pydantic-ai's own seam, used to see every model call of a run."""

from contextlib import AbstractAsyncContextManager
from operator import attrgetter
from types import TracebackType
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import RunContext

from chatdebug.enums import Operation
from chatdebug.errors import EmptyResultError, IncompleteStreamError
from chatdebug.errors.payload import Progress
from chatdebug.payloads import normalise_request, normalise_response, normalise_usage
from chatdebug.recorder.context import open_step
from chatdebug.recorder.run import Run
from chatdebug.recorder.step import Step
from chatdebug.recorder.stream import model_failure, summarise_stream
from chatdebug.safety import never_raises
from chatdebug.scope import current_run
from chatdebug.writer import Later


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
        step = _begin(run, Operation.GENERATE, arguments)
        try:
            response = await self.wrapped.request(*arguments)
        except BaseException as error:
            step.fail(error)
            raise
        finally:
            step.release()
        _finish(step, response)
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
        return _RecordedStream(opening, run, arguments)

    # Neither a generator, as its base has it, nor a function: pydantic-ai puts two more
    # generators around each function of this name, which the wrapped model has already.
    # Together they would be most of what an OK turn pays at the errors level.
    request_stream = property(attrgetter("_request_stream"))


class _RecordedStream:
    """The block in which a stream is open. The stream itself is handed on untouched."""

    __slots__ = ("_arguments", "_opening", "_run", "_step", "_stream")

    def __init__(
        self,
        opening: AbstractAsyncContextManager[StreamedResponse],
        run: Run,
        arguments: tuple[Any, ...],
    ) -> None:
        self._opening = opening
        self._run = run
        self._arguments = arguments
        self._stream: StreamedResponse | None = None

    async def __aenter__(self) -> StreamedResponse:
        self._step = _begin(self._run, Operation.STREAM, self._arguments)
        try:
            self._stream = await self._opening.__aenter__()
        except BaseException as error:
            self._step.fail(error)
            self._step.release()
            raise
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
            _stream_failed(self._step, self._stream, raised, left_alone=error is None)
            raise
        finally:
            self._step.release()
        if error is None or is_handled:
            _stream_ended(self._step, self._stream)
        else:
            _stream_failed(self._step, self._stream, error, left_alone=False)
        return is_handled


def _begin(run: Run, operation: Operation, arguments: tuple[Any, ...]) -> Step:
    step = open_step(run, operation)
    if step.is_full:  # at the errors level it has begun with being made
        step.begin(_request(*arguments))
    return step


def _request(
    messages: list[ModelMessage],
    settings: ModelSettings | None,
    parameters: ModelRequestParameters,
) -> Later:
    as_sent = tuple(messages)  # the caller's list goes on growing
    return Later(lambda: normalise_request(as_sent, settings, parameters))


@never_raises
def _finish(step: Step, response: ModelResponse | None) -> None:
    if response is None:
        step.fail(EmptyResultError())
    elif step.is_full:
        step.complete(
            Later(lambda: normalise_response(response)),
            Later(lambda: normalise_usage(response.usage)),
        )
    else:
        step.complete()


@never_raises
def _stream_failed(
    step: Step,
    stream: StreamedResponse | None,
    error: BaseException,
    *,
    left_alone: bool,
) -> None:
    if stream is None:
        step.fail(error)
        return
    failure = error if left_alone else model_failure(stream, error)
    _describe(step, stream, failed=isinstance(failure, Exception))
    if failure is None:
        step.interrupt()
    else:
        step.fail(failure)


@never_raises
def _stream_ended(step: Step, stream: StreamedResponse | None) -> None:
    """Decide between completed, cut short, and left by its consumer.

    The finish reason decides: with one, the consumer may stop as early as it likes.
    """
    if stream is None:
        step.fail(EmptyResultError())
        return
    if stream.finish_reason is not None and not step.is_full:
        step.complete()
        return
    response = stream.get()
    _describe(step, stream, response, failed=False)
    if stream.finish_reason is not None:
        _finish(step, response)
    elif response.state == "complete":
        step.fail(IncompleteStreamError())
    else:
        step.interrupt()


@never_raises
def _describe(
    step: Step,
    stream: StreamedResponse,
    response: ModelResponse | None = None,
    *,
    failed: bool,
) -> None:
    """Note how far the stream came; the whole partial answer only at the full level."""
    if stream.finish_reason is not None and not step.is_full:
        return
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
    if step.is_full:
        step.response = Later(lambda: normalise_response(response))
        step.metadata["stream_summary"] = summarise_stream(response, failed=failed)

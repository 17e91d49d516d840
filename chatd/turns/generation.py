"""Gets the answer from the model, in as many attempts as the policy allows."""

import asyncio
import logging
from collections.abc import Callable

from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.models import Model

from chatd.enums import FinishReason
from chatd.llm.wire.watch import Watch, watching
from chatd.turns.answer import Answer
from chatd.turns.effort import Effort
from chatd.turns.policy import TurnDeadlineError, TurnPolicy
from chatdebug.errors import (
    Classification,
    ContentFilteredError,
    FinishReasonError,
    IncompleteStreamError,
    StreamSilenceError,
    UnreadableStreamError,
    classify,
    walk,
)

logger = logging.getLogger(__name__)

BROKEN = (IncompleteStreamError, UnreadableStreamError, FinishReasonError)
"""What is said of an answer that broke off, or did not end as it should."""


class Generation:
    """One answer of one model, however many attempts it takes."""

    def __init__(
        self,
        *,
        model: Model,
        provider: str,
        policy: TurnPolicy,
        answer: Answer,
        effort: Effort,
    ) -> None:
        self._model = model
        self._provider = provider
        self._policy = policy
        self._answer = answer
        self._effort = effort

    async def run(
        self, messages: list[ModelMessage], *, publish_status: Callable[[str], None]
    ) -> FinishReason:
        """Fill the answer, and return why it ended; the effort tells what it took.

        ``publish_status`` is called with what is waited for, and then with "". Raises what the last
        attempt raised, or TurnDeadlineError. What was said until then stays.
        """
        seconds = self._policy.deadline
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                return await self._try(messages, deadline, publish_status)
        except TimeoutError as error:
            if deadline.expired():
                raise TurnDeadlineError(seconds) from error
            raise

    async def _try(
        self,
        messages: list[ModelMessage],
        deadline: asyncio.Timeout,
        publish_status: Callable[[str], None],
    ) -> FinishReason:
        broken = 0
        most = self._policy.max_attempts
        while True:
            self._effort.begin_attempt()
            attempts = self._effort.attempts
            watch = Watch(grace=self._policy.grace, max_bytes=self._policy.max_bytes)
            try:
                reason = await self._attempt(messages, watch, deadline)
            except Exception as error:
                classification = classify(error, provider=self._provider)
                self._effort.end_attempt(
                    classification, characters=len(self._answer.text)
                )
                if _broke(error, classification, watch):
                    broken += 1
                    left = self._policy.max_broken - broken
                    most = min(self._policy.max_attempts, attempts + left)
                wait = self._policy.wait_before_retry(classification, attempts=attempts)
                if wait is None or broken >= self._policy.max_broken:
                    raise
                if asyncio.get_running_loop().time() + wait >= (deadline.when() or 0):
                    raise  # nothing more could come of it
                logger.info("Attempt %s failed (%s)", attempts, classification.rule)
            else:
                self._effort.end_attempt()
                return reason
            publish_status(retry_notice(classification, attempts=attempts, most=most))
            await asyncio.sleep(wait)
            self._answer.reset()
            publish_status("")

    async def _attempt(
        self, messages: list[ModelMessage], watch: Watch, deadline: asyncio.Timeout
    ) -> FinishReason:
        """Take the parts of one answer, and return why it ended."""
        silence = _Silence(self._policy, deadline)
        watch.why_cancelled = silence.why_cancelled
        try:
            with watching(watch):
                async with (
                    silence.guard,
                    model_request_stream(self._model, messages) as stream,
                ):
                    async for event in stream:
                        silence.broken()
                        self._answer.add(_text_of(event))
                        if self._answer.is_too_long:
                            break  # which closes the provider's socket
                    reason = stream.finish_reason
        except TimeoutError as error:
            if silence.guard.expired():
                raise StreamSilenceError(silence.seconds) from error
            raise
        finally:
            self._answer.end()
        if self._answer.is_too_long or watch.was_cut:
            return FinishReason.TOO_LONG
        if reason is None:
            raise IncompleteStreamError
        if reason == "content_filter" and not self._answer.text:
            raise ContentFilteredError
        if reason not in FinishReason.values:
            raise FinishReasonError(reason)
        return FinishReason(reason)


class _Silence:
    """Ends an attempt that says nothing for too long."""

    def __init__(self, policy: TurnPolicy, deadline: asyncio.Timeout) -> None:
        self._policy = policy
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self.seconds = policy.first_part
        self.guard = asyncio.timeout(policy.first_part)

    def broken(self) -> None:
        """Something was said: the next part has as long as a pause may take."""
        self.seconds = self._policy.silence
        self.guard.reschedule(self._loop.time() + self.seconds)

    def why_cancelled(self) -> BaseException | None:
        """Return which limit cancels the attempt at this moment, if one does.

        The call that is cancelled raises it, so that its record says why it ended.
        """
        if self._deadline.expired():
            return TurnDeadlineError(self._policy.deadline)
        if self.guard.expired():
            return StreamSilenceError(self.seconds)
        return None


def retry_notice(classification: Classification, *, attempts: int, most: int) -> str:
    """Return what the viewers are told while the turn waits."""
    return f"{classification.message} Trying again (attempt {attempts + 1} of {most})."


def _broke(error: Exception, classification: Classification, watch: Watch) -> bool:
    """Return whether an answer broke off that had begun, or did not end as it should."""
    for link in walk(error):
        if isinstance(link, BROKEN):
            return True
        if isinstance(link, StreamSilenceError):
            return False
    return watch.has_begun and classification.kind == "timeout"


def _text_of(event: ModelResponseStreamEvent) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case _:
            return ""

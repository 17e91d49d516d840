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

from chatd.turns.answer import Answer
from chatd.turns.policy import TurnPolicy
from chatdebug.errors import (
    Classification,
    ContentFilteredError,
    IncompleteStreamError,
    StreamSilenceError,
    classify,
)

logger = logging.getLogger(__name__)


class Generation:
    """One answer of one model, however many attempts it takes."""

    def __init__(
        self, *, model: Model, provider: str, policy: TurnPolicy, answer: Answer
    ) -> None:
        self._model = model
        self._provider = provider
        self._policy = policy
        self._answer = answer

    async def run(
        self, messages: list[ModelMessage], *, say: Callable[[str], None]
    ) -> None:
        """Fill the answer; ``say`` is called with what is waited for, and then with "".

        Raises what the last attempt raised. What it had said until then stays.
        """
        attempts = 0
        while True:
            attempts += 1
            try:
                await self._attempt(messages)
            except Exception as error:
                verdict = classify(error, provider=self._provider)
                wait = self._policy.wait_before_retry(verdict, attempts=attempts)
                if wait is None:
                    raise
                logger.info("Attempt %s failed (%s)", attempts, verdict.rule)
            else:
                return
            say(retry_notice(verdict, attempts=attempts, policy=self._policy))
            await asyncio.sleep(wait)
            self._answer.reset()
            say("")

    async def _attempt(self, messages: list[ModelMessage]) -> None:
        silence = self._policy.silence
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(silence) as guard:
                async with model_request_stream(self._model, messages) as stream:
                    async for event in stream:
                        guard.reschedule(loop.time() + silence)
                        self._answer.add(_text_of(event))
                    reason = stream.finish_reason
        except TimeoutError as error:
            if guard.expired():
                raise StreamSilenceError(silence) from error
            raise
        finally:
            self._answer.publish()
        if reason is None:
            raise IncompleteStreamError
        if reason == "content_filter" and not self._answer.text:
            raise ContentFilteredError


def retry_notice(verdict: Classification, *, attempts: int, policy: TurnPolicy) -> str:
    """Return what the viewers are told while the turn waits."""
    return (
        f"{verdict.message} Trying again "
        f"(attempt {attempts + 1} of {policy.max_attempts})."
    )


def _text_of(event: ModelResponseStreamEvent) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case _:
            return ""

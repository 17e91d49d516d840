"""What the models do, said in actions that know nothing of any protocol.

A behaviour is a generator over actions. The server plays them for a streamed answer or
for a whole one, in the protocol of the caller: a ``Fail`` before any text is an error
response, after text it is an error inside the stream.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatd.demo_provider.answers import LONG_ANSWER, short_answer
from chatd.demo_provider.wire import Call, Fault, FinishReason

HUGE_BYTES = 20_000_000


@dataclass(frozen=True)
class Text:
    """Send one word."""

    piece: str


@dataclass(frozen=True)
class Finish:
    """End the answer properly."""

    reason: FinishReason = FinishReason.STOP


@dataclass(frozen=True)
class Fail:
    """Refuse, in the protocol's own words or in these."""

    fault: Fault
    message: str = ""
    retry_after: int | None = None


@dataclass(frozen=True)
class Page:
    """Answer with an HTML page, as a proxy in the way does; it is called ``server``."""

    status: int
    html: str
    server: str = "nginx"


class Wait:
    """Let the first word wait."""


class Silence:
    """Send nothing more, and never end."""


class Reset:
    """Break the connection with a TCP reset."""


class Garble:
    """Send an event whose JSON is cut off."""


Action = Text | Finish | Fail | Page | Wait | Silence | Reset | Garble
Behaviour = Callable[[Call], Iterator[Action]]

PARTIAL = "This answer begins like any other, and then it does not go on as it should. "


def words(text: str) -> Iterator[Text]:
    """Yield the words of a text with the space after each; together they are the text."""
    for word in re.findall(r"\s*\S+\s*", text):
        yield Text(word)


def answer(call: Call) -> Iterator[Action]:
    yield from words(short_answer(call.prompt))
    yield Finish()


def answer_late(call: Call) -> Iterator[Action]:
    yield Wait()
    yield from answer(call)


def answer_at_length(_call: Call) -> Iterator[Action]:
    yield from words(LONG_ANSWER)
    yield Finish()


def only(*actions: Action) -> Behaviour:
    """Return a behaviour that does the same for every call."""
    return lambda _call: iter(actions)


def begin_then(*actions: Action) -> Behaviour:
    """Return a behaviour that begins an answer, then does these; then the stream ends."""
    return only(*words(PARTIAL), *actions)


def refuse_first(fault: Fault, *, retry_after: int | None = None) -> Behaviour:
    """Return a behaviour that fails the first attempt at a conversation, then answers."""

    def behaviour(call: Call) -> Iterator[Action]:
        if call.is_retry:
            yield from answer(call)
        else:
            yield Fail(fault, retry_after=retry_after)

    return behaviour


def refuse_hugely(_call: Call) -> Iterator[Action]:
    line = "One line of a report that nobody cut before it was sent. "
    yield Fail(Fault.INVALID, line * (HUGE_BYTES // len(line) + 1))

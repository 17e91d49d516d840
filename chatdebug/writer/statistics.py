"""What one process has counted of its turns and calls, until the database has it.

Every turn comes by here, also one that goes well, so that all it does is to leave a note.
The writer's thread sums the notes up, and makes rows of them: numbers of hours, models and
kinds. What is not written yet is lost with a process that is killed, half a minute of it;
and a write whose answer gets lost may count twice. That is enough for a trend.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from threading import Lock
from time import time
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone

from chatdebug.enums import ErrorKind, Outcome, Status
from chatdebug.models.runs import OVERFLOW
from chatdebug.models.statistics import BUCKETS, What
from chatdebug.payloads import clean
from chatdebug.redaction import redact_text
from chatdebug.writer.sums import CallSum, ModelSum, add_sums

MODELS_TOLD_APART = 100
"""In one hour and process; all others are counted as one."""
EVENTS = 20_000
"""How many notes wait at most; the newest ones are kept."""
SLOTS = 2_000
"""How many minutes of a model are kept while the database does not answer."""
BOUNDS = tuple(bound / 1000 for bound in BUCKETS[:-1])

type Key = tuple[int, str, str]
"""A minute since 1970, a provider and a model."""


class Failure(NamedTuple):
    """A failure as it is counted."""

    kind: ErrorKind
    status_code: int
    """Of HTTP; 0 if there is none."""
    is_call: bool = True
    is_theirs: bool = False
    """Whether it speaks against the provider of the call."""
    is_retry: bool = False


class Slot:
    """The turns and calls of one model in one minute."""

    __slots__ = (
        *("calls", "failed", "retries", "input_tokens", "output_tokens"),
        *("turns", "failed_turns", "failures", "first_parts", "durations"),
    )

    def __init__(self) -> None:
        self.calls = self.failed = self.retries = 0
        self.input_tokens = self.output_tokens = 0
        self.turns: Counter[Outcome] = Counter()
        self.failed_turns: Counter[ErrorKind] = Counter()
        self.failures: Counter[tuple[ErrorKind, int]] = Counter()
        self.first_parts = [0] * len(BUCKETS)
        self.durations = [0] * len(BUCKETS)

    def add_success(
        self,
        seconds: float,
        first_part: float | None,
        tokens: tuple[int, int],
        is_retry: bool,  # noqa: FBT001 - as it waits in the queue
        is_turn: bool,  # noqa: FBT001
    ) -> None:
        """Add a call that went well."""
        self.calls += 1
        if is_turn:
            self.turns[Outcome.COMPLETED] += 1
        self.retries += is_retry
        self.durations[bisect_left(BOUNDS, seconds)] += 1
        if first_part is not None:
            self.first_parts[bisect_left(BOUNDS, first_part)] += 1
        self.input_tokens += tokens[0]
        self.output_tokens += tokens[1]

    def add_failure(self, failure: Failure) -> None:
        """Add a failure."""
        self.failures[failure.kind, failure.status_code] += 1
        self.calls += failure.is_call
        self.failed += failure.is_theirs
        self.retries += failure.is_retry

    def add_turn(
        self, status: Status | None, failed_with: ErrorKind | None, times: int
    ) -> None:
        """Add a turn, or take one back."""
        outcome = Outcome.STOPPED
        if status is Status.COMPLETED:
            outcome = Outcome.RECOVERED if failed_with else Outcome.COMPLETED
        elif status is Status.ERROR:
            outcome = Outcome.FAILED
            self.failed_turns[failed_with or ErrorKind.GENERIC] += times
        self.turns[outcome] += times


class Statistics:
    """The counts of one process. Every method may be called from any thread.

    What is counted waits in a queue, without a lock, until the writer's thread sums it up.
    """

    def __init__(self, *, on_first: Callable[[], None]) -> None:
        self._on_first = on_first
        self._events: deque[tuple[Any, ...]] = deque(maxlen=EVENTS)
        self._slots: dict[Key, Slot] = {}
        self._models: set[tuple[str, str]] = set()
        self._models_of = 0
        self._lock = Lock()  # for what is not in the queue any more

    def __bool__(self) -> bool:
        return bool(self._events or self._slots)

    def count_success(
        self,
        provider: str,
        model: str,
        seconds: float,
        *,
        first_part: float | None = None,
        tokens: tuple[int, int] = (0, 0),
        is_retry: bool = False,
        is_turn: bool = False,
    ) -> None:
        """Count a call that went well.

        ``seconds`` is how long it took, ``first_part`` how long until its answer began,
        where that is known; ``tokens`` those of the input and of the output. ``is_turn``
        says that it is all of a turn, which is counted with it.
        """
        call = seconds, first_part, tokens, is_retry, is_turn
        self._add((time(), provider, model, Slot.add_success, call))

    def count_failure(self, provider: str, model: str, failure: Failure) -> None:
        """Count a failure: of a call, and maybe by the provider, or of something else."""
        self._add((time(), provider, model, Slot.add_failure, (failure,)))

    def count_turn(
        self,
        provider: str,
        model: str,
        status: Status | None,
        failed_with: ErrorKind | None = None,
        *,
        times: int = 1,
    ) -> None:
        """Count a turn by how it ended, and by the last failure in it, if there was one.

        -1 times takes one back, of which it is known now that it came out otherwise.
        """
        what = (status, failed_with, times)
        self._add((time(), provider, model, Slot.add_turn, what))

    def sum_up(self) -> None:
        """Sum up what waits in the queue, which has room for so much only."""
        with self._lock:
            while self._events:
                at, provider, model, add, what = self._events.popleft()
                add(self._slot(int(at // 60), provider, model), *what)

    def report(self, *, using: str) -> None:
        """Add what was counted to the database.

        Raises the database's error; what was counted is kept for the next time then.
        """
        self.sum_up()
        with self._lock:
            if self._slots:
                add_sums(*_sums(self._slots.items()), using=using)
                self._slots.clear()

    def _add(self, event: tuple[Any, ...]) -> None:
        is_first = not self._events
        self._events.append(event)
        if is_first:
            self._on_first()

    def _slot(self, minute: int, provider: str, model: str) -> Slot:
        """Return where to count what happened to a model. Called with the lock held."""
        slot = self._slots.get((minute, provider, model))
        return self._new_slot(minute, provider, model) if slot is None else slot

    def _new_slot(self, minute: int, provider: str, model: str) -> Slot:
        hour = minute // 60
        if hour != self._models_of:
            self._models_of, self._models = hour, set()
        if (provider, model) not in self._models:
            if len(self._models) >= MODELS_TOLD_APART:
                provider = model = OVERFLOW
            self._models.add((provider, model))
        if len(self._slots) >= SLOTS:
            del self._slots[next(iter(self._slots))]  # the oldest
        return self._slots.setdefault((minute, provider, model), Slot())


def _sums(
    slots: Iterable[tuple[Key, Slot]],
) -> tuple[dict[ModelSum, int], dict[CallSum, tuple[int, int]]]:
    """Return what slots add to the rows of hours, and to those of minutes."""
    hours: Counter[ModelSum] = Counter()
    calls: dict[CallSum, tuple[int, int]] = {}
    for (at, provider, model), slot in slots:
        minute = _moment(at)
        hour = minute.replace(minute=0)
        names = (clean(provider)[:64], clean(redact_text(model))[:200])
        for what, detail, status, count in _numbers(slot):
            if count:
                hours[ModelSum(what, hour, *names, detail, status)] += count
        if slot.calls:
            key = CallSum(minute, *names)
            before = calls.get(key, (0, 0))
            calls[key] = before[0] + slot.calls, before[1] + slot.failed
    return hours, calls


def _numbers(slot: Slot) -> Iterable[tuple[What, str, int, int]]:
    yield What.CALL, "", 0, slot.calls
    yield What.RETRY, "", 0, slot.retries
    yield What.INPUT_TOKENS, "", 0, slot.input_tokens
    yield What.OUTPUT_TOKENS, "", 0, slot.output_tokens
    for outcome, count in slot.turns.items():
        yield What.TURN, outcome.value, 0, count
    for kind, count in slot.failed_turns.items():
        yield What.FAILED_TURN, kind.value, 0, count
    for (kind, status), count in slot.failures.items():
        yield What.FAILURE, kind.value, status, count
    for bound, count in zip(BUCKETS, slot.first_parts, strict=True):
        yield What.FIRST_PART, str(bound), 0, count
    for bound, count in zip(BUCKETS, slot.durations, strict=True):
        yield What.DURATION, str(bound), 0, count


def _moment(minute: int) -> datetime:
    """Return a minute since 1970 as this project's database has it."""
    moment = datetime.fromtimestamp(minute * 60, tz=UTC)
    return moment if settings.USE_TZ else timezone.make_naive(moment)

"""One logical model call while it is being recorded."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from chatdebug.deployment_rules import renew_rules
from chatdebug.enums import (
    STATUS_RANK,
    Evidence,
    Interruption,
    Level,
    Operation,
    RunKind,
    Status,
)
from chatdebug.errors import Classification, classify
from chatdebug.errors.payload import ErrorPayload, Progress, error_payload
from chatdebug.errors.sent_request import secrets_of
from chatdebug.evidence.box import HeldAttempts
from chatdebug.evidence.changes import last_good_calls
from chatdebug.evidence.requests import HeldRequest
from chatdebug.payloads import json_safe
from chatdebug.recorder.arguments import as_error, base_url_of
from chatdebug.recorder.counting import count_failure, count_success
from chatdebug.recorder.request_notes import Column, RequestNotes, without_credentials
from chatdebug.recorder.rule_watch import watch_rules
from chatdebug.recorder.seen_errors import (
    is_known_since,
    is_recorded_inside,
    note_known,
)
from chatdebug.recorder.waits import wait_in_task, wait_in_thread
from chatdebug.redaction import redact_json, without_sent
from chatdebug.safety import never_raises
from chatdebug.scope import Scope, current_run
from chatdebug.transport.attempts import AttemptSink, current_sink
from chatdebug.writer import Deferred

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run

type Names = Callable[[], tuple[str, str]]
"""Tells the provider and the model of a call, empty where they are not known."""


class Step:
    """A step of a run. Its methods never raise.

    As a block (``with`` or ``async with``) it belongs to the call made inside: it ends
    with the exception that leaves the block, and has succeeded if none does, unless
    ``fail`` or ``interrupt`` said otherwise. ``complete`` keeps the call's result. At the
    errors level it is nothing but a few attributes until an unclassified error ends it.
    """

    # On the class, and not set in __init__: one is made for every call that goes well.
    number = 0  # given by the run when the step is first written
    retries = 0
    id: UUID | None = None  # likewise, and so is ``started_at``
    has_row = False
    """Whether its row was made, and is on its way to the database or there."""
    status = Status.IN_PROGRESS
    provider = ""  # whom the call asks, where it says so
    model = ""
    asked: Any = None  # a library's object that may know where its requests go
    first_part: float | None = None  # after how many seconds the answer began
    tokens: tuple[int, int] = (0, 0)  # of input and output, as far as they are known
    progress: Progress | None = None
    response: Column = None
    usage: Column = None
    error: ErrorPayload | None = None
    evidence: Evidence | None = None
    """What was kept of the call because it failed, besides the error."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    is_recorded_inside = False
    """Whether its failure is one of a run inside of its own, and counted there."""
    ends_run = False
    """Whether its run is one for this call alone, and ends with it."""
    _durable: Future[Any] | None = None
    _sink: AttemptSink | None = None
    # More than one where several attempts at one answer are made at once.
    _scopes: tuple[Scope[AttemptSink], ...] = ()
    _in_block = False
    _request: HeldRequest | None = None
    request_notes: RequestNotes | None = None
    """What its metadata says of its request, because it failed."""
    _held: HeldAttempts | None = None
    _sent: frozenset[str] = frozenset()  # credentials of a call that failed

    def __init__(
        self, run: "Run", operation: Operation, names: Names | None = None
    ) -> None:
        self.run = run
        self.is_full = run.level is Level.FULL  # the whole trace of it is kept
        self.operation = operation
        run.calls += operation is not Operation.RUN
        self._names = names
        self.started = perf_counter()
        self.request: Column = {}
        self.metadata: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._in_block = True
        if self.is_full:  # at the errors level it has begun already
            self.begin()
        elif self.run.evidence is not Evidence.ERROR:
            self.hold()
        return self

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        self._leave(error)
        self.wait()

    def _leave(self, error: BaseException | None) -> None:
        if error is None and self.status is Status.COMPLETED and not self._scopes:
            count_success(self, perf_counter() - self.started)
            return  # all there is to do for a call that went well
        if error is not None:
            self.fail(error)
        elif self.status is Status.IN_PROGRESS:
            self.complete()
        if self.status is Status.COMPLETED and not self.is_full:
            count_success(self, perf_counter() - self.started)
        self._in_block = False
        if self.is_full and self.finished_at is None:
            self.complete()  # as was said inside, and nothing came after it
        elif self.status is Status.COMPLETED:
            self.let_go()
        self.release()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: object, error: BaseException | None, at: object
    ) -> None:
        self._leave(error)
        await self.wait_in_task(error)

    def wait(self) -> None:
        """Wait until the evidence of a run that ended with it is safe."""
        if self._durable is not None:
            wait_in_thread(self.run, self._durable)

    async def wait_in_task(self, error: BaseException | None) -> None:
        """Wait for the same in a task, with the error that is on its way out."""
        if self._durable is not None:
            await wait_in_task(self.run, self._durable, error)

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """The HTTP round trips that have ended so far, as they are stored."""
        if self._sink is None:
            return []
        with without_sent(self._sent):
            return self._sink.as_json()

    @never_raises
    def begin(self, request: Column = None) -> None:
        """Start, or start again after a failed attempt; written at the full level."""
        self.started = perf_counter()
        if self.is_full:
            self._learn_names()
            self.request = self.request if request is None else request
            self._sink = self._sink or AttemptSink(
                on_change=self._attempt_ended, run=self.run
            )
            self._sink.begun_in = current_run.get()
            self._scopes = (*self._scopes, current_sink.enter(self._sink))
            self.run.write_step(self, is_capture=False)

    def hold(self, request: HeldRequest | None = None) -> None:
        """Hold what belongs to the call, as far as a failure of it would keep that.

        Only references, at the errors level: nothing is copied or made of them before the
        call fails, and any other end lets them go.
        """
        evidence = self.run.evidence
        if evidence is Evidence.ERROR:
            return
        self._request = request
        if evidence is Evidence.FULL:
            held = HeldAttempts(on_change=self._attempt_ended, run=self.run)
            held.begun_in = current_run.get()
            self._held = self._sink = held
            self.run.holding.add(self)
            # Of the recorder's own functions, one stands between here and the caller's.
            self._scopes = (*self._scopes, current_sink.enter(held, depth=3))

    @property
    def holds_payloads(self) -> bool:
        """Whether request, answer and attempts are held, to be kept if the call fails."""
        return self._held is not None

    def let_go(self) -> None:
        """Forget what is held of a call of which nothing is kept."""
        if self._held is not None:
            self._held.let_go()
            self._held = self._sink = self.response = None
            self.run.holding.discard(self)
        self._request = None

    def release(self) -> None:
        """Stop listening for HTTP attempts; those that have begun may still end."""
        if not self._scopes:
            return
        own = self._scopes[-1]
        if len(self._scopes) > 1:
            here = current_sink.innermost()
            own = here if here in self._scopes else own
            self._scopes = tuple(scope for scope in self._scopes if scope is not own)
        else:
            self._scopes = ()
        own.end()

    @never_raises
    def complete(self, response: Any = None, usage: Any = None) -> None:
        """Mark the call as succeeded.

        At the full level its result is kept: anything like JSON, or a column that was
        put off, and the tokens by the names of ``normalise_usage``. In a block, an error
        that leaves it afterwards counts more.
        """
        if self.is_full and response is not None:
            self.response = (
                response
                if isinstance(response, Deferred)
                else Deferred(lambda: redact_json(json_safe(response)))
            )
        if self.is_full and usage:
            is_made = isinstance(usage, Deferred)
            self.usage = usage if is_made else Deferred(lambda: json_safe(usage))
        if self.error:
            self.metadata["repaired_error"] = self.error
            self.error = None
        if self._in_block:  # an error may still leave it: the block's end decides
            self.status, self.finished_at = Status.COMPLETED, None
            return
        count_success(self, perf_counter() - self.started)
        facts = self.run.facts
        if facts.chat_id and facts.kind is RunKind.CHAT_TURN:
            # With it the chat's next turn that fails is compared.
            if self._request is None:  # as in full: what was before is the last no more
                last_good_calls.forget_one(facts.chat_id)
            else:
                model = self.called[1]
                last_good_calls.remember(facts.chat_id, model, self._request)
        if self.is_full:
            self._end(Status.COMPLETED, is_capture=False)
        else:
            self.status = Status.COMPLETED
            self.let_go()

    @never_raises
    def interrupt(self) -> None:
        """Mark the call as stopped before its end: not a failure."""
        self.let_go()
        self._end(Status.INTERRUPTED, is_capture=False)

    @never_raises
    def fail(
        self, error: BaseException | None, *, found: Classification | None = None
    ) -> None:
        """Mark the call as failed: by an error, or by an error part without one.

        A cancellation or the caller's own deadline is an interruption. At the errors
        level only an unclassified error is written, and only by the innermost of the
        calls that it leaves. Credentials that the call sent are removed from all that is
        stored. ``found`` is what the error is, where that is known already.
        """
        error = as_error(error)
        if self.ends_run and not self.is_full and is_known_since(error, self.started):
            self.let_go()
            return  # a library below has recorded it as a call of its own
        seen = self._sink.secrets() if self._sink is not None else frozenset[str]()
        self._sent = self._sent | seen | secrets_of(error)
        with without_sent(self._sent):
            self._fail(error, found)

    def _fail(self, error: BaseException | None, found: Classification | None) -> None:
        if found is None:
            renew_rules()
            found = classify(error, provider=self.called[0])
        since = 0.0 if self.operation is Operation.RUN else self.started
        self.is_recorded_inside = is_recorded_inside(self.run, error, since=since)
        if error is not None and found.own_rules and not self.is_recorded_inside:
            watch_rules(error, found, step=self)
        if found.cancelled or found.deadline:
            if found.deadline:
                self.metadata["interrupted_by"] = Interruption.DEADLINE.value
            self.let_go()
            self._end(Status.INTERRUPTED, is_capture=False, error=error)
            return
        if self._in_block and self.status is Status.COMPLETED:
            self.status = Status.IN_PROGRESS  # that was said too early
        count_failure(self, found)
        self.run.request_notes = None  # an earlier failure's, if there was one
        qualifies = found.captured and self.run.level is not Level.OFF
        qualifies = qualifies and (self.is_full or not self.is_recorded_inside)
        is_capture = qualifies and not self.run.has_recorded(error, since=self.started)
        if is_capture or self.is_full:
            self._describe(error, found)
        self.response = without_credentials(self.response, self._sent)
        is_stored = is_capture and self.run.should_store(self)
        if is_stored:
            self._keep_evidence()
        else:
            self.let_go()
        self._end(Status.ERROR, is_capture=is_stored, error=error)

    def _describe(self, error: BaseException | None, found: Classification) -> None:
        """Note what is known of a failure that may be stored."""
        progress = self.progress or Progress()
        progress.elapsed_ms = round((perf_counter() - self.started) * 1000)
        progress.retry_count = self.retries
        self.error = error_payload(error, found, progress, keep_content=self.is_full)
        if self.is_full:
            window = self.run.facts.context_window
            self.request_notes = self.run.request_notes = RequestNotes.of_column(
                self.request, self.error, window=window
            )
        keeps_request = self.is_full or self.run.evidence is not Evidence.ERROR
        if keeps_request and (address := base_url_of(self.asked)):
            self.metadata["address"] = address
        self.run.error_kind = found.kind
        self.run.remember_error(error, began=self.started)

    def _keep_evidence(self) -> None:
        """Let what is held go with the step's row, which is about to be written.

        It is made on the writer's thread, before the row is journaled.
        """
        request, held = self._request, self._held
        self._request = self._held = None
        if held is not None:
            held.keep()
            self.run.holding.discard(self)
            self.evidence = Evidence.FULL
        elif request is not None:
            self.evidence = Evidence.SHAPE
        if request is not None:
            if held is not None:
                self.request = without_credentials(
                    Deferred(request.normalised), self._sent
                )
            self.request_notes = self.run.request_notes = RequestNotes.of_call(
                request,
                self.error,
                self.run.facts,
                model=self.called[1],
                keeps_shape=held is None,
            )
        if self.evidence is not None:
            self.metadata["evidence"] = self.evidence.value

    @property
    def called(self) -> tuple[str, str]:
        """The provider and the model that it asks: what its run was told, or it knows."""
        self._learn_names()
        facts = self.run.facts
        return facts.provider or self.provider, facts.model or self.model

    def _learn_names(self) -> None:
        """Ask the call for its provider and model, once: it is the library's own code."""
        if self._names is not None:
            self.provider, self.model = self._names()
            self._names = None

    def _attempt_ended(self, sink: AttemptSink) -> None:
        """Write once more for an attempt that ends after its step did."""
        if self.finished_at is not None:
            self.run.write_step(self, is_capture=False)

    def _end(
        self, status: Status, *, is_capture: bool, error: BaseException | None = None
    ) -> None:
        """Take a final status, unless a worse one stands; write what is kept of the call.

        A run that was made for this call alone ends with it.
        """
        is_first = self.status is Status.IN_PROGRESS  # as nearly always
        if not is_first and STATUS_RANK[status] < STATUS_RANK[self.status]:
            return
        self.status = status
        if self.is_full or is_capture:
            self.finished_at = self.run.now()
            self.run.write_step(self, is_capture=is_capture)
        if self.ends_run:
            note_known(error)
            # An error tells a failure from a cancellation.
            outcome = None if error is not None else status
            self._durable = self.run.close(error, outcome)

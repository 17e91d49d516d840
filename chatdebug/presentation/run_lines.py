"""A run as one line of facts: in lists, and as the head of its page."""

from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext

from chatdebug.enums import Level, Outcome, RunKind
from chatdebug.formats import ago, counted, outcome_icon, span
from chatdebug.models import ChatRun
from chatdebug.models.runs import OVERFLOW
from chatdebug.presentation.periods import whole_of
from chatdebug.presentation.titles import failure_of, first_error_of, title_of
from chatdebug.presentation.values import as_number

LINE_CHARACTERS = 200
"""Of a question in one line."""


@dataclass(frozen=True)
class RunLine:
    """A run as one line of facts. Without slots, for it keeps what pages ask twice."""

    run: ChatRun
    asked: str = ""
    """What the chat itself says was asked; the recorder keeps that at the full level."""
    has_content: bool = True
    """Whether its reader may see what was said: by a user, a model or a provider."""

    @cached_property
    def title(self) -> str:
        """What failed, else what was asked, else what it is the record of."""
        if not self.has_content:
            return failure_of(self.run) or self.run.get_kind_display()
        return title_of(self.run)

    @property
    def question(self) -> str:
        """How the message begins that started it, on one line; nothing if not known."""
        if not self.has_content:
            return ""
        said = " ".join((self.run.label or self.asked).split())
        return said if len(said) <= LINE_CHARACTERS else said[:LINE_CHARACTERS] + "…"

    @property
    def icon(self) -> str:
        """The sign of its outcome."""
        return outcome_icon(self.run.outcome)

    @property
    def kind(self) -> str:
        """What it is the record of, unless that is a turn, as nearly always."""
        is_turn = self.run.kind == RunKind.CHAT_TURN
        return "" if is_turn else self.run.get_kind_display()

    @property
    def numbers(self) -> list[str]:
        """How much it was of everything: 2 steps, 3 attempts, 1.2 s, 340 → 1,024 tok."""
        numbers = (self.steps, self.attempts, self.took, self.tokens)
        return [*filter(None, numbers)]

    @property
    def facts(self) -> str:
        """The same in one line."""
        return " · ".join(self.numbers)

    @property
    def took(self) -> str:
        """How long it took with its wait in the queue; nothing while it goes on."""
        return span(whole_of(self.run))

    @property
    def steps(self) -> str:
        """How many calls of a model there were."""
        return counted(_count(self.run, "step_count"), "step")

    @property
    def attempts(self) -> str:
        """How often they were tried, all together; nothing if that is not known."""
        attempts = _count(self.run, "attempt_count") + self._unrecorded_attempts
        return counted(attempts, "attempt") if attempts else ""

    @property
    def tokens(self) -> str:
        """How many tokens were sent and received; nothing for none."""
        sent = _count(self.run, "total_input_tokens")
        received = _count(self.run, "total_output_tokens")
        if not sent and not received:
            return ""
        numbers = {"sent": f"{sent:,}", "received": f"{received:,}"}
        return gettext("%(sent)s → %(received)s tok") % numbers

    @property
    def _unrecorded_attempts(self) -> int:
        """How many attempts went well and are not recorded: of a recovery, the answer."""
        is_answer_recorded = self.run.level == Level.FULL
        has_answer = self.run.outcome is Outcome.RECOVERED and not is_answer_recorded
        return int(has_answer)

    @property
    def first_error(self) -> str:
        """The first line of its last error."""
        return first_error_of(self.run) if self.has_content else ""

    @property
    def similar(self) -> str:
        """How many failures of the same kind were counted instead of stored."""
        count = self.run.similar_count
        if self.run.fingerprint == OVERFLOW:
            words = gettext("and %s more of all kinds: too many runs in an hour")
        else:
            words = gettext("and %s more like it")
        return words % f"{count:,}" if count else ""

    @property
    def note(self) -> str:
        """What the recorder itself has to say about it; of an import, anybody."""
        return str(self.run.told("note") or "") if self.has_content else ""

    @property
    def ago(self) -> str:
        """When it began, for people."""
        return ago(self.run.started_at)


def _count(run: ChatRun, key: str) -> int:
    return as_number(run.told(key)) or 0

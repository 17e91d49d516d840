"""Counts the errors of a run that the deployment's own rules are about."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from chatdebug.enums import Level
from chatdebug.errors import Classification, Rule, classify
from chatdebug.errors.fingerprint import fingerprint, headline
from chatdebug.errors.payload import Progress, error_payload
from chatdebug.recorder.seen_errors import Remembered, remember, stands_for_one_of
from chatdebug.safety import never_raises
from chatdebug.services.rule_tallies import RuleCount, SeenCause
from chatdebug.writer import writer

if TYPE_CHECKING:
    from chatdebug.recorder.step import Step

ID_PREFIX = "custom."


class RuleWatch:
    """The own rules that errors of one run fell under; made for the first such error."""

    def __init__(self) -> None:
        self._noted: Remembered = ()
        self._given_up: set[int] = set()

    @never_raises
    def note(
        self,
        error: BaseException,
        found: Classification,
        *,
        provider: str,
        model: str,
        began: float,
        at: datetime,
    ) -> None:
        """Count an error for each own rule that it fell under.

        Once, however many calls and blocks it leaves: one that a call inside of this one
        (``began``) has noted is known. ``provider`` is what ``classify`` was told.
        """
        rules = {_key(rule): rule for rule in found.own_rules if _key(rule)}
        inner = [known for known, since in self._noted if since >= began]
        if not rules or stands_for_one_of(error, inner):
            return
        self._noted = remember(self._noted, error, began=began)
        built_in = classify(error, provider=provider, rules=())
        tallies = writer().rule_tallies
        causes: dict[str, SeenCause] = {}
        if any(tallies.wants_cause(key) for key in rules):
            causes = _cause(error, built_in, model=model, at=at)
        writer().count_rules(
            {
                key: RuleCount(
                    last_seen=at,
                    count=1,
                    disagreed=int(_disagree(rule, built_in)),
                    # A copy for each: each goes on counting for itself.
                    causes={name: replace(cause) for name, cause in causes.items()},
                )
                for key, rule in rules.items()
            }
        )
        self._given_up |= {
            key for key, rule in rules.items() if rule.is_shadow and not rule.retryable
        }

    @never_raises
    def went_well(self, at: datetime) -> None:
        """Count that the turn went well, for rules in shadow that would have given up."""
        given_up, self._given_up = self._given_up, set()
        if given_up:
            writer().count_rules(
                {key: RuleCount(last_seen=at, recovered=1) for key in given_up}
            )

    def forget_errors(self) -> None:
        """Let the errors go: the run was closed."""
        self._noted = ()


def watch_rules(error: BaseException, found: Classification, *, step: "Step") -> None:
    """Count an error of a step for the deployment's own rules that it fell under."""
    run = step.run
    if run.level is not Level.OFF:
        run.rule_watch = run.rule_watch or RuleWatch()
        provider, model = step.called
        run.rule_watch.note(
            error,
            found,
            provider=provider,
            model=model,
            began=step.started,
            at=run.now(),
        )


def _key(rule: Rule) -> int:
    """Return the key of a rule's row; 0 for a rule that has none."""
    name = rule.id.removeprefix(ID_PREFIX)
    return int(name) if name.isdecimal() else 0


def _disagree(rule: Rule, built_in: Classification) -> bool:
    """Return whether the built-in rules know the error, and as something else."""
    says = (rule.kind, rule.retryable)
    return not built_in.captured and says != (built_in.kind, built_in.retryable)


def _cause(
    error: BaseException, built_in: Classification, *, model: str, at: datetime
) -> dict[str, SeenCause]:
    """Return the cause of an error by its fingerprint: its group's, had no rule held."""
    payload = error_payload(error, built_in, Progress())
    seen = SeenCause(
        title=headline(payload), kind=built_in.kind.value, first_seen=at, last_seen=at
    )
    return {fingerprint(payload, model=model): seen}

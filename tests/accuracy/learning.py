"""How many decisions of a person it takes until a provider nobody knew is classified right.

One provider is hidden at a time: the built-in rules that decide no error of another one
are taken away, for they were written for it. Then its errors come one by one, as on a
site. One that stays unknown and should not makes a person decide, once for its group: the
rule that ``propose`` finds for the group, of the kind that the error is of.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from chatdebug.enums import ErrorKind
from chatdebug.errors import ErrorFacts, build_facts, classify_facts
from chatdebug.errors.content import storable_text
from chatdebug.errors.fingerprint import fingerprint
from chatdebug.errors.payload import read_payload
from chatdebug.errors.proposal import propose
from chatdebug.errors.rules import FALLBACK, RULES, Rule, decide
from tests.accuracy.scoring import ERROR_FILES, load

ENOUGH = 0.95
MIN_ERRORS = 20
"""Of fewer errors 95 % say nothing."""


@dataclass(frozen=True)
class Case:
    """One error: what is known of it live, what is stored of it, and what it is."""

    provider: str
    facts: ErrorFacts
    kinds: frozenset[str]
    """The kinds that are right for it, the expected one and those that are acceptable."""
    expected: str

    @cached_property
    def built_in(self) -> Rule:
        """The built-in rule that decides it."""
        return decide(RULES, self.facts)[0] or FALLBACK

    @cached_property
    def stored(self) -> ErrorFacts:
        """The facts as they can be read from what the errors level stores."""
        found = classify_facts(self.facts, rules=())
        return build_facts(
            message=found.detail or storable_text(self.facts.message, 2_000),
            status_code=found.status_code,
            error_type=found.error_type,
            error_code=found.error_code,
            classes=self.facts.classes[:1],
            provider=self.provider,
        )

    @cached_property
    def group(self) -> str:
        """The fingerprint that it has while it is unknown."""
        found = classify_facts(self.facts, rules=())
        payload = read_payload(
            {
                "kind": ErrorKind.GENERIC.value,
                "provider": self.provider,
                "status_code": found.status_code,
                "error_type": found.error_type,
                "error_code": found.error_code,
                "detail": found.detail,
                "message": storable_text(self.facts.message, 2_000),
                "chain": [{"type": name} for name in self.facts.classes[:1]],
            }
        )
        return fingerprint(payload, model="")

    def is_right(self, rules: Sequence[Rule]) -> bool:
        """Return whether these rules take it for what it is."""
        return self.kind_by(rules) in self.kinds

    def kind_by(self, rules: Sequence[Rule]) -> str:
        """Return what these rules take it for."""
        rule, _ = decide(rules, self.facts)
        return (rule or FALLBACK).kind.value


@dataclass(slots=True)
class Learned:
    """What was decided about one provider."""

    provider: str
    errors: int
    groups: int
    """How many groups its unknown errors make."""
    decisions: int = 0
    right: list[float] = field(default_factory=list)
    """The share of its errors that is classified right, before and after each decision."""

    def __str__(self) -> str:
        return (
            f"{self.provider:28} {self.errors:4} errors {self.groups:4} groups "
            f"{self.decisions:3} decisions {self.right[0]:7.1%} -> {self.right[-1]:.1%}"
        )

    @property
    def is_enough(self) -> bool:
        """Whether 95 % are classified right."""
        return self.right[-1] >= ENOUGH


def cases() -> list[Case]:
    """Return all collected errors."""
    return [_case(one) for name in ERROR_FILES for one in load(name)]


def learn(provider: str, known: Sequence[Case], *, from_nothing: bool) -> Learned:
    """Play the errors of a provider back, and decide until enough are right."""
    stream = [case for case in known if case.provider == provider]
    elsewhere = [case for case in known if case.provider != provider]
    needed = {case.built_in.id for case in elsewhere}
    built_in = [] if from_nothing else [rule for rule in RULES if rule.id in needed]
    unknown = [
        one.stored for one in elsewhere if one.built_in.kind == ErrorKind.GENERIC
    ]
    groups = {case.group for case in stream if _is_unknown(case, built_in)}
    found = Learned(provider, len(stream), len(groups))
    rules: list[Rule] = []
    found.right.append(_share(stream, built_in))
    seen: dict[str, list[ErrorFacts]] = defaultdict(list)
    decided: set[str] = set()
    for case in stream:
        if found.is_enough:
            break
        if not _is_unknown(case, (*rules, *built_in)):
            continue
        seen[case.group].append(case.stored)
        if case.kinds & {ErrorKind.GENERIC} or case.group in decided:
            continue
        decided.add(case.group)
        found.decisions += 1
        others = [
            one
            for name, some in seen.items()
            for one in some
            if name != case.group and decide(rules, one)[0] is None
        ]
        condition = propose(seen[case.group], [*unknown, *others])
        if condition is not None:
            rule = condition.as_rule(str(found.decisions))
            rules.append(replace(rule, kind=ErrorKind(case.expected)))
        found.right.append(_share(stream, (*rules, *built_in)))
    return found


def learn_each(*, from_nothing: bool = False) -> Iterator[Learned]:
    """Hide each provider of which there are enough errors, one at a time."""
    known = cases()
    counts: dict[str, int] = defaultdict(int)
    for case in known:
        counts[case.provider] += 1
    for provider, count in sorted(counts.items(), key=lambda item: -item[1]):
        if count >= MIN_ERRORS:
            yield learn(provider, known, from_nothing=from_nothing)


def _is_unknown(case: Case, rules: Sequence[Rule]) -> bool:
    return case.kind_by(rules) == ErrorKind.GENERIC


def _share(stream: Sequence[Case], rules: Sequence[Rule]) -> float:
    return sum(case.is_right(rules) for case in stream) / len(stream)


def _case(one: dict[str, Any]) -> Case:
    provider = str(one.get("provider") or "")
    sdk_class = (one.get("sdk_exception") or "").rpartition(".")[2]
    facts = build_facts(
        message=one.get("message") or "",
        body=one.get("response_body") or "",
        status_code=one.get("status_code"),
        error_type=one.get("error_type") or "",
        error_code=one.get("error_code") or "",
        headers=one.get("headers") or {},
        classes=[sdk_class],
        provider=provider,
    )
    right = frozenset([one["expected_kind"], *one["also_acceptable"]])
    return Case(provider, facts, right, one["expected_kind"])

"""Scores the classification against cases whose kind is known."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatdebug.errors import Classification, build_facts, classify_facts

DATA = Path(__file__).parent / "data"
ERROR_FILES = (
    "provider_errors.json",
    "documented_errors.json",
    "reported_errors.json",
    "collected_errors.json",
)


def load(name: str) -> list[dict[str, Any]]:
    """Return the cases of one file."""
    cases: list[dict[str, Any]] = json.loads((DATA / name).read_text("utf-8"))
    return cases


def classified(case: dict[str, Any]) -> Classification:
    """Classify a case by what it says of itself."""
    sdk_class = (case.get("sdk_exception") or "").rpartition(".")[2]
    return classify_facts(
        build_facts(
            message=case.get("message") or "",
            body=case.get("response_body") or "",
            status_code=case.get("status_code"),
            error_type=case.get("error_type") or "",
            error_code=case.get("error_code") or "",
            headers=case.get("headers") or {},
            classes=[sdk_class],
        )
    )


@dataclass(frozen=True, slots=True)
class Score:
    """How well a set of cases was classified."""

    results: tuple[tuple[dict[str, Any], Classification], ...]

    @classmethod
    def of(cls, name: str) -> "Score":
        """Score one file."""
        return cls(tuple((case, classified(case)) for case in load(name)))

    @property
    def strict(self) -> float:
        """The share of cases with exactly the expected kind."""
        return self._share(lambda case, got: got == case["expected_kind"])

    @property
    def lenient(self) -> float:
        """The share with the expected kind or one that is acceptable too."""
        return self._share(
            lambda case, got: got in (case["expected_kind"], *case["also_acceptable"])
        )

    @property
    def missed(self) -> list[str]:
        """The unknown errors that were taken for known ones: their evidence is lost."""
        return [
            f"{case['id']}: {classification.kind} by {classification.rule}"
            for case, classification in self.results
            if case["expected_kind"] == "generic" and classification.kind != "generic"
        ]

    @property
    def lost(self) -> list[str]:
        """Those of them that nobody would call known: no second kind is acceptable."""
        return [
            case["id"]
            for case, classification in self.results
            if case["expected_kind"] == "generic"
            and classification.kind.value not in ("generic", *case["also_acceptable"])
        ]

    @property
    def wrong(self) -> list[str]:
        """The cases of another kind than expected."""
        return [
            f"{case['id']}: {case['expected_kind']}, got {classification.kind} by {classification.rule}"
            for case, classification in self.results
            if classification.kind != case["expected_kind"]
        ]

    def matrix(self) -> Iterator[str]:
        """Yield the confusion matrix, a line for each expected kind."""
        counts = Counter(
            (case["expected_kind"], classification.kind.value)
            for case, classification in self.results
        )
        expected = sorted({pair[0] for pair in counts})
        got = sorted({pair[1] for pair in counts})
        yield " " * 16 + "".join(f"{kind[:13]:>15}" for kind in got)
        for kind in expected:
            yield f"{kind:16}" + "".join(
                f"{counts[kind, other] or '·':>15}" for other in got
            )

    def _share(self, holds: Callable[[Any, str], bool]) -> float:
        right: int = sum(
            holds(case, classification.kind.value)
            for case, classification in self.results
        )
        return right / len(self.results)

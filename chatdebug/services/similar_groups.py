"""Which groups may be the same cause as another one, by what can be said of both."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chatdebug.models import ErrorGroup
from chatdebug.models.runs import OVERFLOW
from chatdebug.querysets import ErrorGroupQuerySet

COMPARED = 2_000
"""With how many of the newest groups titles are compared: some 20 ms."""
ALIKE = 0.5
"""The least share of the words of two titles that they have in common."""
LEAST_WORDS = 3
"""So many words of a title are in common at least; fewer are so by chance."""
SHOWN = 8
WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class SimilarGroup:
    """A group that is similar to another one, and why."""

    group: ErrorGroup
    shared: int
    """How many words both titles have; 0 where too few."""
    words: int
    """How many different words they have together."""
    has_same_answer: bool
    """Whether both have one provider and one status."""


def similar_groups(*, group: ErrorGroup) -> list[SimilarGroup]:
    """Return the groups that are most like this one, at most ``SHOWN``.

    Those whose title has half of its words or more in common, the nearest first; then the
    newest with the same provider and status. Three queries, however many groups there are.
    """
    near = _near(group)
    answers = list(_same_answer(group))
    chosen = list(dict.fromkeys([*near, *answers]))[:SHOWN]
    groups = ErrorGroup.objects.in_bulk(chosen)
    return [
        SimilarGroup(groups[key], *near.get(key, (0, 0)), _is_same(group, groups[key]))
        for key in chosen
        if key in groups
    ]


def _near(group: ErrorGroup) -> dict[int, tuple[int, int]]:
    """Return the keys of groups with a near title, the nearest first, and the numbers."""
    own = _words(group.title)
    titles = _others(group).values_list("pk", "title")[:COMPARED]
    counts = {}
    for key, title in titles.iterator():
        words = _words(title)
        shared, together = len(own & words), len(own | words)
        if shared >= LEAST_WORDS and shared >= ALIKE * together:
            counts[key] = shared, together
    nearest = sorted(counts, key=lambda key: -counts[key][0] / counts[key][1])
    return {key: counts[key] for key in nearest}


def _same_answer(group: ErrorGroup) -> Iterator[int]:
    if group.provider and group.status_code:
        answers = _others(group).filter(
            provider=group.provider, status_code=group.status_code
        )
        yield from answers.values_list("pk", flat=True)[:SHOWN]


def _others(group: ErrorGroup) -> ErrorGroupQuerySet:
    return (
        ErrorGroup.objects.not_merged()
        .exclude(pk=group.pk)
        .exclude(fingerprint=OVERFLOW)
    )


def _is_same(one: ErrorGroup, other: ErrorGroup) -> bool:
    answer = (other.provider, other.status_code)
    return all(answer) and answer == (one.provider, one.status_code)


def _words(title: str) -> frozenset[str]:
    return frozenset(WORD.findall(title.casefold()))

"""Secrets that are divided over several texts, as models stream them in small parts.

The texts that stand at one place of several documents are read as one. What is found in
it is taken out of all of them: what is left, joined, is the redacted text.
"""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chatdebug.redaction.known_secrets import configured_secrets
from chatdebug.redaction.sent_secrets import remove_sent
from chatdebug.redaction.text import redact_text, remove_vendor_keys
from chatdebug.redaction.values import MAX_DEPTH

type Place = int
"""Stands for the keys on the way to a text; positions in lists are ``*``, or the item's
own index. Numbers are given as places are found: a body of a megabyte holds some thousand
texts at a handful of them."""
type Places = dict[tuple[Place, Any], Place]
"""The number of each place by that of the one around it, and one step more."""

SMALL = 16
"""Characters that the parts of one text have on average, where nothing else says that
they are parts of one."""
FEW = 3
INDICES = 128
"""An integer from 0 up to this may say to which of several texts a part belongs."""
COUNTER = re.compile(r"(?i)seq|time|created|token|count|usage|length|offset|size|id$")
SORTS = frozenset(["type", "event", "item_id", "itemId", "channel"])
"""Keys whose value says of what a document is a part."""
TOKENS = frozenset(
    [
        "bytes",
        "context",
        "logprobs",
        "logprobsResult",
        "logprobs_result",
        "prompt_token_ids",
        "token_ids",
        "tokens",
        "top_logprobs",
    ]
)
"""Keys under which a text is said once more, in numbers or one token at a time."""
AS_TOKENS = "[REDACTED:tokens]"


@dataclass(slots=True, eq=False)
class Leaf:
    """A text inside a document, and where it stands."""

    document: int
    holder: Any
    key: Any
    text: str
    place: Place
    lane: Place
    """The place with what says to which of several texts there the part belongs."""

    def put(self, text: str) -> None:
        """Replace the text in its document."""
        self.text = text
        self.holder[self.key] = text


def redact_fragments(
    texts: list[str], redact: Callable[[str], str] | None = None
) -> list[str]:
    """Return texts that are read one after the other, without secrets across them.

    The same list if there are none. If each has its own, each is redacted by itself; else
    everything between the first and the last secret moves into one text, so that the
    joined result is the joined text, redacted. Without
    ``redact`` it is guessed whether these are parts of one text: of others only what is
    a secret by its look is removed, because a word and what follows it are strangers.
    """
    if len(texts) < 2:
        return texts
    joined = "".join(texts)
    if redact is None:
        is_one = len(texts) >= FEW and len(joined) <= SMALL * len(texts)
        redact = redact_text if is_one else _by_look
    redacted = redact(joined)
    if redacted == joined:
        return texts
    each = [redact(text) for text in texts]
    if "".join(each) == redacted:
        return each
    start = _common(joined, redacted)
    end = len(joined) - _common(joined[start:][::-1], redacted[start:][::-1])
    between = redacted[start : len(redacted) - (len(joined) - end)]
    return list(_distributed(texts, start, end, between))


def redact_across(
    documents: list[list[Any]],
    redact: Callable[[str], str] | None,
    *,
    torn: Set[int] = frozenset(),
    unsure: int = 0,
) -> set[int]:
    """Redact the texts that go on over several documents, in place; return which changed.

    Each document is a list around a JSON value. If some are ``torn``, their places mean
    nothing, and everything that varies is read as one text as well. Of a text whose
    beginning is not known, the first ``unsure`` characters are replaced by their number.
    """
    leaves: list[Leaf] = []
    places: Places = {}
    for number, document in enumerate(documents):
        _collect(leaves, number, document, places)
    texts = [
        found
        for found in _grouped(leaves, "place")
        if any(leaf.text != found[0].text for leaf in found)
    ]
    changed: set[int] = set()
    for found in texts:
        groups = _grouped(found, "lane")
        # Several texts at once, each by its own index; then whatever else it may be.
        for group in [*groups, found] if len(groups) > 1 else groups:
            changed |= _redact_group(group, redact)
    if torn:
        varying = {found[0].place for found in texts}
        group = [
            leaf for leaf in leaves if leaf.place in varying or leaf.document in torn
        ]
        changed |= _redact_group(group, redact)
    if unsure:
        for found in texts:
            changed |= _hide_beginning(found, unsure)
    if changed:
        changed |= {n for n, box in enumerate(documents) if _drop_tokens(box)}
    return changed


def _grouped(leaves: list[Leaf], kind: str) -> list[list[Leaf]]:
    groups: dict[Place, list[Leaf]] = {}
    for leaf in leaves:
        groups.setdefault(getattr(leaf, kind), []).append(leaf)
    return list(groups.values())


def _by_look(text: str) -> str:
    matcher = configured_secrets.matcher()
    return remove_sent(matcher.remove(remove_vendor_keys(text)))


def _common(one: str, other: str) -> int:
    """Return how many characters two texts have in common from their start on."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _distributed(texts: list[str], start: int, end: int, between: str) -> Iterator[str]:
    """Yield texts of whose characters those from ``start`` to ``end`` are replaced."""
    position, is_placed = 0, False
    for number, text in enumerate(texts, 1):
        before = max(0, start - position)
        after = max(0, end - position)
        position += len(text)
        middle = ""
        if not is_placed and (position > start or number == len(texts)):
            middle, is_placed = between, True
        yield text[:before] + middle + text[after:]


def _redact_group(leaves: list[Leaf], redact: Callable[[str], str] | None) -> set[int]:
    texts = [leaf.text for leaf in leaves]
    kept = redact_fragments(texts, redact)
    if kept is texts:
        return set()
    changed = set()
    for leaf, text in zip(leaves, kept, strict=True):
        if text != leaf.text:
            leaf.put(text)
            changed.add(leaf.document)
    return changed


def _hide_beginning(leaves: list[Leaf], characters: int) -> set[int]:
    changed = set()
    for leaf in leaves:
        if characters <= 0:
            break
        characters -= len(leaf.text)
        leaf.put(f"[{len(leaf.text)} characters]")
        changed.add(leaf.document)
    return changed


def _collect(
    found: list[Leaf],
    number: int,
    value: Any,
    places: Places,
    place: Place = 0,
    lane: Place = 0,
    depth: int = 0,
) -> None:
    """Add each text with its place, and with its place among texts that interleave."""
    in_list = isinstance(value, list)
    marks = () if in_list else _marks(value)
    for key, item in enumerate(value) if in_list else value.items():
        if isinstance(item, str):
            if not item:
                continue
        elif not isinstance(item, (dict, list)) or depth == MAX_DEPTH:
            continue
        step, mark = _steps(key, item) if in_list else (key, (marks, key))
        here = places.setdefault((place, step), len(places) + 1)
        there = places.setdefault((lane, mark), len(places) + 1)
        if isinstance(item, str):
            found.append(Leaf(number, value, key, item, here, there))
        else:
            _collect(found, number, item, places, here, there, depth + 1)


def _steps(index: int, item: Any) -> tuple[Any, Any]:
    """Return what stands for a position in a list in the two kinds of places."""
    if isinstance(item, dict):
        if "role" in item:
            return index, index  # a message is a text of its own
        if _marks(item):
            return "*", "*"
    return "*", index


def _marks(value: dict[str, Any]) -> tuple[Any, ...]:
    """Return what in a mapping says to which of several texts its own belong."""
    marks: list[int | str] = []
    for key, item in value.items():
        if type(item) is int:
            if 0 <= item < INDICES and not _is_counter(key):
                marks.append(item)
        elif key in SORTS and isinstance(item, str):
            marks.append(item)
    return tuple(marks)


@lru_cache(1_024)
def _is_counter(key: str) -> bool:
    return COUNTER.search(key) is not None


def _drop_tokens(value: Any, depth: int = 0) -> bool:
    """Replace what says a text once more, token by token; return whether there was any."""
    if depth > MAX_DEPTH or not isinstance(value, dict | list):
        return False
    found = False
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if key in TOKENS and isinstance(item, dict | list) and item:
            value[key] = AS_TOKENS
            found = True
        else:
            found = _drop_tokens(item, depth + 1) or found
    return found

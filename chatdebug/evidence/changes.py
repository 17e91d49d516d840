"""What changed in a chat's requests since the last one that went well.

Of that one its outline is remembered, in memory and for the newest chats only: numbers,
and the names of tools and settings, which are the host project's code. Nothing of it is
stored before a call fails, and no word of a request is in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sized
from functools import partial
from itertools import islice
from time import monotonic
from typing import Any, NamedTuple, Protocol

from chatdebug.evidence.omitted import is_word_of_code
from chatdebug.logs import safe_logger
from chatdebug.payloads.json import as_name
from chatdebug.payloads.limits import NAME_CHARACTERS

logger = safe_logger("chatdebug.recorder")

CHATS = 1_000
"""Of how many chats a process remembers the last call that went well; the newest."""
SURPLUS = CHATS // 10
"""How many more there may be until the oldest are forgotten, all at once."""
NEWEST_MESSAGES = 8
"""Of so many the types of the parts are compared, of those before them only the roles: a
call that goes well is not to cost more the longer its chat is."""
NAMES = 100
"""Tools, and settings, of one outline; further ones are not compared."""
PLAIN = frozenset({bool, int, float})
SETTING_DEPTH, SETTING_ITEMS = 3, 20
"""Of what is inside of a setting, as of a budget for thinking."""


class Outline(NamedTuple):
    """The structure of a request, as far as it costs next to nothing to make."""

    message_count: int
    kinds: int
    """A hash of its messages' roles or types, and of the types of the newest ones' parts."""
    tools: dict[str, int]
    """By name, a hash of what ``outline_of_tool`` looks at."""
    settings: dict[str, float]
    output: int
    """A hash of how the answer's structure is described; 0 if it may be as it likes."""


type OutlineValues = tuple[int, int, dict[str, int], dict[str, float], int]
"""What an ``Outline`` is made of: that of most calls is never looked at."""


class Outlined(Protocol):
    """A request that can tell its outline."""

    def outline(self, first: int | None = None) -> OutlineValues:
        """Return its structure, with the kinds of its first messages or of all.

        May raise what an object raises that is no request.
        """


class Remembered(NamedTuple):
    """The last call of a chat that went well."""

    at: float
    model: str
    outline: Outline


class LastGoodCalls:
    """The last good call of each of the newest chats. Any thread may ask and remember.

    Each single access to a dict is safe in any thread; a lock would be a third of what
    remembering costs.
    """

    def __init__(self) -> None:
        self._calls: dict[str, tuple[float, str, OutlineValues]] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def remember(self, chat_id: str, model: str, request: Outlined) -> None:
        """Take a call that went well. Never raises."""
        try:
            call = (monotonic(), model, request.outline())
        except Exception:  # noqa: BLE001 - the request is foreign
            self.forget_one(chat_id)  # what was before is the last one no more
            return
        self._calls[chat_id] = call
        if len(self._calls) > CHATS + SURPLUS:
            by_age = sorted(self._calls.items(), key=lambda one: one[1][0])
            for oldest, _ in by_age[:-CHATS]:
                self._calls.pop(oldest, None)

    def of(self, chat_id: str) -> Remembered | None:
        """Return the last good call of a chat; None if it is not known here."""
        found = self._calls.get(chat_id)
        if found is None:
            return None
        at, model, outline = found
        return Remembered(at, model, Outline(*outline))

    def forget_one(self, chat_id: str) -> None:
        """Forget a chat."""
        self._calls.pop(chat_id, None)

    def forget(self) -> None:
        """Forget all chats."""
        self._calls.clear()


last_good_calls = LastGoodCalls()


def changes_of(
    request: Outlined, *, chat_id: str, model: str
) -> Callable[[], dict[str, Any]]:
    """Return what tells how a failing request differs from the chat's last good one.

    Which one that was is settled now; the rest can be asked for later, in any thread.
    """
    before = last_good_calls.of(chat_id)
    return partial(changes_since, before, model=model, request=request)


def changes_since(
    before: Remembered | None, *, model: str, request: Outlined
) -> dict[str, Any]:
    """Return what a failing request has that the last good one had not.

    ``known``: whether there is one to compare with. If so, ``seconds_ago`` (until now),
    ``model_changed``, ``messages_added`` (fewer: below zero), ``earlier_messages_changed``
    (in their roles, and the newest of them in types of parts), ``tools`` and ``settings``
    (names that were ``added``, ``removed`` and ``changed``, without secrets), and
    ``output_changed``. Of tools or settings that are too many to be outlined, none is said
    to be added or removed.
    """
    if before is None:
        return {"known": False}
    try:
        then = before.outline
        now = Outline(*request.outline(then.message_count))
        return {
            "known": True,
            "seconds_ago": round(monotonic() - before.at),
            "model_changed": model != before.model,
            "messages_added": now.message_count - then.message_count,
            "earlier_messages_changed": now.kinds != then.kinds,
            "tools": _differences(then.tools, now.tools),
            "settings": _differences(then.settings, now.settings),
            "output_changed": now.output != then.output,
        }
    except Exception:  # noqa: BLE001 - the request is foreign
        return {"known": False}


def _differences(
    before: Mapping[str, float], now: Mapping[str, float]
) -> dict[str, list[str]]:
    both = before.keys() & now.keys()
    are_all = max(len(before), len(now)) < NAMES
    return {
        "added": sorted(map(as_name, now.keys() - both)) if are_all else [],
        "removed": sorted(map(as_name, before.keys() - both)) if are_all else [],
        "changed": sorted(as_name(name) for name in both if before[name] != now[name]),
    }


def name_of_tool(name: Any, kind: Any = "") -> str:
    """Return what a tool is outlined under: its name, or the kind of one without."""
    known = name if name is not None else kind
    return str(known)[:NAME_CHARACTERS]


def outline_of_tool(description: Any, schema: Any, strict: Any = None) -> int:
    """Return a hash of how a tool is described, as far as it is quickly looked at.

    That is the length of its description, the keywords that its schema begins with, its
    properties with their types, and whether it is strict.
    """
    length = len(description) if isinstance(description, str) else 0
    if not isinstance(schema, dict):
        return hash((length, strict is True))
    properties = schema.get("properties")
    described = properties.items() if isinstance(properties, dict) else ()
    types = [
        (name, kind if isinstance(kind := one.get("type"), str) else None)
        if isinstance(one, dict)
        else (name, None)
        for name, one in described
    ]
    return hash((length, strict is True, tuple(schema), tuple(types)))


def outlines_of_settings(settings: Iterable[tuple[str, Any]]) -> dict[str, float]:
    """Return settings by name: numbers, and hashes of all others."""
    found: dict[str, float] = {}
    for name, value in settings:
        if value is not None and is_word_of_code(name) and len(found) < NAMES:
            # -1 and -2 have one hash; what is no plain number may hold anything.
            is_plain = type(value) in PLAIN and value == value  # no NaN
            found[name] = value if is_plain else hash(_hashable(value))
    return found


def _hashable(value: Any, depth: int = 0) -> Any:
    """Return what stands for a setting: texts and numbers as they are, others by type."""
    if isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return str(value)
    if depth < SETTING_DEPTH and isinstance(value, dict):
        return tuple(
            (name, _hashable(one, depth + 1))
            for name, one in islice(value.items(), SETTING_ITEMS)
        )
    if depth < SETTING_DEPTH and isinstance(value, list | tuple):
        return tuple(_hashable(one, depth + 1) for one in islice(value, SETTING_ITEMS))
    return type(value), len(value) if isinstance(value, Sized) else 0

"""What one turn of this process says, and how much of it is on its way to the table."""

from dataclasses import dataclass
from uuid import UUID

from chatd.turns.bus.events import EventName, SaidText


@dataclass(frozen=True, slots=True)
class Chunks:
    """Chunks of one turn with consecutive sequences from ``first``.

    They follow the chunk with the sequence ``follows``; None: they are a beginning, with
    all that there is to say.
    """

    turn_id: UUID
    epoch: int
    follows: int | None
    first: int
    events: list[tuple[EventName, str]]


class Publication:
    """An answer while it is said, in one epoch of its turn."""

    def __init__(self, turn_id: UUID, epoch: int) -> None:
        self.turn_id = turn_id
        self.begins = True  # with the next chunks: all of it is to be said
        self.is_forgotten = False
        self.is_over = False
        self._epoch = epoch
        self._last = -1  # the sequence that was used last
        self._said = SaidText()
        self._status = ""
        self._unsaid: list[tuple[EventName, list[str]]] = []

    @property
    def characters(self) -> int:
        """How long the answer is that it keeps."""
        return self._said.characters

    def add(self, name: EventName, data: str) -> None:
        """Add an event; pieces of the answer that are taken together will be one."""
        if not self.is_forgotten:
            self._said.add(name, data)
        if name is EventName.STATUS:
            self._status = data
        elif name is EventName.END:
            self.is_over = True
        if self.begins:
            return
        if name is EventName.DELTA and self._unsaid and self._unsaid[-1][0] is name:
            self._unsaid[-1][1].append(data)
        else:
            self._unsaid.append((name, [data]))

    def take(self) -> Chunks:
        """Take what is to be said now. No sequence is used twice."""
        if self.begins:
            events = [(EventName.SNAPSHOT, self._said.text)]
            if self._status or self._last >= 0:
                events.append((EventName.STATUS, self._status))
            if self.is_over:
                events.append((EventName.END, ""))
        else:
            events = [(name, "".join(parts)) for name, parts in self._unsaid]
        follows = None if self.begins else self._last
        chunks = Chunks(self.turn_id, self._epoch, follows, self._last + 1, events)
        self._last += len(events)
        self._unsaid.clear()
        self.begins = False
        return chunks

    def begin_again(self) -> None:
        """Say all of it with the next chunks: those taken last may not have arrived."""
        self.begins = True
        self._unsaid.clear()

    def forget(self) -> None:
        """Keep no text from now on: it can be continued, but not begun again."""
        self.is_forgotten = True
        self._said.clear()

    @property
    def is_said(self) -> bool:
        """Whether everything was taken."""
        return not self.begins and not self._unsaid

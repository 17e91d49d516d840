"""What an answer costs: how often it was asked for, and for how long."""

from dataclasses import dataclass, field
from time import monotonic

from chatdebug.errors import Classification, at_one_place


@dataclass(slots=True)
class Effort:
    """The attempts at one answer so far. Times are in seconds."""

    attempts: int = 0
    failures: list[Classification] = field(default_factory=list)
    """What the attempts met that failed, the first one first."""
    reached: list[int] = field(default_factory=list)
    """How many characters of the answer had come in each of those."""
    waited: float = 0.0
    """How long it was between the attempts."""
    _began: float = 0.0
    _ended: float | None = None

    def begin_attempt(self) -> None:
        """Count one more attempt, from now."""
        if self._ended is not None:
            self.waited += monotonic() - self._ended
        self._ended = None
        self.attempts += 1
        if self.attempts == 1:
            self._began = monotonic()

    def end_attempt(
        self, failure: Classification | None = None, *, characters: int = 0
    ) -> None:
        """Note that the attempt is over: what is done about it takes time of its own.

        ``characters`` is how much of the answer had come.
        """
        self._ended = monotonic()
        if failure is not None:
            self.failures.append(failure)
            self.reached.append(characters)

    @property
    def is_at_one_place(self) -> bool:
        """Whether all attempts failed in the same way at the same place of the answer."""
        rules = [one.rule for one in self.failures]
        met = list(zip(rules, self.reached, strict=True))
        return at_one_place(self.attempts, met)

    @property
    def seconds(self) -> float:
        """How long all of them took, with the waits between them; 0 before the first."""
        if not self.attempts:
            return 0.0
        return (monotonic() if self._ended is None else self._ended) - self._began

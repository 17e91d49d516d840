"""What an answer costs: how often it was asked for, and for how long."""

from dataclasses import dataclass
from time import monotonic

from chatdebug.errors import Classification


@dataclass(slots=True)
class Effort:
    """The attempts at one answer so far. Times are in seconds."""

    attempts: int = 0
    first_failure: Classification | None = None
    waited: float = 0.0
    """Between the attempts, all together."""
    _began: float = 0.0
    _attempt_began: float = 0.0
    _ended: float | None = None

    def begin_attempt(self) -> None:
        """Count one more attempt, from now."""
        now = monotonic()
        if self._ended is not None:
            self.waited += now - self._ended
        self._attempt_began, self._ended = now, None
        self.attempts += 1
        if self.attempts == 1:
            self._began = self._attempt_began

    def end_attempt(self, failure: Classification | None = None) -> None:
        """Note that the attempt is over: what is done about it takes time of its own."""
        self._ended = monotonic()
        self.first_failure = self.first_failure or failure

    @property
    def seconds(self) -> float:
        """How long all of them took, with the waits between them; 0 before the first."""
        return self._until_end(self._began)

    @property
    def seconds_of_attempt(self) -> float:
        """How long the last of them took; 0 before the first."""
        return self._until_end(self._attempt_began)

    def _until_end(self, began: float) -> float:
        if not self.attempts:
            return 0.0
        return (monotonic() if self._ended is None else self._ended) - began

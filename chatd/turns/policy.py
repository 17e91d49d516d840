"""How long a turn tries, waits and listens, and how much it takes."""

from dataclasses import dataclass, replace
from random import uniform

from django.conf import settings

from chatd.llm.providers import is_demo
from chatdebug.errors import Classification, ClassifiedError

MAX_JITTER = 0.25
"""Added to a wait, as a share of it, so that turns do not come back all at once."""


class TurnDeadlineError(ClassifiedError):
    """A turn took as long as any turn may, whatever it was waiting for."""

    def __init__(self, seconds: float) -> None:
        super().__init__("timeout", f"The turn was not done after {seconds:g} seconds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPolicy:
    """All times are in seconds."""

    max_attempts: int = 25
    max_broken: int = 3
    """Attempts at most when an answer breaks off: each of them costs as much as a whole
    one, and most that break twice break again."""
    first_wait: float = 1.0
    max_wait: float = 60.0
    max_retry_after: float = 300.0
    """A provider that asks for more than this is not waited for any longer."""
    first_part: float = 60.0
    """How long the first part of an answer is waited for."""
    silence: float = 120.0
    """How long an answer may pause before its attempt is given up."""
    deadline: float = 900.0
    """How long a turn may take, with all its attempts."""
    grace: float = 1.0
    """How long the end of a response is waited for once the answer is complete."""
    max_characters: int = 1_000_000
    """Of an answer; what comes after is not taken."""
    max_bytes: int = 128 * 1024 * 1024
    """Of the response that brings it."""

    def wait_before_retry(
        self, classification: Classification, *, attempts: int, jitter: bool = True
    ) -> float | None:
        """Return the seconds to wait after so many attempts; None: do not try again.

        The provider's Retry-After is a floor, up to ``max_retry_after``.
        """
        if not classification.retryable or attempts >= self.max_attempts:
            return None
        wait: float = min(self.first_wait * 2 ** (attempts - 1), self.max_wait)
        wait = max(wait, min(classification.retry_after or 0.0, self.max_retry_after))
        return wait * (1 + uniform(0, MAX_JITTER)) if jitter else wait  # noqa: S311


DEMO_POLICY = TurnPolicy(
    max_attempts=3, first_wait=1.0, max_wait=1.0, first_part=6.0, silence=6.0
)
"""Shows within seconds what takes a real provider minutes."""


def turn_policy(provider: str) -> TurnPolicy:
    """Return the policy for a provider: the deployment's, or the demo's short one."""
    if is_demo(provider):
        return replace(DEMO_POLICY, **getattr(settings, "DEMO_TURN_POLICY", {}))
    return TurnPolicy(**settings.TURN_POLICY)

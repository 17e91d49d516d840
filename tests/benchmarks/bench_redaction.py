"""What it costs to redact a text."""

import sys
import time

from chatdebug.redaction import redact_text
from tests.accuracy.scoring import load
from tests.accuracy.test_redaction import HOSTILE

TARGET_PER_KB = 300  # µs, on short texts
TARGET_HOSTILE = 10_000  # µs, for 16 KB
ROUNDS = 20
SIZE = 16_000


def main() -> None:
    """Print µs per KB of real messages, and µs for 16 KB of hostile text."""
    messages = [case["message"] or "" for case in load("provider_errors.json")]
    size = sum(map(len, messages)) / 1000
    per_kb = sum(map(_seconds, messages)) / size
    _say(f"real messages: {per_kb * 1e6:.0f} µs per KB (target {TARGET_PER_KB})")
    long = " ".join(messages)[:SIZE]
    _say(f"{len(long) / 1000:.0f} KB of them: {_seconds(long) * 1e6:,.0f} µs")
    costs = {unit: _seconds(unit * (SIZE // len(unit))) for unit in HOSTILE}
    worst = max(costs, key=lambda unit: costs[unit])
    _say(
        f"16 KB of hostile text, the worst ({worst!r}): {costs[worst] * 1e6:,.0f} µs "
        f"(target {TARGET_HOSTILE:,})"
    )


def _seconds(text: str) -> float:
    started = time.process_time()
    for _ in range(ROUNDS):
        redact_text(text)
    return (time.process_time() - started) / ROUNDS


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")

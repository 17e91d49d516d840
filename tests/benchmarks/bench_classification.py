"""What it costs to classify an error."""

import sys
import time

from chatdebug.errors import RULES
from tests.accuracy.scoring import ERROR_FILES, classified, load

ROUNDS = 20


def main() -> None:
    """Print µs per classification: all of it, and deciding alone."""
    cases = [case for name in ERROR_FILES for case in load(name)]
    for case in cases:
        classified(case)  # warm
    started = time.process_time()
    for _ in range(ROUNDS):
        for case in cases:
            classified(case)
    each = (time.process_time() - started) / ROUNDS / len(cases)
    slowest = max(map(_seconds, cases))
    sys.stdout.write(
        f"{each * 1e6:.0f} µs per classification of {len(cases)} errors with "
        f"{len(RULES)} rules, the slowest {slowest * 1e6:.0f} µs\n"
    )


def _seconds(case: dict[str, object]) -> float:
    started = time.process_time()
    for _ in range(ROUNDS):
        classified(case)
    return (time.process_time() - started) / ROUNDS

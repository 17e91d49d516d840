"""Prints how accurate the classification is, how soon it can be taught, and how often the
likely cause of a rejected request is the true one.

``python -m tests.accuracy``.
"""

import os
import sys
from collections import Counter


def main() -> None:
    """Print a confusion matrix for each file of errors, what hidden providers cost, and
    how often likely causes are true ones."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from tests.accuracy.causes import CauseScore, rejected, reported, structure_alone
    from tests.accuracy.learning import learn_each
    from tests.accuracy.scoring import ERROR_FILES, Score

    for name in ERROR_FILES:
        score = Score.of(name)
        lines = [
            f"{name}: {len(score.results)} cases, strict {score.strict:.1%}, "
            f"with what is acceptable {score.lenient:.1%}, "
            f"unknown errors missed {len(score.missed)}",
            *score.matrix(),
            *score.wrong,
            "",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
    for from_nothing in (False, True):
        rules = "no built-in rule" if from_nothing else "the rules of the others"
        sys.stdout.write(f"One provider hidden at a time, with {rules}:\n")
        decisions = groups = 0
        for learned in learn_each(from_nothing=from_nothing):
            decisions += learned.decisions
            groups += learned.groups
            sys.stdout.write(f"{learned}\n")
        sys.stdout.write(f"{decisions} decisions for {groups} groups\n\n")
    for whose, cases in (("own", rejected()), ("somebody else's", reported())):
        for is_apart in (False, True):
            for in_full in (False, True):
                found = CauseScore.of(cases, is_apart=is_apart, in_full=in_full)
                sys.stdout.write(f"Likely causes of {whose} requests, {found}\n")
    alone = Counter(structure_alone().values())
    sys.stdout.write(f"By structure alone: {dict(alone)}\n")


if __name__ == "__main__":
    main()

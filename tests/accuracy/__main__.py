"""Prints how accurate the classification is: ``python -m tests.accuracy``."""

import os
import sys


def main() -> None:
    """Print a confusion matrix for each file of errors."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
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


if __name__ == "__main__":
    main()

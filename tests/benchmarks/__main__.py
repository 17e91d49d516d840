"""Runs every benchmark of this folder: ``main()`` of each module ``bench_*``."""

import importlib
import logging
import os
import sys
from pathlib import Path

import django


def main() -> None:
    """Run the benchmarks whose names hold one of the arguments, or all of them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.WARNING)  # failing turns are meant to fail
    wanted = sys.argv[1:]
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        if not wanted or any(part in path.stem for part in wanted):
            sys.stdout.write(f"\n{path.stem}\n")
            sys.stdout.flush()
            importlib.import_module(f"tests.benchmarks.{path.stem}").main()


if __name__ == "__main__":
    main()

"""Makes a test of a run that failed: what the provider answered, played again offline."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from chatdebug.cassettes.making import Made, NoCassette, make_cassette
from chatdebug.cassettes.playing import NotPlayed
from chatdebug.cassettes.replaying import Result, replay
from chatdebug.cassettes.sdks import UnknownCall
from chatdebug.cassettes.source import name_of_test, source_of
from chatdebug.conf import recorder_settings
from chatdebug.enums import ErrorKind, Evidence
from chatdebug.formats import printable
from chatdebug.management.files import write_whole
from chatdebug.management.piped import PipedCommand
from chatdebug.management.runs import WRONG_USE, add_run_arguments, run_of

HAS_CONTENT = (
    "The cassette holds what somebody wrote, and what was answered: keep it where you may "
    "keep that."
)

HERE = {
    Result.WENT_WELL: "Here it does not fail: the call that the test makes goes well.",
    Result.ANOTHER: "Here it fails in another way:",
    Result.TAKEN_FOR_ANOTHER_KIND: "Here it is known already:",
}
"""What the test would hide: it is there to fail as the run did."""


class Command(PipedCommand):
    """Write a test and its cassette."""

    help = (
        "Writes a test for pytest and a cassette, which make the failure of a run happen "
        "again, offline. The test is red until the failure is known or mended."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run, and what the test is to be like."""
        add_run_arguments(parser)
        parser.add_argument(
            "--out",
            type=Path,
            metavar="FILE",
            help="the test's file; the cassette is beside it, as .json "
            "(default: a name in this folder)",
        )
        parser.add_argument(
            "--with-content",
            action="store_true",
            help="play what was really asked and answered, where it was kept",
        )
        parser.add_argument(
            "--kind",
            choices=[kind for kind in ErrorKind.values if kind != ErrorKind.GENERIC],
            help="what the failure is to be taken for (default: anything that is known)",
        )
        parser.add_argument(
            "--replace", action="store_true", help="write over files that are there"
        )
        parser.add_argument("--json", action="store_true", help="say it as JSON")

    def handle(
        self, *args: Any, out: Path | None, with_content: bool, **options: Any
    ) -> None:
        """Write both. Raises CommandError where nothing can be made of the run."""
        document = run_of(
            options["run"], export=options["export"], database=options["database"]
        )
        sdk = options["sdk"] or ""
        try:
            made = make_cassette(document, with_content=with_content, sdk=sdk)
            test = out or Path(f"{name_of_test(made)}.py")
            cassette = test.with_suffix(".json")
            source = source_of(
                made,
                cassette_name=cassette.name,
                call="" if sdk else recorder_settings().PLAYED_CALL,
                kind=options["kind"] or "",
            )
        except (NoCassette, UnknownCall) as error:
            raise CommandError(printable(str(error)), returncode=WRONG_USE) from error
        _refuse_others([test, cassette], replace=options["replace"])
        write_whole([made.cassette.as_text()], cassette)
        write_whole([source], test)
        if made.has_recorded_answer or made.asked.evidence is Evidence.FULL:
            self.stderr.write(self.style.WARNING(HAS_CONTENT))
        if different := _what_comes_here(made, by_library=bool(sdk)):
            self.stderr.write(self.style.WARNING(printable(different)))
        said = {"test": str(test), "cassette": str(cassette)}
        self.stdout.write(
            json.dumps(said)
            if options["json"]
            else printable(f"{test} and {cassette} written.")
        )


def _what_comes_here(made: Made, *, by_library: bool) -> str:
    """Return in what playing it in this project differs from the run; empty if in nothing."""
    try:
        replayed = replay(made, by_library=by_library)
    except (ImportError, NotPlayed, UnknownCall) as error:
        return f"Here it cannot be played: {error}"
    outcome = replayed.outcome
    if replayed.result is Result.SAME:
        return ""
    found = " ".join(filter(None, [outcome.kind, outcome.rule, outcome.sentence]))
    return f"{HERE[replayed.result]} {found}".rstrip()


def _refuse_others(files: list[Path], *, replace: bool) -> None:
    if files[0].suffix != ".py":
        raise CommandError("The test's file ends with .py.", returncode=WRONG_USE)
    if not replace and (there := [file for file in files if file.exists()]):
        names = printable(", ".join(map(str, there)))
        raise CommandError(f"Already there: {names}.", returncode=WRONG_USE)

"""Plays the failure of a run again, and says whether today's code still fails so."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from chatdebug.cassettes.making import Made, NoCassette, make_cassette
from chatdebug.cassettes.playing import NotPlayed
from chatdebug.cassettes.replaying import Replayed, Result, replay
from chatdebug.cassettes.sdks import UnknownCall
from chatdebug.deployment_rules import loaded_rules
from chatdebug.formats import printable
from chatdebug.management.piped import PipedCommand
from chatdebug.management.runs import WRONG_USE, add_run_arguments, run_of

NOT_SAME = 1
SENTENCES = {
    Result.SAME: "It still fails in the same way.",
    Result.TAKEN_FOR_ANOTHER_KIND: "It fails in the same way, and is known as another kind.",
    Result.WENT_WELL: "The call goes well now.",
    Result.ANOTHER: "It fails in another way.",
}


class Command(PipedCommand):
    """Play one run."""

    help = (
        "Plays the failure of a run again, offline, through this project's code. Ends with "
        "0 if it still fails in the same way, with 1 if not, with 2 if it cannot be played."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run."""
        add_run_arguments(parser)
        parser.add_argument("--json", action="store_true", help="say it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what came of it. Exits with 1 if that is not what was captured.

        Raises CommandError with 2 for what cannot be played.
        """
        document = run_of(
            options["run"], export=options["export"], database=options["database"]
        )
        try:
            loaded_rules.load(using=options["database"])
        except DatabaseError as error:
            self.stderr.write(
                f"Played without rules of your own: {type(error).__name__}."
            )
        sdk = options["sdk"] or ""
        try:
            made = make_cassette(document, with_content=True, sdk=sdk)
            replayed = replay(made, by_library=bool(sdk))
        except (ImportError, NoCassette, NotPlayed, UnknownCall) as error:
            raise CommandError(printable(str(error)), returncode=WRONG_USE) from error
        text = (
            json.dumps(_as_json(made, replayed))
            if options["json"]
            else "\n".join(_lines(made, replayed))
        )
        self.stdout.write(printable(text))
        if replayed.result is not Result.SAME:
            sys.exit(NOT_SAME)


def _as_json(made: Made, replayed: Replayed) -> dict[str, Any]:
    outcome, captured = replayed.outcome, made.cassette
    return {
        "result": replayed.result.value,
        "kind": outcome.kind,
        "rule": outcome.rule,
        "fingerprint": outcome.fingerprint,
        "sentence": outcome.sentence,
        "captured": {
            "kind": captured.error["kind"],
            "rule": captured.error["rule"],
            "fingerprint": captured.fingerprint,
        },
        "answer": "recorded" if made.has_recorded_answer else "rebuilt",
    }


def _lines(made: Made, replayed: Replayed) -> list[str]:
    outcome, captured = replayed.outcome, made.cassette.error
    lines = [SENTENCES[replayed.result]]
    if outcome.kind:
        lines.append(f"now: {outcome.kind} {outcome.rule} {outcome.fingerprint}")
        lines.append(f"     {outcome.sentence}")
    then = f"{captured['kind']} {captured['rule']} {made.cassette.fingerprint}"
    lines.append(f"then: {then}")
    if not made.has_recorded_answer:
        lines.append("The answer was not kept; it was made again of the error.")
    return [line.rstrip() for line in lines]

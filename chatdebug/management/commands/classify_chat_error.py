"""Says what the recorder would make of an error, by the deployment's own rules first."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import Error as DatabaseError

from chatdebug.deployment_rules import loaded_rules
from chatdebug.errors import (
    RULES,
    Classification,
    ErrorFacts,
    build_facts,
    classify,
    classify_facts,
    explain,
)
from chatdebug.formats import printable
from chatdebug.management.jsonl import answer_lines
from chatdebug.management.piped import PipedCommand

STANDARD_INPUTS = ("message", "status_code", "error_type", "error_code")
INPUTS = (*STANDARD_INPUTS, "response_body", "headers", "provider", "exception")
PARTS = {
    "eof": "EOFError",
    "transport_reset": "ConnectionResetError",
    "plain": "",
    "http2_reset": "",
}
"""What stands for a class of exceptions, whatever language it was raised in."""


class Command(PipedCommand):
    """Classify one message, or one error a line."""

    help = "Shows what kind of error something is, and which rule says so."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a message, or read lines."""
        parser.add_argument("message", nargs="?", help="the error's text")
        parser.add_argument(
            "--jsonl",
            action="store_true",
            help=f"read one JSON object a line from stdin, with any of {', '.join(INPUTS)}",
        )
        parser.add_argument("--provider", default="", help="who answered")
        parser.add_argument("--status", type=int, help="the response's HTTP status")
        parser.add_argument(
            "--explain", action="store_true", help="show what was read and tried"
        )
        parser.add_argument(
            "--rules",
            action="store_true",
            help="list the rules in their order, the deployment's own first",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer. Raises CommandError without anything to classify, or for a bad line."""
        self.load_custom_rules()
        if options["rules"]:
            for rule in (*loaded_rules.current(), *RULES):
                retried = "retryable" if rule.retryable else ""
                mode = "in shadow" if rule.is_shadow else ""
                line = f"{rule.id:32} {rule.kind:24} {retried:12} {mode}"
                self.stdout.write(line.rstrip())
        elif options["jsonl"]:
            failures = answer_lines(sys.stdin, self.stdout, _answer)
            if failures:
                raise CommandError(f"{failures} lines could not be read.")
        elif options["message"]:
            facts = build_facts(
                message=options["message"],
                status_code=options["status"],
                provider=options["provider"],
            )
            if options["explain"]:
                self.explain(facts)
            self.show(classify_facts(facts))
        else:
            raise CommandError("Give a message, or --jsonl with lines on stdin.")

    def load_custom_rules(self) -> None:
        """Read the deployment's rules; without its database, say that they are left out."""
        try:
            loaded_rules.load()
        except DatabaseError as error:
            self.stderr.write(
                "The deployment's own rules could not be read from the database "
                f"({type(error).__name__}): only the built-in ones are used."
            )

    def explain(self, facts: ErrorFacts) -> None:
        """Print what was read out of the error, and each rule that was tried."""
        for name in (
            "status_code",
            "codes",
            "classes",
            "provider",
            "reason",
            "lead",
            "head",
        ):
            value = getattr(facts, name)
            shown = sorted(value) if isinstance(value, frozenset) else value
            self.stdout.write(printable(f"read  {name}: {json.dumps(shown)}"))
        for rule, fired in explain(facts):
            self.stdout.write(f"{'fired' if fired else 'tried'} {rule.id}")
        self.stdout.write("")

    def show(self, classification: Classification) -> None:
        """Print a result for people."""
        captured = "recorded" if classification.captured else "not recorded"
        self.stdout.write(
            f"kind         {classification.kind} ({captured} at the errors level)"
        )
        self.stdout.write(f"rule         {classification.rule}")
        self.stdout.write(f"retryable    {'yes' if classification.retryable else 'no'}")
        for name in ("retry_after", "status_code", "provider", "detail"):
            if value := getattr(classification, name):
                self.stdout.write(printable(f"{name:12} {value}"))
        told = f"the user is told: {classification.message} {classification.advice}"
        self.stdout.write(printable(told))


def _answer(data: dict[str, Any]) -> dict[str, Any]:
    """Return the result for one line. Raises ValueError for what no error has."""
    if unknown := sorted(data.keys() - set(INPUTS)):
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    classification = _classified(data)
    return {
        "kind": classification.kind.value,
        "retryable": classification.retryable,
        "status_code": classification.status_code,
        "provider": classification.provider,
        "retry_after_seconds": classification.retry_after,
        "rule": classification.rule,
    }


def _classified(data: dict[str, Any]) -> Classification:
    status, exception = (
        _status(data.get("status_code")),
        str(data.get("exception") or ""),
    )
    provider = str(data.get("provider") or "")
    body = data.get("response_body")
    if exception in ("cancelled", "CancelledError") and status is None:
        return classify(KeyboardInterrupt(), provider=provider)
    if exception in ("deadline", "TimeoutError") and status is None and not body:
        return classify(TimeoutError(), provider=provider)
    return classify_facts(
        build_facts(
            message=str(data.get("message") or ""),
            body=body if isinstance(body, str) else json.dumps(body) if body else "",
            status_code=status,
            error_type=data.get("error_type") or "",
            error_code=data.get("error_code") or "",
            headers=_headers(data.get("headers")),
            provider=provider,
            classes=[PARTS.get(exception, exception.rpartition(".")[2])],
        )
    )


def _status(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ValueError("status_code is not a number")
    return int(str(value)) or None


def _headers(value: object) -> dict[str, str]:
    if not value:
        return {}
    if not isinstance(value, dict):
        raise TypeError("headers are not an object")
    return {
        str(name): ", ".join(map(str, item)) if isinstance(item, list) else str(item)
        for name, item in value.items()
    }

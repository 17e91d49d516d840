"""Rules as a file, from one deployment to another: what they ask, and nothing of whom.

A rule leaves without its key, its note and its numbers; of its text, what looks like an
id, a number or an address becomes ``*``. A name that is spelled out in a text stays: who
hands a file on reads it first, which is why it is short.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext, ngettext

from chatdebug.enums import RuleMode
from chatdebug.errors.fingerprint import ID, VOLATILE
from chatdebug.errors.rules import text_pattern
from chatdebug.models import ClassificationRule
from chatdebug.payloads import clean
from chatdebug.redaction import configured_secrets, redact_text

FORMAT = "chatdebug.rules"
VERSION = 1
MAX_BYTES = 1024 * 1024
MAX_RULES = 1_000
MAIL_ADDRESS = re.compile(r"\S+@\S+")
TYPES: dict[str, type] = {
    "provider": str,
    "status_code": int,
    "code": str,
    "text": str,
    "kind": str,
    "retryable": bool,
    "back_to_shadow": bool,
    "position": int,
}
"""What a file says of a rule, each as a column of the same name."""


class RuleFileError(ValueError):
    """A file of rules that cannot be taken in; its text is for people."""


@dataclass(frozen=True, slots=True)
class Exported:
    """Rules as they leave, and how many cannot: nothing would be left of their text."""

    document: dict[str, Any]
    rules: list[ClassificationRule]
    """Those that are in it."""
    left_out: int

    @property
    def text(self) -> str:
        """The file."""
        return f"{json.dumps(self.document, indent=2, ensure_ascii=False)}\n"

    @property
    def note(self) -> str:
        """How many were left out, and why; empty if none were."""
        if not self.left_out:
            return ""
        words = ngettext(
            "%s rule left out: what it asks for is an id, or may hold a secret.",
            "%s rules left out: what they ask for is an id, or may hold a secret.",
            self.left_out,
        )
        return words % f"{self.left_out:,}"


@dataclass(frozen=True, slots=True)
class Imported:
    """The rules that were stored, and how many were there already."""

    rules: list[ClassificationRule]
    known: int


def export_rules(*, rules: Iterable[ClassificationRule]) -> Exported:
    """Return rules as a document that says nothing of this deployment."""
    found = [(rule, _portable(rule)) for rule in rules]
    kept = [(rule, entry) for rule, entry in found if entry is not None]
    entries = [entry for _, entry in kept]
    document = {"format": FORMAT, "version": VERSION, "rules": entries}
    return Exported(document, [rule for rule, _ in kept], len(found) - len(kept))


def import_rules(*, content: bytes, using: str | None = None) -> Imported:
    """Store the rules of a file, in shadow; those that are there already stay as they are.

    All or nothing. Raises RuleFileError for what is no such file, or holds a rule that
    could not be made by hand.
    """
    manager = ClassificationRule.objects.using(using)
    rules = [
        _checked(number, entry) for number, entry in enumerate(_entries(content), 1)
    ]
    with transaction.atomic(using=manager.db):
        there = {_says(rule) for rule in manager.all()}
        new = {_says(rule): rule for rule in rules if _says(rule) not in there}
        for rule in new.values():
            rule.save(using=manager.db, force_insert=True)
    return Imported(list(new.values()), len(rules) - len(new))


def _portable(rule: ClassificationRule) -> dict[str, Any] | None:
    if not configured_secrets.are_known():
        return None  # a note in place of its text would be another rule
    entry = {name: getattr(rule, name) for name in TYPES}
    text = VOLATILE.sub("*", MAIL_ADDRESS.sub("*", redact_text(rule.text)))
    if text != rule.text:
        try:
            text_pattern(text)
        except ValueError:
            return None
        entry["text"] = text
    if any(ID.search(entry[name]) for name in ("provider", "code")):
        return None
    return {name: value for name, value in entry.items() if value not in ("", None)}


def _entries(content: bytes) -> list[Any]:
    if len(content) > MAX_BYTES:
        raise RuleFileError(gettext("The file is larger than 1 MB."))
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RuleFileError(gettext("The file is not JSON.")) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise RuleFileError(gettext("The file holds no exported rules."))
    if document.get("version") != VERSION:
        raise RuleFileError(gettext("The file is of another version."))
    entries = document.get("rules")
    if not isinstance(entries, list):
        raise RuleFileError(gettext("The file holds no exported rules."))
    if len(entries) > MAX_RULES:
        raise RuleFileError(gettext("The file holds more than 1,000 rules."))
    return entries


def _checked(number: int, entry: object) -> ClassificationRule:
    """Return a rule as a file has it. Raises RuleFileError, which names the rule."""
    problem = _problem(entry)
    if problem or not isinstance(entry, dict):
        raise RuleFileError(_of_rule(number, problem))
    rule = ClassificationRule(**entry, mode=RuleMode.SHADOW)
    try:
        rule.full_clean()
    except ValidationError as error:
        raise RuleFileError(_of_rule(number, " ".join(error.messages))) from error
    return rule


def _problem(entry: object) -> str:
    """Return what is wrong with the form of an entry; nothing if that is right."""
    if not isinstance(entry, dict):
        return gettext("It is no object.")
    said: dict[str, object] = entry
    if unknown := sorted(said.keys() - TYPES.keys()):
        return gettext("Nothing is known of %s.") % repr(unknown[0][:50])
    for name, value in said.items():
        # A bool is an int to Python, and not to whoever wrote the file.
        if type(value) is not TYPES[name]:
            return gettext("%s has a value of another type.") % name
        if isinstance(value, str) and clean(value) != value:
            return gettext("%s holds characters that cannot be stored.") % name
    return ""


def _of_rule(number: int, problem: str) -> str:
    return gettext("Rule %(number)s: %(problem)s") % {
        "number": number,
        "problem": problem,
    }


def _says(rule: ClassificationRule) -> tuple[object, ...]:
    """Return what makes two rules the same one: all but their order."""
    names = ("provider", "status_code", "code", "text", "kind", "retryable")
    return tuple(getattr(rule, name) for name in names)

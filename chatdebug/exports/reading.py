"""Documents that somebody wrote: whether they can be read, and whether what they say holds.

Nothing of a database is asked, so that anybody can check a file that was handed to them.
A document is read once for each purpose, a run at a time: a file may be larger than memory.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any

from django.utils.translation import gettext

from chatdebug.exports.canonical import canonical, enclose
from chatdebug.exports.document import FORMAT, VERSION
from chatdebug.exports.incremental import JsonReader, MalformedJson
from chatdebug.exports.receipt import KINDS, OTHER, markers, self_test
from chatdebug.exports.share_safe import is_share_safe
from chatdebug.redaction.version import rules_version

A_KIND = "|".join(map(re.escape, {*KINDS.values(), OTHER}))
AROUND_RUNS: dict[str, re.Pattern[str]] = {
    "generator": re.compile(r'"chatdebug(?: [\w.+!-]{1,40})?"'),
    "exported_at": re.compile(r'"[\dT:.Z-]{20,27}"'),
    "sha256": re.compile(r'"[0-9a-f]{64}"'),
    "runs": re.compile(r"\d{1,12}"),
    "removed": re.compile(rf'{{(?:"(?:{A_KIND})":\d{{1,12}},?)*}}'),
    "rules": re.compile(r'"[0-9a-f]{16}"'),
    "canary": re.compile(r'\{"leaked":\d{1,9},"tried":\d{1,9}\}'),
}
"""What else stands in a share-safe document and its receipt, as canonical JSON."""
NAMED = frozenset(["format", "version", "share_safe", "receipt"])
"""Keys whose values were looked at before."""


class UnreadableDocument(ValueError):
    """This is no document of exported runs, or one that this release cannot read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    check: str
    """A stable name: ``hash``, ``runs``, ``removed``, ``share_safe`` or ``canary``."""
    holds: bool
    says: str
    """The result as a sentence."""


class Document:
    """A document in a file, which stays open for as long as its runs are asked for."""

    def __init__(self, file: IO[str]) -> None:
        """Read it once. Raises UnreadableDocument if there is none in the file.

        The file is one that can be read again from its beginning.
        """
        self._file = file
        self.fields: dict[str, Any] = {}
        """What stands around the runs, by its keys: ``format``, ``receipt`` and others."""
        self.run_count = 0
        are_runs = True
        for run in self._read(self.fields):
            self.run_count += 1
            are_runs = are_runs and isinstance(run, dict)
        _refuse_unknown(self.fields)
        if not isinstance(self.fields.pop("runs", None), list) or not are_runs:
            raise UnreadableDocument(gettext("The file's runs are not a list of runs."))
        if not isinstance(self.fields.get("receipt"), dict):
            raise UnreadableDocument(gettext("The file has no receipt."))

    @property
    def receipt(self) -> dict[str, Any]:
        """What the file says of itself."""
        receipt: dict[str, Any] = self.fields["receipt"]
        return receipt

    @property
    def is_share_safe(self) -> bool:
        """Whether it says that no run holds content."""
        return self.fields.get("share_safe") is True

    def runs(self) -> Iterator[dict[str, Any]]:
        """Yield the runs, each read when it is asked for.

        Raises UnreadableDocument if the file was damaged meanwhile.
        """
        return self._read({})

    def _read(self, fields: dict[str, Any]) -> Iterator[Any]:
        """Yield the runs, and collect what stands around them; an empty list for them."""
        try:
            self._file.seek(0)
            reader = JsonReader(self._file)
            if reader.next_character() != "{":
                reader.value()
                raise UnreadableDocument(gettext("The file holds no exported runs."))
            for key in reader.names():
                if key in fields:
                    raise UnreadableDocument(gettext("The file says something twice."))
                if key == "runs" and reader.next_character() == "[":
                    fields[key] = []
                    yield from reader.items()
                else:
                    fields[key] = reader.value()
            reader.end()
        except MalformedJson as error:
            raise UnreadableDocument(gettext("The file is not JSON.")) from error


def _refuse_unknown(fields: dict[str, Any]) -> None:
    if fields.get("format") != FORMAT:
        raise UnreadableDocument(gettext("The file holds no exported runs."))
    version = fields.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        words = gettext("This release reads version %s of exports and none after it.")
        raise UnreadableDocument(words % VERSION)


def check_document(document: Document) -> list[Finding]:
    """Return all that is promised of a document, and whether it holds.

    Raises UnreadableDocument as ``runs`` does.
    """
    removed: Counter[str] = Counter()
    kept = 0
    found = sha256()

    def texts() -> Iterator[list[str]]:
        nonlocal kept
        for run in document.runs():
            if document.is_share_safe:
                kept += not is_share_safe(run)
            else:
                # In other documents what redaction left can be counted again.
                removed.update(markers(run))
            yield [canonical(run)]

    fields = {key: item for key, item in document.fields.items() if key != "receipt"}
    for text in enclose(fields, "runs", texts()):
        found.update(text.encode())
    return [
        _hash(document, found.hexdigest()),
        _count(document),
        _share_safe(document, kept)
        if document.is_share_safe
        else _removed(document, removed),
        _canary(),
    ]


def _hash(document: Document, found: str) -> Finding:
    holds = found == document.receipt.get("sha256")
    says = (
        gettext("The document is as it was written: SHA-256 %s.")
        if holds
        else gettext(
            "The document was changed after it was written: SHA-256 is now %s."
        )
    )
    return Finding("hash", holds, says % found)


def _count(document: Document) -> Finding:
    holds = document.receipt.get("runs") == document.run_count
    words = gettext("Runs in the document: %s, as the receipt says.")
    if not holds:
        words = gettext("Runs in the document: %s; the receipt says otherwise.")
    return Finding("runs", holds, words % f"{document.run_count:,}")


def _removed(document: Document, found: Counter[str]) -> Finding:
    holds = document.receipt.get("removed") == dict(found)
    words = gettext("Secrets that redaction had removed: %s, as the receipt says.")
    if not holds:
        words = gettext("Secrets that redaction had removed: %s; the receipt differs.")
    return Finding("removed", holds, words % f"{found.total():,}")


def _share_safe(document: Document, kept: int) -> Finding:
    holds = not kept and _is_bare(document)
    if holds:
        says = gettext("The document is share-safe: no run holds content.")
    elif kept:
        says = gettext("The document is not share-safe: runs that hold content: %s.")
        says %= f"{kept:,}"
    else:
        says = gettext("The document is not share-safe: more than runs is in it.")
    return Finding("share_safe", holds, says)


def _is_bare(document: Document) -> bool:
    """Return whether what stands around the runs is what an export writes there."""
    around = {key: item for key, item in document.fields.items() if key not in NAMED}
    around |= document.receipt
    return all(
        key in AROUND_RUNS and AROUND_RUNS[key].fullmatch(canonical(value))
        for key, value in around.items()
    )


def _canary() -> Finding:
    """Try the redaction of this release: whoever reads on relies on it, too."""
    results = self_test()
    holds = not results["leaked"]
    words = (
        gettext("Redaction removes all %(tried)s made-up secrets (rules %(rules)s).")
        if holds
        else gettext("Redaction let %(leaked)s of %(tried)s made-up secrets through.")
    )
    return Finding("canary", holds, words % {**results, "rules": rules_version()})

"""Documents that somebody wrote: whether they can be read, and whether what they say holds.

Nothing of a database is asked, so that anybody can check a file that was handed to them.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any

from django.utils.translation import gettext

from chatdebug.exports.canonical import canonical
from chatdebug.exports.document import FORMAT, VERSION
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
NAMED = frozenset(["format", "version", "share_safe", "runs", "receipt"])
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


def read_document(file: IO[str]) -> dict[str, Any]:
    """Return the document in a file. Raises UnreadableDocument if there is none in it."""
    try:
        document = json.load(file)
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument(gettext("The file is not JSON.")) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UnreadableDocument(gettext("The file holds no exported runs."))
    version = document.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        words = gettext("This release reads version %s of exports and none after it.")
        raise UnreadableDocument(words % VERSION)
    runs, receipt = document.get("runs"), document.get("receipt")
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise UnreadableDocument(gettext("The file's runs are not a list of runs."))
    if not isinstance(receipt, dict):
        raise UnreadableDocument(gettext("The file has no receipt."))
    return document


def check_document(document: dict[str, Any]) -> list[Finding]:
    """Return all that is promised of a document which was read, and whether it holds."""
    findings = [_hash(document), _count(document)]
    if document.get("share_safe") is True:
        findings.append(_share_safe(document))
    else:
        findings.append(_removed(document))
    return [*findings, _canary()]


def _hash(document: dict[str, Any]) -> Finding:
    body = {key: value for key, value in document.items() if key != "receipt"}
    found = sha256(canonical(body).encode()).hexdigest()
    holds = found == document["receipt"].get("sha256")
    says = (
        gettext("The document is as it was written: SHA-256 %s.")
        if holds
        else gettext(
            "The document was changed after it was written: SHA-256 is now %s."
        )
    )
    return Finding("hash", holds, says % found)


def _count(document: dict[str, Any]) -> Finding:
    count = len(document["runs"])
    holds = document["receipt"].get("runs") == count
    words = gettext("Runs in the document: %s, as the receipt says.")
    if not holds:
        words = gettext("Runs in the document: %s; the receipt says otherwise.")
    return Finding("runs", holds, words % f"{count:,}")


def _removed(document: dict[str, Any]) -> Finding:
    """Check the count of markers: in a document that is not share-safe they can be seen."""
    found = dict(Counter(markers(document["runs"])))
    holds = document["receipt"].get("removed") == found
    words = gettext("Secrets that redaction had removed: %s, as the receipt says.")
    if not holds:
        words = gettext("Secrets that redaction had removed: %s; the receipt differs.")
    return Finding("removed", holds, words % f"{sum(found.values()):,}")


def _share_safe(document: dict[str, Any]) -> Finding:
    kept = sum(not is_share_safe(run) for run in document["runs"])
    holds = not kept and _is_bare(document)
    if holds:
        says = gettext("The document is share-safe: no run holds content.")
    elif kept:
        says = gettext("The document is not share-safe: runs that hold content: %s.")
        says %= f"{kept:,}"
    else:
        says = gettext("The document is not share-safe: more than runs is in it.")
    return Finding("share_safe", holds, says)


def _is_bare(document: dict[str, Any]) -> bool:
    """Return whether what stands around the runs is what an export writes there."""
    around = {key: value for key, value in document.items() if key not in NAMED}
    around |= document["receipt"]
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

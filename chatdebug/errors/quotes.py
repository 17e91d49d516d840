"""What is quoted below the sentence about a failure: words that add something to it."""

import re

from chatdebug.errors.sentences import Cause

OUR_WORDS = frozenset(
    [
        Cause.SILENCE,
        Cause.INCOMPLETE,
        Cause.UNREADABLE,
        Cause.BROKEN_OFF,
        Cause.PAGE,
        Cause.ANSWER_BLOCKED,
    ]
)
"""Causes that no provider explains: what is known of them are an exception's words, for
those who look into the details."""
PHRASE = re.compile(r".+?(?:[.!?]+\s+|\n+|\Z)", re.DOTALL)
REPEATED = "… "
WORTH_LEAVING_OUT = 20
"""Characters of a phrase: shorter ones, such as numbers, may well come twice."""
WORD = re.compile(r"[^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}]\w+)?")
FILLER = frozenset(
    WORD.findall(
        "a about after again an and api apologies apologize are at authentication be been "
        "billing busy by can capacity check credentials current currently details due "
        "encountered error exceeded experiencing failed for had has have high if in "
        "inconvenience incorrect internal invalid is issue issues it key later limit load "
        "may moment of on once our overloaded plan please problem processing provided "
        "quota request requests retry sent server servers service some something sorry "
        "temporarily that the there this to try unauthorized unavailable usage was we "
        "went were while will with wrong you your"
    )
)
"""Words of which providers make the sentences that say no more than that it failed so."""
TOLD_BY_SENTENCE = frozenset(
    [
        Cause.OVERLOADED,
        Cause.SERVER_ERROR,
        Cause.GATEWAY,
        Cause.KEY,
        Cause.USAGE_LIMIT,
    ]
)
"""Causes of which those words say nothing that our own sentence does not say."""
REDACTED = re.compile(r"\[REDACTED:[^\]]*\]")
NUMBER = re.compile(r"\d[\d,_.]*")


def quote_of(cause: Cause, said: str, sentence: str) -> str:
    """Return what is quoted of what was said; nothing that ``sentence`` says already.

    A phrase that comes again and again is quoted once, with ``…`` for the others.
    """
    if cause in OUR_WORDS:
        return ""
    if cause in TOLD_BY_SENTENCE and _words(said) <= FILLER | _words(sentence):
        return ""
    sizes = _numbers(said)
    if cause is Cause.TOO_LONG and sizes and sizes <= _numbers(sentence):
        return ""
    return _without_repetition(said)


def _words(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(REDACTED.sub("", text))}


def _numbers(text: str) -> set[str]:
    return {re.sub(r"\D", "", found) for found in NUMBER.findall(text)}


def _without_repetition(text: str) -> str:
    shown = list[str]()
    for phrase in PHRASE.findall(text):
        said, mark, rest = phrase.partition("…")
        # Of a text that was cut, the last phrase may be the beginning of an earlier one.
        if mark and any(one.startswith(said.rstrip()) for one in shown):
            shown.append(mark + rest)
        elif phrase not in shown or len(phrase) < WORTH_LEAVING_OUT:
            shown.append(phrase)
        elif shown[-1] != REPEATED:
            shown.append(REPEATED)
    return "".join(shown).replace(REPEATED + "…", "…").strip()

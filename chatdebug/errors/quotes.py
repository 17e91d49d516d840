"""What is quoted below the sentence about a failure: words that add something to it."""

import re
from http import HTTPStatus

from django.utils.translation import gettext

from chatdebug.errors.sentences import Cause
from chatdebug.redaction.patterns import MARKERS

OUR_WORDS = frozenset(
    [
        Cause.SILENCE,
        Cause.INCOMPLETE,
        Cause.UNREADABLE,
        Cause.BROKEN_OFF,
        Cause.PAGE,
    ]
)
"""Causes that no provider explains: what is known of them are an exception's words, for
those who look into the details."""
PHRASE = re.compile(r".+?(?:[.!?]+\s+|\n+|\Z)", re.DOTALL)
REPEATED = "… "
LEFT_OUT = re.compile(
    r"\s*… (?P<more>more than )?(?P<left>[\d,]+) characters left out\Z"
)
"""As ``clip_end`` ends a text of which it keeps the beginning."""
WORTH_LEAVING_OUT = 20
"""Characters of a phrase: shorter ones, such as numbers, may well come twice."""
EXPLAINED = frozenset(
    [
        *(Cause.OVERLOADED, Cause.RATE_LIMIT, Cause.SERVER_ERROR, Cause.USAGE_LIMIT),
        *(Cause.KEY, Cause.PERMISSION, Cause.NO_MODEL, Cause.SETTING, Cause.TOO_LONG),
        *(Cause.REJECTED, Cause.REQUEST_BLOCKED, Cause.ANSWER_BLOCKED),
    ]
)
"""Causes of which a provider knows why: that it does not say so is worth telling."""
WORDLESS = re.compile(
    r"(?:status_code: \d{3}, model_name: \S*, body: (?:None|''|\"\"|\{\})|"
    r"(?:error code|http(?: error)?|status(?: code)?)?:? ?\d{3}(?:[: -]+(?P<phrase>.*))?|"
    r"the response was blocked by the content filter|an api error occurred|"
    r"(?:(?:invalid|malformed) )?(?:request|input)(?: error)?|invalid_request_error)\.?",
    re.IGNORECASE,
)
"""What clients say of an answer without a word, we of one that was held back, and
providers of a request without a reason."""
EMPTY_WORDS = re.compile(
    r"(?:(?:the|your) )?request (?:is|was) (?:not valid|invalid|malformed|rejected)\.?",
    re.IGNORECASE,
)
"""A sentence of a provider that gives no reason."""
SAME_AS_SENTENCE = {
    Cause.OVERLOADED: re.compile(
        r"(?:(?:our |the )?(?:servers?|models?|services?|engine)(?: \S+)? (?:is|are) )?"
        r"(?:currently )?overloaded(?: with other requests)?(?: right now)?[.!]?"
        r"(?: please (?:try again|retry)(?: later)?[.!]?)?",
        re.IGNORECASE,
    ),
    Cause.SERVER_ERROR: re.compile(
        r"(?:(?:the server|we) (?:had|encountered) an error(?: while processing your "
        r"request)?|an? (?:internal|unexpected) (?:server )?error(?: has)? occurred|"
        r"something went wrong|internal error)[.!]?"
        r"(?: sorry about that[.!]?)?(?: please (?:try again|retry)(?: later)?[.!]?)?",
        re.IGNORECASE,
    ),
    Cause.KEY: re.compile(
        r"(?:incorrect|invalid)(?: x-)?[ -]?api[ -]key(?: provided)?"
        rf"(?:: ?(?:{MARKERS.pattern}|\S*\*{{3}}\S*))?[.!]?"
        r"(?: you can find your api key at \S+)?",
        re.IGNORECASE,
    ),
    Cause.NO_MODEL: re.compile(
        r"(?:the )?model:? \S+ (?:does not exist|was not found|not found)"
        r"(?: or you do not have access to it)?[.!]?",
        re.IGNORECASE,
    ),
}
"""What says of a cause no more than its own sentence does."""
OF_A_CATEGORY = "The response was blocked by the content filter ("
"""How ``ContentFilteredError`` begins with a category, which the sentence has."""
PHRASES = frozenset(["none", *(status.phrase.lower() for status in HTTPStatus)])
NUMBER = re.compile(r"\d[\d,_.]*")


def quote_of(cause: Cause, said: str, sentence: str) -> str:
    """Return what is quoted of what was said; nothing that ``sentence`` says already.

    That is decided here alone, for each place where something is quoted.

    A phrase that comes again and again is quoted once, with ``…`` for the others. Of a
    text that was cut it is said how much of it is quoted. What stands for a secret is said
    in words.
    """
    is_ours = cause in OUR_WORDS or said.startswith(OF_A_CATEGORY)
    if is_ours or _is_wordless(said) or _is_said_already(cause, said):
        return ""
    sizes = _numbers(said)
    if cause is Cause.TOO_LONG and sizes and sizes <= _numbers(sentence):
        return ""
    said = _without_markers(said)
    if (cut := LEFT_OUT.search(said)) is None:
        return _without_repetition(said)
    kept = said[: cut.start()]
    if line := repeated(said):
        return line
    quoted = _without_repetition(kept, is_cut=True).removesuffix("…").rstrip()
    words = gettext("the first %(quoted)s of %(length)s characters")
    part = words % {"quoted": f"{len(kept.strip()):,}", "length": _length_told(said)}
    return f"{quoted} … [{part}]"


def told_already(cause: Cause, said: str) -> str:
    """Return what was said, if it says no more of a cause than its own sentence."""
    return _without_markers(said.strip()) if _is_said_already(cause, said) else ""


def _length_told(said: str) -> str:
    """Return how many characters a text had, such as: more than 9,999."""
    cut = LEFT_OUT.search(said)
    if cut is None:
        return f"{len(said):,}"
    length = f"{cut.start() + int(cut['left'].replace(',', '')):,}"
    return gettext("more than %s") % length if cut["more"] else length


def repeated(said: str) -> str:
    """Return the one phrase that all of a long text is; nothing of another text."""
    cut = LEFT_OUT.search(said)
    if cut is None:
        return ""
    kept = said[: cut.start()].strip()
    line = _without_repetition(kept, is_cut=True).removesuffix("…").rstrip()
    is_one = len(line) < len(kept) and len(PHRASE.findall(line)) == 1
    return line if is_one else ""


def empty_words(said: str) -> str:
    """Return what a provider said that gives no reason; nothing if it said no sentence."""
    text = said.strip()
    return text if EMPTY_WORDS.fullmatch(text) else ""


def lacks_reason(cause: Cause, said: str) -> bool:
    """Return whether a provider that knows why it failed did not say so."""
    return cause in EXPLAINED and _is_wordless(said)


def _is_wordless(said: str) -> bool:
    text = said.strip()
    if not text or text.lower() in PHRASES or empty_words(text):
        return True
    found = WORDLESS.fullmatch(text)
    return found is not None and (found["phrase"] or "none").lower() in PHRASES


def _is_said_already(cause: Cause, said: str) -> bool:
    pattern = SAME_AS_SENTENCE.get(cause)
    return pattern is not None and pattern.fullmatch(said.strip()) is not None


def _without_markers(said: str) -> str:
    removed = gettext("[secret removed]")
    return MARKERS.sub(lambda _: removed, said)


def _numbers(text: str) -> set[str]:
    return {re.sub(r"\D", "", found) for found in NUMBER.findall(text)}


def _without_repetition(text: str, *, is_cut: bool = False) -> str:
    """Return each phrase of a text once; its last one may be cut off."""
    phrases, shown = PHRASE.findall(text), list[str]()
    # It may be the beginning of an earlier one.
    if is_cut and any(one.startswith(phrases[-1].rstrip()) for one in phrases[:-1]):
        phrases.pop()
    for phrase in phrases:
        if phrase not in shown or len(phrase) < WORTH_LEAVING_OUT:
            shown.append(phrase)
        elif shown[-1] != REPEATED:
            shown.append(REPEATED)
    return "".join(shown).strip()

"""The test of a cassette, as somebody would write it by hand."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType

from chatdebug.cassettes.making import Made
from chatdebug.cassettes.playing import sentence_of
from chatdebug.enums import ErrorKind, Evidence
from chatdebug.errors.payload import ErrorPayload
from chatdebug.formats import printable

WIDTH = 88
REASON_CHARACTERS = 300
NAME_WORDS = 8
HOME = "chatdebug.cassettes.playing"
"""Where the calls that are copied have the type of their argument from."""
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

OF_EXCEPTIONS = "known."
"""How the rules of exceptions are called that say themselves what they are. A change of what
one says leaves its rule, and what a user reads of it, as they are."""
OF_REQUESTS = {
    Evidence.ERROR: "The request is a stub: nothing of the real one was kept.",
    Evidence.SHAPE: (
        "The request is made up, of the structure and the lengths that were kept of the "
        "real one."
    ),
    Evidence.FULL: (
        "The request is the real one, without its secrets. IT HOLDS WHAT SOMEBODY WROTE: "
        "keep it where you may keep that."
    ),
}
REBUILT = (
    "The answer was made again of what was kept of the error: its status, its kind, the "
    "provider's words and how far it came. All other bytes of it are made up."
)
RECORDED = (
    "The answer is the one that came, without its secrets. What was cut of it when it was "
    "recorded is filled up."
)
NO_WORDS = (
    "The words of the error were left out of what this was made of: nothing can tell "
    "whether what is played is the same failure."
)
PAUSES = (
    "How long it took is not kept: something comes at once, after a pause, or never."
)


def source_of(made: Made, *, cassette_name: str, call: str = "", kind: str = "") -> str:
    """Return the text of a test that plays a cassette, which stands beside it.

    ``call`` is the dotted path of the project's own function that makes a call; without it
    the test has one, of the library that made the failing call. ``kind`` is what the
    failure is to be taken for. Raises UnknownCall if its library is not here.
    """
    wanted = kind or _known_kind(made.cassette.error)
    name = call.rpartition(".")[2] or "ask"
    test = [
        "",
        f"def test_{_subject(made.cassette.error)}_is_known() -> None:",
        f"    outcome = play_cassette(CASSETTE, {name})",
        "",
        *(f"    {line}" for line in _assertions(made, wanted)),
    ]
    blocks = [
        f'"""{_docstring(made, wanted)}"""',
        "\n".join(_imports(made, call)),
        f'CASSETTE = Path(__file__).with_name("{cassette_name}")',
        *([] if call else [f"\n{_function(made.way.module)}"]),
        "\n".join(test),
    ]
    return "\n\n".join(blocks) + "\n"


def name_of_test(made: Made) -> str:
    """Return the name of the test's file, without what follows the dot."""
    return f"test_{_subject(made.cassette.error)}_{made.cassette.run_id[-12:]}"


def _docstring(made: Made, wanted: str) -> str:
    """Return what failed, when the test is red, and what of it all is not the real thing."""
    cassette = made.cassette
    reason = cassette.error["detail"] or cassette.error["message"]
    paragraphs = [
        f"{sentence_of(cassette.error)} Played again, offline.",
        reason[:REASON_CHARACTERS],
        f"Captured {cassette.captured_at[:16].replace('T', ' ')} UTC in a call of "
        f"{cassette.provider} {cassette.model} by {cassette.sdk}, run {cassette.run_id}.",
        _when_red(cassette.error, wanted),
    ]
    wrapped = [
        textwrap.fill(_plain(text), WIDTH - 4, break_long_words=False)
        for text in paragraphs
        if text
    ]
    facts = [
        textwrap.fill(_plain(fact), WIDTH, initial_indent="- ", subsequent_indent="  ")
        for fact in _what_is_real(made)
    ]
    return "\n\n".join([*wrapped, "\n".join(facts)]) + "\n"


def _when_red(error: ErrorPayload, wanted: str) -> str:
    if not wanted:
        return (
            "Red until somebody has dealt with it: by a rule that knows it, or by a change "
            "after which the call goes well."
        )
    if wanted == _known_kind(error):
        return f"Green as long as it is taken for {wanted}."
    return f"Red until it is taken for {wanted}, or until the call goes well."


def _what_is_real(made: Made) -> Iterator[str]:
    yield RECORDED if made.has_recorded_answer else REBUILT
    yield OF_REQUESTS[made.asked.evidence]
    if made.asked.left_out:
        yield f"Not sent again, for it was not kept: {', '.join(made.asked.left_out)}."
    if not made.has_words:
        yield NO_WORDS
    yield PAUSES


def _imports(made: Made, call: str) -> Iterator[str]:
    """Yield the lines of the imports: the standard library, then all others in order."""
    yield "from pathlib import Path"
    yield ""
    if call:
        module, _, name = call.rpartition(".")
        found = [f"from {module} import {name}"]
        own = "from chatdebug.testing import play_cassette"
    else:
        found = [line for line in _imports_of(made.way.module) if HOME not in line]
        own = "from chatdebug.testing import PlayedCall, play_cassette"
    yield from sorted([*found, own], key=lambda line: (line.startswith("from"), line))


def _imports_of(module: ModuleType) -> list[str]:
    source = inspect.getsource(module)
    nodes = ast.parse(source).body
    return [
        ast.unparse(node)
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def _function(module: ModuleType) -> str:
    return inspect.getsource(module.ask).rstrip()


def _assertions(made: Made, wanted: str) -> Iterator[str]:
    error = made.cassette.error
    sentence, rule = sentence_of(error), _plain(error["rule"])
    is_known = bool(wanted) and wanted == _known_kind(error)
    if made.has_words:
        yield (
            "assert outcome.went_well or outcome.fingerprint == "
            f'"{made.cassette.fingerprint}"'
        )
    if is_known:
        yield f'assert outcome.kind == "{wanted}"'
    elif wanted:
        yield f'assert outcome.went_well or outcome.kind == "{wanted}"'
    else:
        yield f'assert outcome.kind != "{error["kind"]}"'
    if is_known:
        yield f'assert outcome.rule == "{rule}"'
        yield from _compared("outcome.sentence ==", sentence)
    elif rule.startswith(OF_EXCEPTIONS):
        yield from _compared("outcome.went_well or outcome.sentence ==", sentence)
    else:
        yield f'assert outcome.rule != "{rule}"'
        yield from _compared("outcome.sentence !=", sentence)
    yield "assert outcome.stored == []"


def _compared(to: str, text: str) -> Iterator[str]:
    """Yield an assertion about a text, on more lines if it needs them."""
    literal = _literal(text)
    line = f"assert {to} {literal}"
    if len(line) + 4 <= WIDTH:
        yield line
        return
    yield f"assert {to} ("
    for part in textwrap.wrap(text, WIDTH - 12, drop_whitespace=False):
        yield f"    {_literal(part)}"
    yield ")"


def _literal(text: str) -> str:
    """Return a text as Python has it, in the quotes that a formatter would choose."""
    shown = repr(text)
    if shown.startswith("'") and '"' not in text:
        return f'"{shown[1:-1]}"'
    return shown


def _known_kind(error: ErrorPayload) -> str:
    return "" if error["kind"] in ("", ErrorKind.GENERIC) else error["kind"]


def _subject(error: ErrorPayload) -> str:
    """Return what failed as words of a name: ``bad_request_error_400``."""
    innermost = error["chain"][-1]["type"] if error["chain"] else error["type"]
    status = error["status_code"] or ""
    words = WORD.findall(f"{innermost} {status}")[:NAME_WORDS]
    return "_".join(word.lower() for word in words) or "failure"


def _plain(text: str) -> str:
    """Return a text that can end no docstring, and commands no terminal."""
    return " ".join(printable(text).replace("\\", "/").replace('"', "'").split())

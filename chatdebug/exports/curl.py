"""An HTTP attempt as a command for ``curl``, to be pasted into bash or zsh.

What was recorded may be hostile, and a terminal obeys more than a script does: it runs
what stands behind a line's end, completes at a tab and repeats history at ``!``. So each
recorded text is one quoted word on one line.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext

from chatdebug.formats import CONTROLS
from chatdebug.payloads import clean
from chatdebug.redaction import MARKERS

KEY = '"$API_KEY"'
"""One name for all that redaction removed. Not one for each kind: a marker may be made up,
and the name of a variable that is set would send its value."""
MADE_BY_CURL = frozenset(
    ["connection", "content-length", "host", "keep-alive", "transfer-encoding"]
)
HEADER_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")
METHOD = re.compile(r"[A-Z]{1,20}")
UNSAFE = re.compile(rf"{CONTROLS.pattern}|[\t\n]")
"""What must not stand in a pasted command as it is."""
ESCAPED = re.compile(rf"{UNSAFE.pattern}|['\\!]")
CUT = re.compile(
    r"\[[\d,]{1,20} (?:characters|bytes) left out of [\d,]{1,20}\]"
    r"|\[(?:base64|data|[\w.+-]{1,60}/[\w.+-]{1,60}) of [\d,]{1,20} characters\]"
    r"|\[(?:of )?[\d,]{1,20} bytes (?:of|encoded as) [^\]]{1,100}\]"
)
"""The notes that stand where a body was cut, or was no text."""


def curl_command(attempt: Mapping[str, Any]) -> str:
    """Return the command that sends an attempt's request again; nothing if there is none.

    ``attempt`` is an element of a step's attempts. Lines of comments say what is missing:
    a secret that was removed, or a part of the body that was not recorded.
    """
    url = attempt.get("url")
    if not isinstance(url, str) or not _is_http(url):
        return ""
    options = [f"--url {_word(url)}", *_headers(attempt), *_body(attempt)]
    method = attempt.get("method")
    if isinstance(method, str) and METHOD.fullmatch(method):
        options.insert(0, f"--request {method}")
    command = " \\\n  ".join(["curl --globoff", *options])
    return "\n".join([*_comments(attempt, command), command])


def _headers(attempt: Mapping[str, Any]) -> Iterator[str]:
    headers = attempt.get("request_headers")
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        if not HEADER_NAME.fullmatch(str(name)) or not isinstance(value, str):
            continue  # a name that begins with @ is a file to curl
        if name == "accept-encoding":
            yield "--compressed"
        elif name not in MADE_BY_CURL:
            if name == "authorization" and MARKERS.fullmatch(value):
                value = f"Bearer {value}"  # as all but a few have it
            value = " ".join(value.splitlines())
            header = f"{name}: {value}" if value else f"{name};"
            yield f"--header {_word(header)}"


def _body(attempt: Mapping[str, Any]) -> Iterator[str]:
    body = attempt.get("request_body")
    if isinstance(body, str) and body:
        # Not with the key in place of markers: they may be a text's own.
        yield f"--data-raw {_literal(clean(body))}"


def _comments(attempt: Mapping[str, Any], command: str) -> Iterator[str]:
    """Yield what to know before it is run; without any sign that a shell would read."""
    if KEY in command:
        yield gettext("# API_KEY stands where a secret was removed: set it first.")
    body = attempt.get("request_body")
    if body is None:
        if attempt.get("request_body_length") != 0:
            yield gettext("# The body was not recorded: the command is not whole.")
    elif isinstance(body, str) and CUT.search(body):
        yield gettext("# The body was recorded in part: the command is not whole.")
    elif not isinstance(body, str) or MARKERS.search(body):
        yield gettext("# Secrets were removed from the body as well.")


def _word(text: str) -> str:
    """Return a text as one word of the shell, with the key where a secret was."""
    text, words, end = clean(text), list[str](), 0
    for found in MARKERS.finditer(text):
        words += [_literal(text[end : found.start()]), KEY]
        end = found.end()
    return "".join([*words, _literal(text[end:])]) or "''"


def _literal(text: str) -> str:
    """Return a text in quotes; nothing for no text."""
    if UNSAFE.search(text):
        return f"$'{ESCAPED.sub(_octal, text)}'"
    quoted = shlex.quote(text) if text else ""
    # What needs no quotes in sh may need them elsewhere: zsh reads =name as a path.
    return f"'{text}'" if text and quoted == text else quoted


def _octal(found: re.Match[str]) -> str:
    return "".join(f"\\{byte:03o}" for byte in found[0].encode())


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)

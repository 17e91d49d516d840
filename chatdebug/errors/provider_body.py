"""What a provider's error body says, whichever provider it is."""

import json
import re
from typing import Any

from chatdebug.errors.content import (
    READ_CHARACTERS,
    code_like,
    placeholder,
    without_content,
)

NAME_CHARACTERS = 400
"""Where a client names what failed."""

ECHO = re.compile(
    r"\b(?:you sent|(?:you|user) (?:said|wrote|asked)|(?:your|the|user) "
    r"(?:prompt|message|input|text)(?: was)?|(?<!invalid )prompt|input_value|but got|"
    r"(?:we )?received(?: input| text)?|input|query|content)\s?(?::(?:\s|$)|=)",
    re.IGNORECASE,
)
"""After this a provider shows what it was sent."""
DICT_FIELD = re.compile(
    r"'(?P<key>code|status|message|detail|type|reason|error)': ?b?(?:"
    r"'(?P<single>(?:[^'\\]|\\.){1,2000})'|"
    r'"(?P<double>(?:[^"\\]|\\.){1,2000})"|'
    r"(?P<bare>\w{1,50}))(?=[,}\]])"
)
"""A field of a Python dict; what its value quotes is no field of its own."""
AWS_CODE = re.compile(
    r"\bAn error occurred \((\w{3,80})\) when calling the \w+ operation"
)
WRAPPER = re.compile(
    r"^\s*[A-Z]+ \"[^\"]{1,500}\": \d{3}[^{]{0,100}(\{.{1,20000}\})\s*$", re.DOTALL
)
"""What some SDKs wrap a body in: METHOD "url": status text {json}."""
QUOTED_ANSWER = re.compile(
    r"\b[45]\d\d(?: [A-Z][A-Za-z -]{1,30})? \"(?P<said>[^\"]{5,2000})\"\s*$"
)
"""A status and a body that is a plain JSON string, at the end of an SDK's message."""
FINISH_REASON = re.compile(
    r"\b(?:finish|block)_?reason['\"]?\s?[:=]\s?['\"]?(?:\w+\.)?"
    r"(content_filter|safety|prohibited_content|blocklist|spii|recitation)\b",
    re.IGNORECASE,
)
"""Why a model said nothing, in what a client prints of its answer."""
GRPC_CODE = re.compile(
    r"(?<![\w\"'`])(RESOURCE_EXHAUSTED|UNAVAILABLE|DEADLINE_EXCEEDED|PERMISSION_DENIED|"
    r"UNAUTHENTICATED)(?![\w\"'`])"
)
"""Google's codes, where a client prints them in its text."""
AWS_EXCEPTION = re.compile(r"(?:^|: |\()([A-Z][A-Za-z]{2,50}Exception)(?=[:)]|$)")
"""AWS's codes, where a client prints them like the class of an exception."""

JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?P<closed>"?)|[\[\]{}]', re.DOTALL)
CLOSING = {"{": "}", "[": "]"}
HALF_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{0,3}\Z")
MARKUP = ("<", "{", "[", "data:")
"""How a body begins of which no line says anything to anybody."""
ERROR_KEYS = frozenset(["error", "message", "detail", "code", "errors"])
EVENT = re.compile(r"(?:(?:event|id|retry):[^\n]*\n\s*)*(?:data|error):\s*")
"""What stands in front of an error in a stream."""
FIELDS = ("type", "code", "status", "reason", "__type", "param", "Code", "Type")
"""Where an error holds its machine-readable words, the most important ones first."""
TEXTS = ("raw", "message", "detail", "error_message", "msg", "Message")
"""Where an error holds its text; the first that there is counts."""
NESTED = (
    "error",
    "Error",
    "innererror",
    "metadata",
    "details",
    "errors",
    "response",
    "provider_specific_fields",
)
"""Where an error holds another, or more of itself."""
PASSED_ON = re.compile(
    r"\b(?:error(?: code)?|exception|code|status|body|response|returned|upstream|details?)\b"
    r"[^{\[]{0,80}?(?=\{)",
    re.IGNORECASE,
)
"""What stands in front of a body that a gateway passes on in its own message."""


PLACES = 3
"""Places of a rejected request that are named."""
PLACE_NAMES = 12
"""Names on the way to one of them."""


class ProviderError:
    """What was found in a body: the innermost message, type and code, all codes."""

    def __init__(self) -> None:
        self.message = ""
        self.type = ""
        self.code = ""
        self.status: int | None = None
        self.codes: list[object] = []

    def read(self, data: Any, depth: int = 0) -> None:
        """Take what an error object holds; the innermost message counts."""
        if isinstance(data, list):
            data = data[0] if data else None
        if not isinstance(data, dict) or depth > 4:
            return
        for key in FIELDS:
            self._take_field(key.lower(), data.get(key))
        for key in TEXTS:
            if isinstance(text := data.get(key), str) and text.strip():
                self.message = text
                self.read(_parse(text) or _passed_on(text), depth + 1)
                break
        for key in ("detail", "message"):
            self._take_places(data.get(key), depth)
        for key in NESTED:
            self._take_nested(data.get(key), depth)
        for key in ("choices", "candidates", "promptFeedback"):
            self._take_choices(data.get(key), depth)

    def _take_places(self, value: Any, depth: int) -> None:
        """Take what pydantic says of the places that it rejects, as FastAPI answers it."""
        if isinstance(value, dict):
            self.read(value, depth + 1)
        if self.message or not isinstance(value, list):
            return
        self.message = "\n".join(
            f"{'.'.join(map(_place, item['loc'][:PLACE_NAMES]))}: {item['msg']}"
            for item in value[:PLACES]
            if isinstance(item, dict)
            and isinstance(item.get("loc"), list)
            and isinstance(item.get("msg"), str)
        )

    def _take_choices(self, value: Any, depth: int) -> None:
        """Take what an answer holds instead of words: an error, or why it ended."""
        for choice in value[:10] if isinstance(value, list) else [value]:
            if not isinstance(choice, dict):
                continue
            for key in ("finish_reason", "finishReason", "stop_reason", "blockReason"):
                if found := FINISH_REASON.match(f"finish_reason={choice.get(key)}"):
                    self.codes.append(found[1])
            self._take_nested(choice.get("error"), depth)

    def _take_nested(self, value: Any, depth: int) -> None:
        """Take what an error holds under one of the keys in ``NESTED``."""
        if isinstance(value, str):
            if self.message or value.isidentifier():
                self.codes.append(value)
            self.message = self.message or value
            return
        if not isinstance(value, list):
            self.read(value, depth + 1)
            return
        # Google's details: the reason, and which quota it was.
        for item in value[:10]:
            if not isinstance(item, dict):
                continue
            self.codes.append(item.get("reason"))
            if not self.message and isinstance(item.get("message"), str):
                self.message = item["message"]
            violations = item.get("violations")
            for violation in violations if isinstance(violations, list) else ():
                if isinstance(violation, dict):
                    self.codes.append(violation.get("quotaId"))

    def _take_field(self, key: str, value: object) -> None:
        """Take a type, a code or a status; whatever is as long as a sentence is none."""
        if isinstance(value, int) and not isinstance(value, bool):
            self.status = self.status or (value if 400 <= value <= 599 else None)
        elif isinstance(value, str) and len(value) <= 100 and key != "param":
            if value.isdecimal():
                is_status = len(value) == 3 and value[0] in "45"
                self.status = self.status or (int(value) if is_status else None)
                return
            self.codes.append(value)
            if key in ("type", "__type"):
                self.type = value
            elif key in ("code", "status", "reason"):
                self.code = self.code or value


def read_body(body: str, message: str) -> ProviderError:
    """Return what a body says, or else the JSON that a message holds."""
    error = ProviderError()
    error.read(_parse(body) or _embedded(message))
    plain = body.strip()
    if not error.message and plain and not plain.startswith(MARKUP):
        error.message = plain.splitlines()[0]
    if wrapped := WRAPPER.match(error.message):
        inner = ProviderError()
        inner.read(_parse(wrapped[1]))
        error.message = inner.message or error.message
    if not error.message and (match := QUOTED_ANSWER.search(message)):
        error.message = match["said"]
    if match := AWS_CODE.search(message[:READ_CHARACTERS]):
        error.codes.append(match[1])
        error.code = error.code or match[1]
    said = ECHO.split(message[:READ_CHARACTERS], maxsplit=1)[0]
    named = said[:NAME_CHARACTERS]
    error.codes += AWS_EXCEPTION.findall(named) + GRPC_CODE.findall(named)
    error.codes += FINISH_REASON.findall(said)
    return error


def _place(name: Any) -> str:
    """Return a field's name or number; a key that was sent may be anybody's words."""
    return code_like(str(name)) or placeholder(str(name))


def _parse(text: str) -> Any:
    """Return the JSON that a text is, or that a stream's event holds; None for other text."""
    text = text.strip()
    if event := EVENT.match(text):
        text = text[event.end() :].partition("\n")[0].strip()
    if not text.startswith(("{", "[")):
        return None
    for whole in (text, _closed(text)):
        try:
            return json.loads(whole)
        except (ValueError, RecursionError):
            continue
    return None


def _closed(text: str) -> str:
    """Return a JSON that was cut off in the middle of a string, with its end put back.

    So the words of a body that is too long to be read as a whole are found where those of
    any other are. A text that was cut elsewhere, or is no JSON, is returned as it is.
    """
    open_ones: list[str] = []
    for token in JSON_TOKEN.finditer(text):
        if token[0] in CLOSING:
            open_ones.append(CLOSING[token[0]])
        elif open_ones and token[0] == open_ones[-1]:
            open_ones.pop()
        elif token[0][0] == '"' and not token["closed"]:
            start = HALF_ESCAPE.sub("", text[: token.end()])
            return f'{start}"{"".join(reversed(open_ones))}'
    return text


def _passed_on(text: str) -> Any:
    """Return the error of another provider that a message passes on, if any."""
    said = ECHO.split(text[:READ_CHARACTERS], maxsplit=1)[0]
    if not (found := PASSED_ON.search(said)):
        return None
    data = _embedded(said[found.end() :])
    is_error = isinstance(data, dict) and not ERROR_KEYS.isdisjoint(data)
    return data if is_error else None


def _embedded(text: str) -> Any:
    """Return the object that a message holds or ends with, if any: JSON, or a Python dict.

    The SDKs print a body as a dict. It may be cut, so it is not parsed: its fields are
    looked for, at whatever depth, after those of an echoed input were taken out.
    """
    text = ECHO.split(text, maxsplit=1)[0]
    start = text.find("{")
    if start < 0:
        return None
    try:
        return json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        printed = without_content(text[start:READ_CHARACTERS])
    fields = {
        match["key"]: match["single"] or match["double"] or match["bare"]
        for match in DICT_FIELD.finditer(printed)
    }
    for name in ("error", "detail"):
        if "message" not in fields and name in fields:
            fields["message"] = fields.pop(name)
    return fields or None

"""Which part of a rejected request a provider's words are about, if they name one."""

import re

from chatdebug.errors.sentences import Cause

FILE = re.compile(
    r"\b(?:invalid|unsupported|corrupt(?:ed)?|could not|cannot|unable|failed|exceeds?|too "
    r"large|too many)\b[^.]{0,60}\b(?:images?|image_url|pdfs?|audio|videos?|attachments?)\b|"
    r"\b(?:images?|image_url|pdfs?|audio|videos?|attachments?)\b[^.]{0,60}\b(?:invalid|"
    r"unsupported|not supported|corrupt(?:ed)?|could not|cannot|exceeds?|too large)\b",
    re.IGNORECASE,
)
FRAME = re.compile(
    r"\b(?:tools?|functions?)\s?[.\[]\s?\d|"
    r"\b(?:tool_(?:use|result|call|calls|call_id|choice|use_id)|function_(?:call|response)|"
    r"input_schema|response_format|json_schema|stream_options|cache_control|"
    r"additionalProperties|redacted_thinking)\b|"
    r"\brole '?\"?(?:tool|system|assistant|developer|model)\b|"
    r"\broles must alternate\b|\bthinking blocks?\b|\bfunction (?:call|response) (?:turn|parts?)\b",
    re.IGNORECASE,
)
"""What no person writes: whatever sent the request put it there."""


def rejected_part(code: str, detail: str) -> Cause:
    """Return the cause of a rejected request, by the part of it that is named.

    ``Cause.REJECTED`` where none is: a provider's words may be about anything then.
    """
    said = f"{code} {detail}"
    if FRAME.search(said):
        return Cause.REJECTED_FRAME
    return Cause.REJECTED_FILE if FILE.search(said) else Cause.REJECTED

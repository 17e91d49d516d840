"""Removes secrets from everything before it is written, and before it is cut.

Not detect-secrets: that looks for whole keys, line by line, in the files of a repository. What
is recorded is also masked (``sk-…a1B2``), cut, encoded or streamed in parts, may be a megabyte
that a stranger wrote, and is looked at during a turn: each pattern runs in linear time.
"""

from chatdebug.redaction.documents import (
    redact_body,
    redact_headers,
    redact_json_document,
    redact_ndjson,
)
from chatdebug.redaction.fragments import redact_fragments
from chatdebug.redaction.known_secrets import configured_secrets
from chatdebug.redaction.patterns import MARKERS
from chatdebug.redaction.sent_secrets import remove_sent, secrets_sent, without_sent
from chatdebug.redaction.text import redact_text, redact_url
from chatdebug.redaction.values import redact_json

__all__ = [
    "MARKERS",
    "configured_secrets",
    "redact_body",
    "redact_fragments",
    "redact_headers",
    "redact_json",
    "redact_json_document",
    "redact_ndjson",
    "redact_text",
    "redact_url",
    "remove_sent",
    "secrets_sent",
    "without_sent",
]

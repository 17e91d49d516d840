"""Made-up secrets that redaction has to remove: tried whenever somebody relies on it."""

import base64
import json
from collections.abc import Callable, Iterator

from chatdebug.redaction.documents import redact_body, redact_headers
from chatdebug.redaction.text import redact_text, redact_url
from chatdebug.redaction.values import redact_json

RANDOM = "7Qm2Zx9Lk4Wv8Tn3Rb6Hc1Yd5Pf0Jg"
"""What the made-up secrets are made of; nobody's key."""
DIGITS = "4f1c9b7ad2e84630a5f7c1d09e3b6a28"
VENDORS = (
    "sk-ant-api03-" + RANDOM,
    "sk-proj-" + RANDOM,
    "sk-or-v1-" + DIGITS,
    "AIza" + RANDOM,
    "gsk_" + RANDOM,
    "xai-" + RANDOM,
    "hf_" + RANDOM,
    "AKIA" + RANDOM.upper()[:16],
    "ghp_" + RANDOM,
    "glpat-" + RANDOM,
    "xoxb-" + RANDOM,
    "pplx-" + RANDOM,
    "nvapi-" + RANDOM,
    "r8_" + RANDOM,
    "sk_live_" + RANDOM,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0." + RANDOM,
)
"""Keys that are known by their look."""

type Path = Callable[[str], object]

PATHS: dict[str, Path] = {
    "text": lambda secret: redact_text(f"before {secret} after"),
    "JSON": lambda secret: redact_json({"note": [secret]}),
    "JSON body": lambda secret: redact_body(
        json.dumps({"note": json.dumps({"inner": secret})}), "application/json"
    ),
    "event stream": lambda secret: redact_body(
        f"data: {json.dumps({'note': secret})}\n\n", "text/event-stream"
    ),
    "header": lambda secret: redact_headers({"referer": f"https://x.example/{secret}"}),
    "address": lambda secret: redact_url(f"https://x.example/{secret}?a=1"),
}
"""Where a key that is known by its look may stand."""
NAMED: dict[str, Path] = {
    "authorization": lambda secret: redact_headers(
        {"authorization": f"Basic {secret}"}
    ),
    "header of a key": lambda secret: redact_headers({"x-api-key": secret}),
    "key of JSON": lambda secret: redact_json({"client_secret": secret}),
    "parameter": lambda secret: redact_url(f"https://x.example/?api_key={secret}"),
    "user of an address": lambda secret: redact_url(f"https://u:{secret}@x.example/"),
    "words": lambda secret: redact_text(f"password={secret}"),
    "bearer": lambda secret: redact_text(f"Authorization: Bearer {secret}"),
}
"""Where any secret is known by what stands beside it."""


def canaries() -> Iterator[tuple[str, bool]]:
    """Yield the name of each trial, and whether the made-up secret was removed."""
    for name, path in PATHS.items():
        for secret in VENDORS:
            yield f"{secret[:6]}… in {name}", secret not in str(path(secret))
    for name, path in NAMED.items():
        for secret in (RANDOM, DIGITS, base64.b64encode(RANDOM.encode()).decode()):
            yield f"unknown secret in {name}", secret not in str(path(secret))

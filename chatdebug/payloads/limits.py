"""How much of a payload is kept. A number without another source is reference (d)'s."""

TEXT_CHARACTERS = 10_000
"""One text part, tool arguments, or tool result."""
STEP_TEXT_BYTES = 50_000
"""All text and reasoning of one answer."""
BODY_BYTES = 50_000
"""One HTTP request or response body."""
LABEL_CHARACTERS = 200
"""A run's label."""
NAME_CHARACTERS = 200
"""Names, ids and media types: ours; longer ones are not names."""
URL_CHARACTERS = 2_000
"""A URL: ours; what browsers and proxies commonly accept."""
ERROR_CHARACTERS = 2_000
"""The text of one error: ours; a provider's whole reason fits, a 20 MB body does not."""
SCHEMA_CHARACTERS = 20_000
"""A tool's input schema as JSON: ours, because the reference leaves it unbounded."""
STEP_TOOL_BYTES = 500_000
"""All tool arguments and results of one answer: ours. Apart from its text, because the
calls are evidence however long the text was."""
REQUEST_TEXT_BYTES = 2_000_000
"""All text of one request: ours. A context window of 500,000 tokens fits; beyond it the
older messages lose their text first."""
MESSAGES = 2_000
"""Messages of one request: ours; the first one and the newest."""
TOOLS = 500
"""Tools of one request: ours."""
SOURCES = 100
"""Sources cited by one answer: ours."""

JSON_DEPTH = 64
"""Levels of nesting in a JSON-safe value: ours; Python's own recursion limit is far."""
JSON_ITEMS = 20_000
"""Items in one JSON-safe value, over all levels: ours."""
JSON_CHARACTERS = 2_000_000
"""Text in one JSON-safe value, over all items: ours."""

SECRET_CHARACTERS = 8_192
"""No secret is longer: ours. A JSON web token or a 4,096-bit private key fits twice."""

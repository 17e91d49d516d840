"""How much of a payload is kept, and why that much. What is longer is cut with a note."""

TEXT_CHARACTERS = 10_000
"""One text part, tool arguments, or tool result: several pages, what one person reads."""
STEP_TEXT_BYTES = 50_000
"""All text and reasoning of one answer."""
STEP_TOOL_BYTES = 500_000
"""All tool arguments and results of one answer. Apart from its text, because the calls are
evidence however long the text was."""
REQUEST_TEXT_BYTES = 2_000_000
"""All text of one request. A context window of 500,000 tokens fits; beyond it the older
messages lose their text first."""
MESSAGES = 2_000
"""Messages of one request; the first one and the newest."""
MESSAGE_PARTS = 1_000
"""Parts of one message of a request."""
RESPONSE_PARTS = 2_000
"""Parts of one answer: a stream may have many."""
CONTENTS = 1_000
"""Contents of one prompt part, and names in one list."""
TOOLS = 500
"""Tools of one request."""
SCHEMA_CHARACTERS = 20_000
"""A tool's input schema as JSON."""
PARSED_CHARACTERS = 100_000
"""Tool arguments that are redacted by their JSON keys; longer ones are redacted as text."""
SOURCES = 100
"""Sources cited by one answer."""
FAILED_ATTEMPTS = 100
"""Attempts of a fallback model before the answer."""
BODY_BYTES = 50_000
"""One HTTP request or response body."""
URL_CHARACTERS = 2_000
"""A URL: what browsers and proxies commonly accept."""
ERROR_CHARACTERS = 2_000
"""The text of one error: a provider's whole reason fits, a 20 MB body does not."""
LABEL_CHARACTERS = 200
"""A run's label."""
NAME_CHARACTERS = 200
"""Names, ids and media types; longer ones are not names."""

JSON_DEPTH = 64
"""Levels of nesting in a JSON-safe value; Python's own recursion limit is far."""
JSON_ITEMS = 20_000
"""Items in one JSON-safe value, over all levels."""
JSON_CHARACTERS = 2_000_000
"""Text in one JSON-safe value, over all items."""

SECRET_CHARACTERS = 8_192
"""No secret is longer. A JSON web token or a 4,096-bit private key fits twice."""
ID_CHARACTERS = 64
"""Of the id of a chat or a person, as its columns have it."""

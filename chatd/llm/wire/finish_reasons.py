"""What the words mean with which providers say why an answer ended."""

from typing import Literal

type Meaning = Literal["stop", "length", "tool_call", "content_filter"]

# Spoken by OpenAI, Anthropic, Google, Mistral, Cohere, Bedrock, Hugging Face and the
# servers that imitate them. "content_filter" holds only words after which what has come
# may be kept; the other words for it are failures of their own.
_WORDS: dict[Meaning, tuple[str, ...]] = {
    "stop": (
        "stop",
        "stopped",
        "stop_sequence",
        "stop_token",
        "stop_string",
        "stop_words",
        "stop_criteria",
        "eos",
        "eos_token",
        "eos_token_id",
        "end",
        "end_turn",
        "end_of_turn",
        "end_of_text",
        "end_of_sequence",
        "complete",
        "completed",
        "compaction",
        "done",
        "finish",
        "finished",
        "success",
        "normal",
    ),
    "length": (
        "length",
        "max_length",
        "max_tokens",
        "max_token",
        "max_new_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "maximum_tokens",
        "token_limit",
        "length_limit",
        "limit",
        "model_length",
        "context_length",
        "context_length_exceeded",
        "context_window_exceeded",
        "model_context_window_exceeded",
        "incomplete",
        "truncated",
    ),
    "tool_call": ("tool_calls", "tool_call", "tool_use", "function_call"),
    "content_filter": ("content_filter", "content_filtered", "refusal"),
}
_MEANINGS: dict[str, Meaning] = {
    word: meaning for meaning, words in _WORDS.items() for word in words
}
NOTHING = ("", "null", "none", "undefined", "unspecified")
"""Words with which some gateways say that the answer goes on, as ``plain`` has them."""


def plain(word: str) -> str:
    """Return a finish reason in the one form in which they are compared."""
    text = word.strip().lower().replace("-", "_").replace(" ", "_")
    return text.removeprefix("finish_reason_").removeprefix("stop_reason_")


def meaning_of(word: str) -> Meaning | None:
    """Return what a finish reason means, or None if it is no known end of an answer."""
    return _MEANINGS.get(plain(word))


OPENAI_WORDS: dict[Meaning, str] = {
    "stop": "stop",
    "length": "length",
    "tool_call": "tool_calls",
    "content_filter": "content_filter",
}
ANTHROPIC_WORDS: dict[Meaning, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_call": "tool_use",
    "content_filter": "refusal",
}

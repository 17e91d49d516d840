"""Failures of one provider, known by words or a code that no other one has."""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, code_words, phrases

SPECIAL_CASES: tuple[Rule, ...] = (
    Rule(
        "responses.tool_output_missing",
        ErrorKind.GENERIC,
        lead=phrases(r"no tool output found for function call"),
    ),
    Rule(
        "responses.reasoning_missing",
        ErrorKind.GENERIC,
        lead=phrases(r"was provided without its required\s+item"),
    ),
    Rule(
        "stream.closed_early",
        ErrorKind.TIMEOUT,
        retryable=True,
        text=phrases(r"""
            anthropic stream closed before message_stop
            openai responses stream closed before terminal event
            """),
    ),
    Rule(
        "gemini.malformed_function_call",
        ErrorKind.GENERIC,
        retryable=True,
        codes=code_words("malformed_function_call"),
    ),
    Rule(
        "gemini.function_call_dropped",
        ErrorKind.GENERIC,
        retryable=True,
        text=phrases(r"gemini dropped the model's generated function call"),
    ),
)

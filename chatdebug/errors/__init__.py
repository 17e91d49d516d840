"""Decides what an error is: one result for retries, the user's message and the recorder."""

from chatdebug.errors.advice import Around
from chatdebug.errors.chain import walk
from chatdebug.errors.circumstances import (
    answered_after,
    answered_at_last,
    at_one_place,
    how_it_ended,
    time_of_attempts,
    times_tried,
    what_came,
)
from chatdebug.errors.classify import (
    Classification,
    classify,
    classify_facts,
    explain,
    set_deployment_rules_source,
)
from chatdebug.errors.content import code_like
from chatdebug.errors.exceptions import (
    ClassifiedError,
    ContentFilteredError,
    EmptyResultError,
    FinishReasonError,
    IncompleteStreamError,
    KnownError,
    MissingKeyError,
    ProviderDisabledError,
    StreamSilenceError,
    TextResultError,
    UnreadableStreamError,
)
from chatdebug.errors.facts import ErrorFacts, build_facts, facts_of
from chatdebug.errors.payload import code_frames, exception_chain
from chatdebug.errors.provider_names import add_provider
from chatdebug.errors.responses import request_id_of, response_facts
from chatdebug.errors.rules import RULES, Rule, custom_rule
from chatdebug.errors.verdict import told_as_over, whose_if_checked

__all__ = [
    "RULES",
    "Around",
    "Classification",
    "ClassifiedError",
    "ContentFilteredError",
    "EmptyResultError",
    "ErrorFacts",
    "FinishReasonError",
    "IncompleteStreamError",
    "KnownError",
    "MissingKeyError",
    "ProviderDisabledError",
    "Rule",
    "StreamSilenceError",
    "TextResultError",
    "UnreadableStreamError",
    "add_provider",
    "answered_after",
    "answered_at_last",
    "at_one_place",
    "build_facts",
    "classify",
    "classify_facts",
    "code_frames",
    "code_like",
    "custom_rule",
    "exception_chain",
    "explain",
    "facts_of",
    "how_it_ended",
    "request_id_of",
    "response_facts",
    "set_deployment_rules_source",
    "time_of_attempts",
    "times_tried",
    "told_as_over",
    "walk",
    "what_came",
    "whose_if_checked",
]

"""Decides what an error is: one result for retries, the user's message and the recorder."""

from chatdebug.errors.chain import code_frames, exception_chain, walk
from chatdebug.errors.classify import (
    Classification,
    classify,
    classify_evidence,
    explain,
    set_deployment_rules_source,
)
from chatdebug.errors.content import code_like
from chatdebug.errors.evidence import Evidence, build_evidence, evidence_of
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
)
from chatdebug.errors.messages import add_provider
from chatdebug.errors.responses import response_facts
from chatdebug.errors.rules import RULES, Rule, own_rule

__all__ = [
    "RULES",
    "Classification",
    "ClassifiedError",
    "ContentFilteredError",
    "EmptyResultError",
    "Evidence",
    "FinishReasonError",
    "IncompleteStreamError",
    "KnownError",
    "MissingKeyError",
    "ProviderDisabledError",
    "Rule",
    "StreamSilenceError",
    "add_provider",
    "build_evidence",
    "classify",
    "classify_evidence",
    "code_frames",
    "code_like",
    "evidence_of",
    "exception_chain",
    "explain",
    "own_rule",
    "response_facts",
    "set_deployment_rules_source",
    "walk",
]

"""Each regular expression with an example that it matches, and one that it must not."""

import re
from functools import cache

import pytest

from chatdebug import errors
from chatdebug.errors import RULES
from chatdebug.errors.rules import CANCELLED_RULES
from tests.patterns import patterns_of

CONDITIONS = ("chain", "lead", "head", "text", "unless_head")

SEARCHED = {
    "content_words.NEXT_PLACE": ("it says 'alpha' here", "it's Bob's alpha"),
    "exceptions.BROKEN": ("stream aborted", "an abortive try"),
    "facts.QUOTED": ("say 'alpha' now", "it's Bob's"),
    "facts.PARAMETERS": ("'top_p' is out of range", "top_p is out of range"),
    "facts.SENTENCE": ("It failed badly. The prompt was long.", "It failed badly."),
    "facts.STATUS_WORD": ("HTTP/1.1 503", "the status of 503"),
    "facts.BARE_STATUS": ("503 Service Unavailable", "retry after 429 tokens"),
    "facts.CATCH_ALL": ("litellm.APIConnectionError: gone", "use litellm instead"),
    "facts.PAGE": ("<title>Just a moment...</title>", "the title of a page"),
    "fingerprint.ID": ("call_AbCdEfGhIjKlMnOp", "call_the_function_again"),
    "fingerprint.VOLATILE": ("until Nov 25", "until noon"),
    "fingerprint.REQUEST_ID": ("request id: abcdef", "the request is a bad idea"),
    "fingerprint.QUOTE": ("the 'model' field", "it's the model's field"),
    "fingerprint.NUMBERED": ("segment17", "segment"),
    "fingerprint.RUN_OF_GAPS": ("took … .…", "took … of …"),
    "fingerprint.WORD": ("400 no", "400 … #7"),
    "fingerprint.EMPTY_QUOTE": ("of '…' '…'", "of '…' and '…'"),
    "fingerprint.VERSION": ("gpt-4o-2024-08-06", "gpt-4o-mini"),
    "content.TOKEN": ("a (b)", "it's plain"),
    "content.INPUT_TYPE": ("input_value='a', input_type=str", "input_type is str"),
    "content.UNESCAPE": (r"a \"word\"", 'a "word"'),
    "proposal.TAKEN_OUT": (" [text of 12 characters]", " a text of 12 characters"),
    "proposal.PATH": ("anthropic/claude-5", "this or that"),
    "provider_body.ECHO": ("your prompt was: alpha", "prompt is too long"),
    "provider_body.DICT_FIELD": (
        "{'code': 'rate_limit'}",
        "the 'code': field of it",
    ),
    "provider_body.AWS_CODE": (
        "An error occurred (ThrottlingException) when calling the Converse operation",
        "An error occurred (again) while calling it",
    ),
    "provider_body.QUOTED_ANSWER": (
        '503 Service Unavailable "all workers are busy"',
        'got 503 times "all workers" in it',
    ),
    "provider_body.FINISH_REASON": ("finish_reason='content_filter'", "reason: safety"),
    "provider_body.GRPC_CODE": ("14 UNAVAILABLE: gone", "the word 'UNAVAILABLE'"),
    "provider_body.AWS_EXCEPTION": (
        "failed: ThrottlingException: slow down",
        "the ThrottlingException of yesterday",
    ),
    "provider_body.JSON_TOKEN": ('"a \\"word\\""', "plain words"),
    "provider_body.HALF_ESCAPE": ("caf\\u00e", "caf\\u00e9"),
    "provider_body.PASSED_ON": ('upstream error: {"code": 1}', 'error [1] of {"a": 1}'),
    "responses.CHARSET": ('text/html; charset="utf-8"', "text/html"),
    "facts.RETRY_IN_TEXT": ("please try again in 1.5s", "try again in a while"),
    "facts.ONE_TIME": ("7m12s", "7 models"),
    "quotes.NUMBER": ("8,192 tokens", "eight tokens"),
    "quotes.PHRASE": ("It is over. It was long.", ""),
    "quotes.LEFT_OUT": ("so … 17 characters left out", "17 characters left out of it"),
    "quotes.EMPTY_WORDS": ("The request is not valid.", "The request is too long."),
    "quotes.WORDLESS": ("Error code: 500", "It took half a second"),
    "verdict.ADDRESSED": ("check your plan", "the yearly plan"),
    "verdict.FILE": ("image exceeds 5 MB", "imagine that it exceeds all"),
    "verdict.FRAME": ("tools[3] is odd", "the tools of the trade"),
    "verdict.MODEL": ("model `keel-1` does not exist", "this model is not there"),
    "verdict.NOT_CONNECTED": ("ConnectError", "APIConnectionError"),
    "verdict.TOO_LATE": ("APITimeoutError", "TimingError"),
    "verdict.NO_JSON": ("JSONDecodeError", "ValueError"),
    "verdict.TOKENS": ("9,412 tokens", "12 tokens"),
    "verdict.SECONDS": ("received for 0.5 seconds", "for some seconds"),
    "rules.vocabulary.RATE_LIMIT_WORDS": ("rate limit exceeded", "rate limits exist"),
    "rules.vocabulary.PER_DAY": ("14 requests per day", "a perfect day"),
    "rules.vocabulary.NO_CAPACITY": (
        "the model is overloaded",
        "an overloaded operator",
    ),
    "rules.vocabulary.CONFIG_WORDS": ("model_not_found", "the model was not found"),
    "rules.vocabulary.TRANSPORT_WORDS": (
        "read tcp 10.0.0.1:443: i/o timeout",
        "the connection between the two is unclear",
    ),
    "text.interrupted text": ("the request interrupted", "an interrupted stream"),
    "responses.tool_output_missing lead": (
        "no tool output found for function call call_1",
        "no tool output was asked for",
    ),
    "responses.reasoning_missing lead": (
        "item fc_1 was provided without its required item",
        "it was provided without a reason",
    ),
    "stream.closed_early text": (
        "anthropic stream closed before message_stop",
        "the stream closed before noon",
    ),
    "gemini.function_call_dropped text": (
        "gemini dropped the model's generated function call (finish_reason x)",
        "gemini dropped the model",
    ),
    "lead.provider_disabled lead": ("provider_disabled: off", "my_provider_disabled_x"),
    "cause.certificate chain": (
        "sslerror: certificate verify failed: self-signed certificate",
        "valueerror: the certificate is blue",
    ),
    "cause.tls chain": (
        "sslerror: [ssl: wrong_version_number] wrong version number",
        "sslerror: [ssl: unexpected_eof_while_reading] eof occurred",
    ),
    "cause.header chain": ("localprotocolerror: illegal header value", "a header"),
    "cause.address chain": (
        "unsupportedprotocol: request url is missing a protocol",
        "badrequest: invalid url in image part",
    ),
    "cause.decoding_words chain": ("incorrect header check", "the header is checked"),
    "cause.redirects chain": (
        "toomanyredirects: exceeded 30 redirects",
        "valueerror: redirects are followed",
    ),
    "cause.proxy_refused chain": (
        "proxyerror: 407 proxy authentication required",
        "proxyerror: connection refused",
    ),
    "cause.unknown_host chain": (
        "gaierror: [errno -2] name or service not known",
        "gaierror: [errno -3] temporary failure in name resolution",
    ),
    "lead.credit lead": (
        "your credit balance is too low to access the api",
        "a balance of credits and debits",
    ),
    "lead.credit unless_head": ("quota of tokens per minute", "quota of this month"),
    "lead.daily_quota lead": (
        "rate limit reached: 200 requests per day",
        "come back another day: 200 per day are sold",
    ),
    "lead.unverified_organization lead": (
        "your organization must be verified to use this model",
        "the organization was verified",
    ),
    "code.rate_limit unless_head": (
        "received message larger than max",
        "too many messages",
    ),
    "code.not_found unless_head": ("file file-1 not found", "deployment not found"),
    "lead.content_filter lead": (
        "flagged as potentially violating our usage policy",
        "this policy is about filters",
    ),
    "class.quota unless_head": ("please retry in 12s", "you have used your quota"),
    "lead.invalid_key lead": ("incorrect api key provided", "the key of c major"),
    "lead.context lead": (
        "this model's maximum context length is 8192 tokens",
        "the context of this answer",
    ),
    "lead.model lead": (
        "the model gpt-9 does not exist",
        "the model output was not found",
    ),
    "lead.unsupported lead": (
        "temperature is not supported with this model",
        "the temperature is high today",
    ),
    "lead.unsupported unless_head": (
        "the conversation must end with a user message",
        "tools must end with a schema",
    ),
    "lead.extra_field lead": ("top_kk: extra inputs are not permitted", "extra input"),
    "lead.extra_field unless_head": ("messages.0.name: extra", "top_kk: extra"),
    "lead.wrong_endpoint lead": ("resource not found", "the resource not found here"),
    "lead.proxy_reset lead": (
        "upstream connect error or disconnect/reset before headers. reset reason",
        "upstream connect was fine",
    ),
    "lead.router_cooldown lead": (
        "no deployments available for selected model, try again in 60 seconds",
        "deployments of the model",
    ),
    "lead.gateway_quota lead": ("monthly limit exceeded", "a quota was asked for"),
    "lead.gateway_quota unless_head": ("rate limit exceeded", "quota exceeded"),
    "status.502_503_504 unless_head": (
        "unexpected token < in json",
        "the gateway did not answer",
    ),
    "lead.transport_as_400 lead": (
        "read tcp 10.0.0.1:443: connection reset by peer",
        "socket hang up is what i asked",
    ),
    "text.usage_limit text": ("check your billing plan", "the non-billing-related"),
    "text.usage_limit unless_head": ("rate limit reached", "quota reached"),
    "text.auth text": ("invalid api key", "authenticated"),
    "text.rate_limit text": ("too many concurrent requests", "many requests"),
    "text.deadline text": ("context deadline exceeded", "the deadline was met"),
    "text.timeout text": ("the operation timed out", "timeout must be a number"),
    "text.server_error text": ("internal server error", "server errors_total"),
}
MATCHED = {
    "content_words.ERROR_DATA": ('{"error": {"message": "x"}}', '{"title": "alpha"}'),
    "content_words.KEPT_VALUE": ("null, and", "nullify it"),
    "content_words.REFUSED_VALUE": (" is not of type 'string'", " is what I said"),
    "content.CALL": ("Part(text='alpha')", "two words (of it)"),
    "content.BARE_WORDS": ("alpha bravo; charlie", "; charlie"),
    "content.LITERAL_START": ("b'alpha'", "alpha 'bravo'"),
    "provider_body.WRAPPER": (
        'POST "https://a.example/v1": 429 Too Many Requests {"message": "x"}',
        'post "https://a.example/v1": 429 {"message": "x"}',
    ),
    "provider_body.EVENT": ('event: error\ndata: {"a": 1}', 'the event: {"a": 1}'),
}
WHOLE = {
    "content.PLAIN_VALUE": ("2026-11-25", "two words"),
    "content.PLACEHOLDER": ("[text of 1,234 characters]", "[text of many characters]"),
    "content_words.CODE": ("messages[0].content", "two words"),
    "content_words.IDENTIFIER": ("max_tokens", "gpt-5"),
    "content_words.CONSTANT": ("404 Not Found", "404 reasons"),
    "fingerprint.NAME": ("messages[3].role", "3 messages"),
    "fingerprint.SHORT_NUMBER": ("-2.5", "-2026"),
    "fingerprint.NUMBERED_WORD": ("llama3", "call4711"),
}
EXAMPLES = [
    *((name, "search", *texts) for name, texts in SEARCHED.items()),
    *((name, "match", *texts) for name, texts in MATCHED.items()),
    *((name, "fullmatch", *texts) for name, texts in WHOLE.items()),
]


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """Return the patterns of the package by name; a rule's by its id and condition."""
    found = patterns_of(errors)
    shared = {id(pattern) for pattern in found.values()}
    for rule in (*CANCELLED_RULES, *RULES):
        for condition in CONDITIONS:
            pattern = getattr(rule, condition)
            if pattern is not None and id(pattern) not in shared:
                found[f"{rule.id} {condition}"] = pattern
    return found


def test_every_pattern_has_its_examples() -> None:
    assert sorted(patterns()) == sorted(name for name, *_ in EXAMPLES)


@pytest.mark.parametrize(
    ("name", "how", "text", "other"), EXAMPLES, ids=[example[0] for example in EXAMPLES]
)
def test_a_pattern_matches_its_example_and_not_the_other(
    name: str, how: str, text: str, other: str
) -> None:
    matched = getattr(patterns()[name], how)
    assert matched(text) is not None
    # A pattern of which everything is optional matches nothing at all.
    assert not (found := matched(other)) or not found[0]

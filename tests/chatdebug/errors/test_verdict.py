"""What people are told of a failure: by cause, whose it is, and what helps."""

import json
from functools import partial
from itertools import product, starmap
from typing import Any

import pytest

from chatdebug.enums import ErrorKind
from chatdebug.errors import build_facts, classify, classify_facts
from chatdebug.errors.advice import Around, advise, advised
from chatdebug.errors.exceptions import (
    ContentFilteredError,
    IncompleteStreamError,
    StreamSilenceError,
)
from chatdebug.errors.operators import told_to_operators
from chatdebug.errors.sentences import WORDS, Cause, Owner
from chatdebug.errors.short_names import short_name
from chatdebug.errors.verdict import told_sizes, verdict
from chatdebug.errors.ways import Way
from chatdebug.presentation.errors import ErrorReport

CASES: dict[str, tuple[dict[str, Any], str, Owner]] = {
    "rejected": (
        {"status_code": 400, "message": "The seal is of another season."},
        "OpenAI rejected the request (400).",
        Owner.REQUEST,
    ),
    "an error of its own": (
        {"status_code": 500, "message": "The server had an error."},
        "OpenAI had an error of its own (500).",
        Owner.PROVIDER,
    ),
    "a gateway": (
        {"status_code": 502, "body": "<html>502 Bad Gateway</html>"},
        "OpenAI could not be reached: a gateway in front of it answered instead (502).",
        Owner.NETWORK,
    ),
    "a gateway with a name": (
        {"status_code": 502, "body": "<html>", "headers": {"server": "nginx/1.28"}},
        "OpenAI could not be reached: a gateway in front of it answered instead (502).",
        Owner.NETWORK,
    ),
    "a gateway whose name is none": (
        {"status_code": 502, "body": "<html>", "headers": {"server": "<b>you</b>"}},
        "OpenAI could not be reached: a gateway in front of it answered instead (502).",
        Owner.NETWORK,
    ),
    "a request that was blocked": (
        {"status_code": 400, "error_code": "content_filter", "message": "Blocked."},
        "OpenAI blocked this request under its content policy (400).",
        Owner.REQUEST,
    ),
    "refused": (
        {
            "message": "Connection error.",
            "classes": ["APIConnectionError", "ConnectError"],
            "links": ["APIConnectionError: Connection error.", "ConnectError: refused"],
        },
        "OpenAI could not be reached.",
        Owner.NETWORK,
    ),
    "broken off": (
        {
            "message": "Connection error.",
            "classes": ["APIConnectionError", "ReadError"],
            "links": ["APIConnectionError: Connection error.", "ReadError: "],
        },
        "The connection to OpenAI was lost.",
        Owner.NETWORK,
    ),
    "too late": (
        {
            "message": "Request timed out.",
            "classes": ["APITimeoutError", "ReadTimeout"],
            "links": ["APITimeoutError: Request timed out.", "ReadTimeout: "],
        },
        "OpenAI did not answer in time.",
        Owner.PROVIDER,
    ),
    "no such model": (
        {"status_code": 404, "error_code": "model_not_found", "message": "No model x"},
        "OpenAI does not offer this model to this site (404).",
        Owner.SETTINGS,
    ),
    "too long": (
        {
            "status_code": 400,
            "error_code": "context_length_exceeded",
            "message": "This model's maximum context length is 8192 tokens. However, "
            "your messages resulted in 9412 tokens.",
        },
        "The request is too long for this model: 9,412 tokens, and at most 8,192 fit (400).",
        Owner.REQUEST,
    ),
    "too long, of a model with digits": (
        {
            "status_code": 400,
            "error_code": "context_length_exceeded",
            "message": "Too long for claude-3.5-sonnet: at most 200000 tokens.",
        },
        "The request is too long for this model (400).",
        Owner.REQUEST,
    ),
    "too long, of a model with a date": (
        {
            "status_code": 400,
            "error_code": "context_length_exceeded",
            "message": "Too long for gpt-4o-2024-08-06: 9.412 tokens of at most 8,192.",
        },
        "The request is too long for this model: 9,412 tokens, and at most 8,192 fit (400).",
        Owner.REQUEST,
    ),
    "too long by a body without numbers": (
        {"status_code": 413, "message": "Payload too large"},
        "The request is too long for this model (413).",
        Owner.REQUEST,
    ),
    "a setting": (
        {"status_code": 400, "message": "temperature must be at most 2"},
        "OpenAI rejected a setting of this model (400).",
        Owner.SETTINGS,
    ),
    "a key": (
        {"status_code": 401, "message": "Incorrect API key provided."},
        "OpenAI did not accept this site's API key (401).",
        Owner.SETTINGS,
    ),
    "a permission": (
        {"status_code": 403, "message": "You may not."},
        "This site's API key lacks a permission at OpenAI (403).",
        Owner.SETTINGS,
    ),
    "a limit": (
        {"status_code": 429, "message": "Rate limit reached."},
        "OpenAI takes no more requests from this site for now (429).",
        Owner.SETTINGS,
    ),
    "a quota": (
        {"status_code": 429, "error_code": "insufficient_quota", "message": "No more."},
        "This site's usage limit at OpenAI has been reached (429).",
        Owner.SETTINGS,
    ),
    "a defect": (
        {"message": "'NoneType' object has no attribute 'x'", "classes": ["TypeError"]},
        "This site made a mistake of its own.",
        Owner.SITE,
    ),
    "a certificate": (
        {"links": ["SSLError: certificate verify failed"], "message": "x"},
        "No secure connection to OpenAI could be made.",
        Owner.SETTINGS,
    ),
    "nothing known": (
        {"message": "Something happened."},
        "The request failed for a reason that is not known.",
        Owner.UNKNOWN,
    ),
}


@pytest.mark.parametrize(("facts", "what", "owner"), CASES.values(), ids=CASES)
def test_what_happened_and_whose_it_is(
    facts: dict[str, Any], what: str, owner: Owner
) -> None:
    found = classify_facts(build_facts(provider="openai", **facts))
    assert (found.message, found.owner) == (what, owner)


@pytest.mark.parametrize("kind", ErrorKind)
@pytest.mark.parametrize("status", [None, 400, 500])
def test_nobody_is_told_to_try_again_what_is_not_worth_it(
    kind: ErrorKind, status: int | None
) -> None:
    advice = verdict(kind, status_code=status, retryable=False).advice
    assert not advice.startswith("Send it again")


AROUND = list(starmap(Around, product([True, False], repeat=3)))


@pytest.mark.parametrize("cause", Cause)
def test_each_advice_has_something_that_the_reader_can_do(cause: Cause) -> None:
    words = {
        Way.AGAIN: ("send it again", "end your message again"),
        Way.CHANGE: ("change it", "hange your message", "other words", "horten"),
        Way.NEW_CHAT: ("new chat",),
        Way.REPORT: ("administrator",),
        Way.OTHER_MODEL: (
            "Another model",
            "another model",
            "model that takes longer requests",
        ),
        Way.OTHER_PROVIDER: ("model of another provider",),
    }
    advice = WORDS[cause].advice
    assert advice.ways
    texts = ["", *filter(None, (advice.words_with_wait, advice.words_after_wait))]
    for text, around in product(texts, AROUND):
        said = advised(advice, "openai", around, words=text)
        places = {
            way: min(found)
            for way in Way
            if (
                found := [
                    said.words.find(one) for one in words[way] if one in said.words
                ]
            )
        }
        if Way.OTHER_PROVIDER in said.ways and Way.OTHER_PROVIDER not in places:
            # A model of another provider is another model, too.
            places[Way.OTHER_PROVIDER] = places.pop(Way.OTHER_MODEL)
        assert sorted(places, key=lambda way: places[way]) == list(said.ways)


HIGHER = (
    "If it keeps failing, copy the report for an administrator, who can ask for a higher "
    "limit."
)


def test_the_wait_that_a_provider_asks_for_is_told() -> None:
    limited = partial(verdict, ErrorKind.RATE_LIMIT, retryable=True)
    waits = {0.3: "1 s", 20: "20 s", 90: "1 min 30 s"}
    for seconds, words in waits.items():
        told = limited(retry_after=seconds)
        assert told.advice == (
            f"Wait {words}, then send your message again. Another model may have a limit "
            f"of its own. {HIGHER}"
        )
        assert told.wait == seconds
    assert "min" in limited(retry_after=1e300).advice


def test_a_wait_of_which_nothing_is_said_is_none() -> None:
    told = verdict(ErrorKind.OVERLOADED, retryable=True)
    assert told.advice == (
        "Wait a minute, then send your message again, or try another model. If it keeps "
        "failing, copy the report for an administrator."
    )
    assert told.wait == 60, "as it says"


def test_nobody_is_told_to_wait_again_for_what_did_not_help() -> None:
    limited = partial(verdict, ErrorKind.RATE_LIMIT, retryable=True, attempts=3)
    told = limited(retry_after=1)
    assert told.advice == (
        "Send your message again in a minute. Another model may have a limit of its own. "
        f"{HIGHER}"
    )
    assert told.ways == (Way.AGAIN, Way.OTHER_MODEL, Way.REPORT)
    assert told.wait == 60
    assert limited(retry_after=90).wait == 90, "nobody waited for so long"
    found = classify_facts(
        build_facts(status_code=429, message="Slow down.", headers={"retry-after": "1"})
    )
    assert found.advice.startswith("Wait 1 s, ")
    assert found.after(3).advice == told.advice
    stored = {
        "kind": "rate_limit",
        "retryable": True,
        "retry_after_ms": 1_000,
        "retry_count": 2,
    }
    assert ErrorReport.of(stored).advice == told.advice


def test_what_is_not_worth_another_try_has_no_way_to_one() -> None:
    assert Way.AGAIN not in verdict(ErrorKind.GENERIC, status_code=500).ways
    again = verdict(ErrorKind.GENERIC, status_code=500, retryable=True)
    assert again.ways == (Way.AGAIN, Way.OTHER_MODEL, Way.REPORT)


@pytest.mark.parametrize(
    "cause", [cause for cause in Cause if WORDS[cause].owner is Owner.SETTINGS]
)
def test_what_is_the_sites_settings_passes_by_itself_or_names_an_administrator(
    cause: Cause,
) -> None:
    advice = WORDS[cause].advice
    assert advice.words_with_wait or "administrator" in str(advice.words)


def test_a_quote_says_nothing_that_the_sentence_says_already() -> None:
    silence = classify(StreamSilenceError(6))
    assert silence.message == (
        "The AI provider sent nothing for 6 seconds, the longest this site waits."
    )
    assert (silence.detail, silence.quote) == (
        "Nothing was received for 6 seconds.",
        "",
    )
    stored = {"kind": silence.kind, "rule": silence.rule, "detail": silence.detail}
    assert ErrorReport.of(stored).reason == ""
    assert classify(ContentFilteredError("violence")).quote == ""
    assert classify(ContentFilteredError()).quote == ""
    assert classify(IncompleteStreamError()).quote == ""


LINE = "One line of a report that nobody cut. "
SAID = {
    "as the title": (
        529,
        "Our servers are currently overloaded.",
        "",
    ),
    "of a key": (401, '{"error": {"message": "Bad key."}}', "Bad key."),
    "sizes that are told": (400, "prompt is too long: 20900 tokens > 19999", ""),
    "again and again": (
        400,
        LINE * 3 + "One line … more than 900 characters left out",
        LINE.strip(),
    ),
    "again and again, to an end": (
        400,
        LINE * 3 + "One line … 900 characters left out",
        LINE.strip(),
    ),
    "a beginning": (
        400,
        "It began so … more than 900 characters left out",
        "It began so … [the first 11 of more than 911 characters]",
    ),
    "a beginning of a known length": (
        400,
        "It began so … 900 characters left out",
        "It began so … [the first 11 of 911 characters]",
    ),
    "again in between": (400, f"{LINE * 2}It is over.", f"{LINE}… It is over."),
    "short things twice": (400, "Not 3. 3. 3. It is 4.", "Not 3. 3. 3. It is 4."),
}


@pytest.mark.parametrize(("status", "said", "quote"), SAID.values(), ids=SAID)
def test_a_quote_adds_to_the_sentence(status: int, said: str, quote: str) -> None:
    found = classify_facts(build_facts(status_code=status, message=said))
    assert found.detail
    assert found.quote == quote


def test_what_is_said_of_a_key_is_quoted_without_the_key() -> None:
    key = '{"error": {"message": "The key sk-proj-0123456789abcdef ended yesterday."}}'
    found = classify_facts(build_facts(status_code=401, body=key))
    assert found.detail.startswith("The key [REDACTED:")
    assert found.quote == "The key [secret removed] ended yesterday."


@pytest.mark.parametrize(
    "said",
    [
        "Incorrect API key provided: sk-proj-0123456789abcdef.",
        "Incorrect API key provided: sk-ab****cdef. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
    ],
)
def test_that_a_key_is_wrong_is_not_quoted_for_the_sake_of_the_key(said: str) -> None:
    body = json.dumps({"error": {"message": said}})
    found = classify_facts(build_facts(status_code=401, body=body))
    assert found.detail.startswith("Incorrect API key provided: ")
    assert found.quote == ""


SAID_ALREADY = {
    "overloaded": (
        529,
        "Our servers are currently overloaded. Please try again later.",
    ),
    "overloaded, briefly": (529, "Overloaded"),
    "a server": (
        500,
        "The server had an error while processing your request. Sorry about that!",
    ),
    "a key": (401, "Incorrect API key provided."),
    "a header": (401, "invalid x-api-key"),
    "a model": (404, "The model `x` does not exist or you do not have access to it."),
    "a request": (400, "The request is not valid."),
    "a bad one": (400, "Bad request"),
    "a code": (400, "invalid_request_error"),
}


@pytest.mark.parametrize(("status", "said"), SAID_ALREADY.values(), ids=SAID_ALREADY)
def test_what_the_sentence_says_already_is_not_quoted(status: int, said: str) -> None:
    body = {"error": {"message": said}}
    found = classify_facts(build_facts(status_code=status, body=json.dumps(body)))
    assert found.detail == said
    assert found.quote == ""


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (529, "Overloaded until noon."),
        (500, "The server had an error: the disk is full."),
        (401, "Incorrect API key provided: it ended yesterday."),
        (404, "The model `x` does not exist. Use `y`."),
        (400, "The request is not valid: no messages."),
    ],
)
def test_a_quote_with_one_word_more_stays(status: int, said: str) -> None:
    body = {"error": {"message": said}}
    found = classify_facts(build_facts(status_code=status, body=json.dumps(body)))
    assert found.quote == said


@pytest.mark.parametrize(
    ("status", "said", "speaker"),
    [
        (403, "You have insufficient permissions.", "OpenAI says to this site:"),
        (429, "Limit 3. Please try again in 1s.", "OpenAI says to this site:"),
        (429, "Rate limit reached: limit 3.", "OpenAI says:"),
        (400, "Your message is odd.", "OpenAI says:"),
    ],
)
def test_whom_a_provider_speaks_to_is_said_where_it_is_the_site(
    status: int, said: str, speaker: str
) -> None:
    body = json.dumps({"error": {"message": said}})
    facts = build_facts(provider="openai", status_code=status, body=body)
    assert classify_facts(facts).speaker == speaker


def test_a_quote_says_who_speaks() -> None:
    def speaker(**facts: Any) -> str:
        return classify_facts(build_facts(**facts)).speaker

    assert speaker(provider="openai", status_code=400) == "OpenAI says:"
    assert speaker(status_code=400) == "The provider says:"
    again = LINE * 20_000
    assert speaker(status_code=400, message=again) == (
        "The provider sent one line over and over:"
    )
    gateway = {"provider": "openai", "status_code": 502, "message": "No upstream."}
    assert speaker(**gateway) == "The gateway says:"
    assert speaker(**gateway, headers={"server": "nginx"}) == "nginx says:"
    assert speaker(provider="openai", message="It broke.") == "The error says:"
    defect = {"message": "no attribute 'x'", "classes": ["TypeError"]}
    assert speaker(provider="openai", **defect) == "This site says:"


def test_a_permission_that_is_missing_is_named_once_by_its_provider() -> None:
    said = "Missing scopes: model.request, api.read."
    body = json.dumps({"error": {"message": said}})
    facts = build_facts(provider="openai", status_code=403, body=body)
    told = classify_facts(facts)
    assert told.quote == said
    assert told.advice.count("the missing permission.") == 1
    assert "model.request" not in told.message + told.whose + told.advice


WORDLESS = {
    "nothing": "",
    "a status": "Error code: 500",
    "a status without a body": "Error code: 500 - None",
    "its name": "Internal Server Error",
    "both": "500 Internal Server Error",
    "pydantic-ai": "status_code: 500, model_name: gpt-5, body: None",
}


@pytest.mark.parametrize("said", WORDLESS.values(), ids=WORDLESS)
def test_a_provider_without_words_is_said_to_give_no_reason(said: str) -> None:
    stored = {"kind": "generic", "status_code": 500, "detail": said}
    report = ErrorReport.of(stored)
    assert (report.reason, report.how) == ("", "The provider did not say why.")
    told = ErrorReport.of(stored | {"detail": "The disk is full."})
    assert (told.reason, told.how) == ("The disk is full.", "")


def test_why_an_answer_was_blocked_is_quoted_where_the_provider_says_it() -> None:
    blocked = {"kind": "content_filter", "rule": "text.filter"}
    told = ErrorReport.of(blocked | {"detail": "It would have named a person."})
    assert (told.reason, told.how) == ("It would have named a person.", "")
    silent = classify(ContentFilteredError())
    report = ErrorReport.of(blocked | {"detail": silent.detail})
    assert (report.reason, report.how) == ("", "It gave no further reason.")


NAMED = {
    "a tool": "Invalid schema for tools[0].function.parameters",
    "a result without its call": "tool_use_id toolu_1 has no tool_result after it",
    "an order of roles": "messages: roles must alternate between user and assistant",
}


@pytest.mark.parametrize("said", NAMED.values(), ids=NAMED)
def test_what_no_person_writes_is_what_the_site_sends(said: str) -> None:
    told = verdict(ErrorKind.GENERIC, status_code=400, detail=said)
    assert told.owner is Owner.SITE
    assert told.whose == (
        "The fault is in what this site sends with your message, not in your message."
    )
    assert told.ways[0] is Way.REPORT


def test_a_file_is_not_the_words_of_a_message() -> None:
    told = verdict(ErrorKind.GENERIC, status_code=400, detail="Could not process image")
    assert (
        told.whose == "The cause is a file in this chat, not the words of your message."
    )
    assert told.ways[0] is Way.CHANGE


def test_where_nothing_tells_what_was_rejected_both_are_named() -> None:
    told = verdict(
        ErrorKind.GENERIC, status_code=422, detail="The seal is of another season."
    )
    assert told.whose == (
        "The cause is not clear: it may be your message, or what this site sent with it."
    )
    assert told.ways == (Way.OTHER_MODEL, Way.CHANGE, Way.REPORT)


def test_a_chat_of_one_message_is_not_made_shorter_by_a_new_one() -> None:
    told = advise(
        Cause.TOO_LONG,
        provider="openai",
        retryable=False,
        around=Around(history=False),
    )
    assert Way.NEW_CHAT not in told.ways
    assert (
        told.words
        == "Shorten your message. A model that takes longer requests may answer."
    )


def test_nobody_shortens_what_is_a_small_part_of_a_chat() -> None:
    of_length = partial(advise, Cause.TOO_LONG, provider="openai", retryable=False)
    earlier = of_length(around=Around(is_small=True))
    assert earlier.ways == (Way.NEW_CHAT, Way.OTHER_MODEL)
    assert earlier.whose == (
        "Your message is not the cause: it is less than half of the request."
    )
    assert earlier.words == (
        "Start a new chat with this message. A model that takes longer requests may answer."
    )
    of_site = of_length(around=Around(history=False, is_small=True))
    assert of_site.ways == (Way.OTHER_MODEL, Way.REPORT)
    assert of_site.whose == (
        "Your message is not the cause: most of the request is what this site adds to it."
    )
    assert of_site.words == (
        "Try a model that takes longer requests, or copy the report for an administrator."
    )


@pytest.mark.parametrize("cause", [Cause.GATEWAY, Cause.UNREACHABLE, Cause.BROKEN_OFF])
def test_of_a_provider_out_of_reach_no_other_model_is_offered(cause: Cause) -> None:
    of_error = partial(advise, cause, provider="openai", retryable=True)
    told = of_error()
    assert told.ways == (Way.AGAIN, Way.OTHER_PROVIDER, Way.REPORT)
    words = "Wait a minute, then send your message again, or try a model of another provider."
    assert words in told.words
    nowhere = of_error(around=Around(other_providers=False))
    assert nowhere.ways == (Way.AGAIN, Way.REPORT)
    assert "model" not in nowhere.words
    assert Way.AGAIN not in advise(cause, provider="openai", retryable=False).ways


def test_nobody_is_sent_to_a_model_that_fails_as_well() -> None:
    of_error = partial(advise, Cause.SERVER_ERROR, provider="openai", retryable=True)
    elsewhere = of_error(around=Around(other_models=False))
    assert elsewhere.ways == (Way.AGAIN, Way.OTHER_PROVIDER, Way.REPORT)
    assert "or try a model of another provider." in elsewhere.words
    nowhere = of_error(around=Around(other_models=False, other_providers=False))
    assert (nowhere.words, nowhere.ways) == (
        "Wait a minute, then send your message again. If it keeps failing, copy the report "
        "for an administrator.",
        (Way.AGAIN, Way.REPORT),
    )


@pytest.mark.parametrize("cause", Cause)
def test_each_cause_has_a_short_name_and_words_for_operators(cause: Cause) -> None:
    assert 3 < len(short_name(cause)) <= 30
    told = told_to_operators(cause, "openai")
    assert told[0].isupper()
    assert "{" not in told
    assert "your" not in told


def test_a_provider_without_a_name_is_called_what_it_is() -> None:
    said = verdict(ErrorKind.TIMEOUT)
    assert said.what == "The connection to the AI provider was lost."
    assert verdict(ErrorKind.OVERLOADED).what.startswith("The AI provider is")


@pytest.mark.parametrize(
    ("detail", "what"),
    [
        (
            "Nothing was received for 6 seconds.",
            "6 seconds, the longest this site waits",
        ),
        (
            "Nothing was received for 1 seconds.",
            "1 second, the longest this site waits",
        ),
        (
            "Nothing was received for 0.5 seconds.",
            "0.5 seconds, the longest this site waits",
        ),
        ("", "too long"),
    ],
)
def test_a_silence_says_how_long_it_was(detail: str, what: str) -> None:
    kind = ErrorKind.STREAM_SILENCE_TIMEOUT
    said = verdict(kind, provider="openai", detail=detail, retryable=True)
    assert said.what == f"OpenAI sent nothing for {what}."


def test_of_a_silence_it_is_said_that_the_limit_is_this_sites() -> None:
    silence = partial(verdict, ErrorKind.STREAM_SILENCE_TIMEOUT, provider="openai")
    said = silence(retryable=True)
    assert said.whose == (
        "Your message is probably not the cause: OpenAI or the network may be stuck, or "
        "the model needs more time than this site waits."
    )
    assert said.advice.endswith(
        "If it keeps failing, copy the report for an administrator, who can make this site "
        "wait longer."
    )
    assert Way.AGAIN not in silence(retryable=False).ways


@pytest.mark.parametrize(
    "said",
    [
        "at most 200000 tokens fit claude-3.5-sonnet",
        "at most 200000 tokens fit gpt-4o-2024",
        "at most 200000 tokens fit claude-sonnet-4@20250514",
        "at most 200000 tokens fit claude-3-5-sonnet-20240620-v1:0",
        "at most 200000 tokens fit moonshot-v1-128k, which is 128k",
        "at most 200000 tokens fit version 3.12 of it, or 0.125",
        "at most 200000 tokens, see req_0123 and 12:30, 12 messages",
    ],
)
def test_digits_of_a_name_are_no_number_of_tokens(said: str) -> None:
    assert told_sizes(said) is None


@pytest.mark.parametrize(
    "said",
    [
        "9412 tokens > 8192 maximum",
        "9,412 tokens, and 8,192 fit",
        "9.412 tokens/8.192.",
        "9_412 of an 8_192-token limit",
        "used 9412/8192",
        "model-7b: 9412, limit=8192",
        "9412 (8192)",
    ],
)
def test_both_numbers_are_found_however_they_are_written(said: str) -> None:
    assert told_sizes(said) == (9_412, 8_192)

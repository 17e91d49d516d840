"""No word of a prompt or an answer stays in what is kept of an error's text."""

import json
from time import perf_counter

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdebug.enums import ErrorKind
from chatdebug.errors import (
    ClassifiedError,
    build_facts,
    classify,
    classify_facts,
)
from chatdebug.errors.content import MAX_DEPTH, storable_text, without_content
from chatdebug.errors.payload import Progress, error_payload, exception_chain

WORDS = "alpha bravo's charlie"
PLANTED = ("alpha", "bravo", "charlie")


class Mood(pydantic.BaseModel):
    """What a model was asked to answer with."""

    mood: int


def pydantic_error(data: object) -> pydantic.ValidationError:
    with pytest.raises(pydantic.ValidationError) as caught:
        Mood.model_validate(data)
    return caught.value


def raised(text: str) -> Exception:
    with pytest.raises(ValueError, match="convert") as caught:
        float(text)
    return caught.value


ITEM = {
    "type": "string_type",
    "loc": ["body", "messages", 0, "content"],
    "msg": "Input should be a valid string",
    "input": {"role": "user", "content": WORDS},
    "ctx": {"error": WORDS},
}
GROQ = {
    "error": {
        "message": "Failed to call a function. See 'failed_generation' for details.",
        "type": "invalid_request_error",
        "code": "tool_use_failed",
        "failed_generation": f'<function=get>{{"city": "{WORDS}"}}',
    }
}
SHAPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "pydantic": (
        str(pydantic_error({"mood": WORDS})),
        ("1 validation error for Mood", "type=int_parsing", "input_type=str"),
    ),
    "pydantic, its own words": (
        str(pydantic_error({"mood": f"a, input_type={WORDS}"})),
        ("type=int_parsing", "input_type=str"),
    ),
    "pydantic, a list": (str(pydantic_error([WORDS])), ("input_type=list",)),
    "pydantic, cut in its middle": (
        str(pydantic_error({"mood": {"answer": f"{WORDS} " * 30}})),
        ("type=int_type",),
    ),
    "pydantic, errors()": (str(pydantic_error({"mood": WORDS}).errors()), ("mood",)),
    "pydantic, json()": (pydantic_error({"mood": WORDS}).json(), ("int_parsing",)),
    "pydantic 1": (
        "1 validation error for Mood\nmood\n  unexpected value; permitted: 'a', 'b' "
        f"(type=value_error.const; given={WORDS}; permitted=('a', 'b'))",
        ("type=value_error.const", "permitted: 'a', 'b'"),
    ),
    "a 422 of FastAPI": (
        json.dumps({"detail": [ITEM]}),
        ("string_type", "Input should be a valid string", '"loc": ["body", "messages"'),
    ),
    "the same as an SDK prints it": (
        f"Error code: 422 - { ({'detail': [ITEM]})!r}",
        ("Error code: 422", "Input should be a valid string"),
    ),
    "the same in the text of vLLM": (
        json.dumps({"object": "error", "message": repr([ITEM]), "code": 400}),
        ("Input should be a valid string", '"code": 400'),
    ),
    "a tool call that failed": (
        json.dumps(GROQ),
        ("Failed to call a function.", "tool_use_failed"),
    ),
    "the same as an SDK prints it, cut": (
        f"Error code: 400 - {GROQ!r}"[:-10],
        ("Failed to call a function.", "tool_use_failed"),
    ),
    "JSON in JSON in JSON": (
        json.dumps(
            {"error": {"message": "refused", "metadata": {"raw": json.dumps(GROQ)}}}
        ),
        ("refused", "Failed to call a function.", "tool_use_failed"),
    ),
    "bytes in a message": (
        f"bad answer {json.dumps(GROQ).encode()!r}",
        ("bad answer", "tool_use_failed"),
    ),
    "a failed attempt with its completion": (
        '<failed_attempts>\n<generation number="1">\n<exception>\n'
        f"{pydantic_error({'mood': WORDS})}\n</exception>\n<completion>\nChatCompletion("
        f"choices=[Choice(message=Message(content={WORDS!r}))])\n</completion>\n"
        "</generation>\n</failed_attempts>",
        ("int_parsing", "</failed_attempts>"),
    ),
    "an object's repr": (
        f"no usable answer in ChatCompletion(id='x1', content={WORDS!r}, n=1)",
        ("no usable answer", "id='x1'"),
    ),
    "arguments without a space": (
        """bad call: arguments='{"city":"alpha"}' name='get_weather'""",
        ("name='get_weather'",),
    ),
    "json output": (
        f"Invalid json output: {WORDS}\n\nand {WORDS}\nFor troubleshooting, visit: x",
        ("Invalid json output:",),
    ),
    "output in backticks": (f"Could not parse LLM output: `{WORDS}`", ("LLM output",)),
    "a completion and its reason": (
        f'Failed to parse Mood from completion {{"mood": "{WORDS}"}}. Got: '
        f"{pydantic_error({'mood': WORDS})}",
        ("Failed to parse Mood", "int_parsing"),
    ),
    "a body behind a sentence": (
        f"Received empty model response, body:\n{WORDS}",
        ("Received empty model response",),
    ),
    "a JSON schema's instance": (
        f"{WORDS!r} is not of type 'number'\n\nFailed validating 'type' in schema"
        f"['properties']['mood']:\n    {{'type': 'number'}}\n\nOn instance['mood']:\n    "
        f"{WORDS!r}",
        ("is not of type 'number'",),
    ),
    "an instance of one word": ("'alpha' is not of type 'number'", ("'number'",)),
    "an instance that is an object": (
        "{'name': 'alpha'} is not valid under any of the given schemas",
        ("is not valid under any",),
    ),
    "messages of a router": (
        "litellm.BadRequestError: OpenAIException - bad. Received Model Group=gpt-4o\n"
        f"Received Messages=[{{'role': 'user', 'content': {WORDS!r}}}] Fallbacks=None",
        ("litellm.BadRequestError", "Model Group=gpt-4o"),
    ),
    "a request's parameters": (
        f"request failed: {{'model': 'gpt-4o', 'messages': [{{'content': {WORDS!r}}}]}}",
        ("request failed", "gpt-4o"),
    ),
    "one word that was flagged": ("Your input 'alpha' was flagged", ("was flagged",)),
    "words that were flagged": (
        f'The phrase "{WORDS}" is not allowed.',
        ("not allowed",),
    ),
    "other quotation marks": ("输入“alpha 你好”被拒绝 «bravo» x", ("被拒绝",)),
    "sentences of a guard": (
        "Validation failed for field with errors: The following sentences in your "
        f"response were found to be toxic:\n\n- {WORDS}",
        ("Validation failed for field",),
    ),
    "a number": (str(raised("alpha")), ("could not convert string to float",)),
    "an integer": ("invalid literal for int() with base 10: 'alpha'", ("base 10",)),
    "a key of several words": (repr(WORDS), ("text of 21 characters",)),
    "an enumeration": ("'alpha' is not a valid Kind", ("is not a valid Kind",)),
    "V8's JSON": (
        f"Unexpected token 'I', \"I {WORDS}\"... is not valid JSON",
        ("is not valid JSON",),
    ),
    "a quotation without an end": (f'Got "I {WORDS} and', ("Got",)),
    "a web page": (
        f"400 <!DOCTYPE html><html><title>{WORDS}</title><p>{WORDS}</p></html> end",
        ("web page of", "end"),
    ),
    "an address": (
        "for url 'https://a.example/v1/x?q=alpha+bravo&api-version=2024-10-01'",
        ("https://a.example/v1/x?q=", "api-version=2024-10-01"),
    ),
    "a path": (
        "host='a.example': Max retries exceeded with url: /v1/x?prompt=alpha%20bravo "
        "(Caused by NewConnectionError('<x>: [Errno 111] Connection refused'))",
        ("Max retries exceeded", "[Errno 111] Connection refused"),
    ),
    "unknown fields": (
        json.dumps({"error": {"message": "bad", "snapshotOfIt": [{"zip": "alpha"}]}}),
        ("bad", "snapshotOfIt"),
    ),
    "an announced text": (f"bad answer: {WORDS}", ("bad answer:",)),
    "what was said": (f"You sent: {WORDS}", ("You sent:",)),
    "a long run": ("alphabravo" * 50, ("text of 500 characters",)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_content_is_cut_to_type_and_length_and_the_reason_stays(shape: str) -> None:
    text, kept = SHAPES[shape]
    shown = storable_text(text, 2_000)
    assert not [word for word in PLANTED if word in shown], shown
    assert not [part for part in kept if part not in shown], shown


@pytest.mark.parametrize("shape", SHAPES)
def test_no_field_of_the_payload_holds_content(shape: str) -> None:
    text, _ = SHAPES[shape]
    error = RuntimeError(text)
    error.__cause__ = ClassifiedError(ErrorKind.GENERIC, text)
    for failure in (error, error.__cause__):
        payload = dict(error_payload(failure, classify(failure), Progress()))
        payload.pop("frames")
        stored = json.dumps(payload)
        assert not [word for word in PLANTED if word in stored], stored


@pytest.mark.parametrize("shape", SHAPES)
def test_a_body_that_echoes_leaves_nothing_in_the_detail(shape: str) -> None:
    text, _ = SHAPES[shape]
    for body in (text, json.dumps({"error": {"message": text}})):
        classification = classify_facts(build_facts(body=body, status_code=400))
        assert not [word for word in PLANTED if word in classification.detail], (
            classification.detail
        )


def test_the_full_level_keeps_what_was_said() -> None:
    error = pydantic_error({"mood": WORDS})
    payload = error_payload(error, classify(error), Progress(), keep_content=True)
    assert "alpha" in payload["message"]
    assert "alpha" in exception_chain(error, keep_content=True)[0]["message"]
    assert "alpha" not in payload["detail"]


@pytest.mark.parametrize(
    "text",
    [
        "Invalid type for 'messages[0].content': expected one of a string or array of "
        "objects, but got an integer instead.",
        "Unsupported value: 'temperature' does not support 0.7 with this model. Only the "
        "default (1) value is supported.",
        "messages.2: `tool_use` ids were found without `tool_result` blocks immediately "
        "after: toolu_01.",
        "messages: text content blocks must be non-empty",
        "messages.0.content.1.text: cache_control cannot be set for empty text blocks",
        "Invalid value for 'content': expected a string, got null.",
        "prompt: field required",
        "You don't have access to the model's files, can't use it: 'gpt-4o'",
        "Expecting value: line 1 column 1 (char 0)",
        "Expecting ',' delimiter: line 1 column 38 (char 37)",
        "[Errno 111] Connect call failed ('127.0.0.1', 9)",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed "
        "certificate (_ssl.c:1028)",
        "Client error '400 Bad Request' for url 'https://a.example/v1/chat'",
        "This model's maximum context length is 8192 tokens. However, your messages "
        "resulted in 9000 tokens.",
        '[{"error":{"code":503,"message":"It is overloaded.","status":"UNAVAILABLE"}}]',
        "",
    ],
)
def test_a_reason_without_content_stays_as_it_is(text: str) -> None:
    assert storable_text(text, 2_000) == text


@given(
    st.text(
        alphabet=st.sampled_from(list("'\"`\\{}[]()=:<>,“ \nabinput")), max_size=300
    )
)
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert len(without_content(text)) <= 40 * len(text) + 40


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "'",
        '\\"',
        "\\",
        "'a': ",
        "{'error': \"",
        "prompt: ",
        "content=",
        "<html",
        "/a",
    ],
)
def test_the_work_is_bounded_whatever_the_text(piece: str) -> None:
    started = perf_counter()
    storable_text(piece * 1_000_000, 2_000)
    assert perf_counter() - started < 2  # it takes a tenth


def within_data(depth: int) -> str:
    """Return the words as the message of data that is the message of data, and so on."""
    nested = WORDS
    for _ in range(depth):
        nested = json.dumps({"error": {"message": nested}})[:8_000]
    return nested


@pytest.mark.parametrize("more", [1, 2, 3])
def test_what_is_too_deep_in_data_within_data_is_left_out(more: int) -> None:
    nested = within_data(MAX_DEPTH + more)
    assert all(word in nested for word in PLANTED)
    kept = storable_text(nested, 2_000)
    assert not [word for word in PLANTED if word in kept]


def test_data_within_data_that_is_cut_has_an_end() -> None:
    kept = storable_text(within_data(MAX_DEPTH * 3), 2_000)
    assert "characters]" in kept
    assert len(kept) <= 2_000


def test_the_message_of_data_within_data_is_the_providers_own() -> None:
    assert WORDS in storable_text(within_data(MAX_DEPTH), 2_000)


@pytest.mark.parametrize(
    "said", ["my private words: alpha bravo", "alpha bravo", "<b>alpha</b> bravo", "é"]
)
def test_what_is_no_code_is_not_kept_as_one(said: str) -> None:
    facts = build_facts(
        status_code=400,
        error_type=said,
        error_code=said,
        headers={"x-request-id": said},
    )
    classification = classify_facts(facts)
    assert (
        classification.error_type,
        classification.error_code,
        classification.request_id,
    ) == ("", "", "")


def test_codes_are_kept() -> None:
    facts = build_facts(
        status_code=400,
        error_type="invalid_request_error",
        error_code="messages[0].content",
        headers={"x-request-id": "req_011CS/a+b=="},
    )
    classification = classify_facts(facts)
    assert classification.error_type == "invalid_request_error"
    assert classification.error_code == "messages[0].content"
    assert classification.request_id == "req_011CS/a+b=="


@pytest.mark.parametrize("space", ["", " ", "\t", "\n"])
def test_white_space_behind_a_fields_name_hides_no_content(space: str) -> None:
    shown = storable_text(f"Request(prompt{space}='alpha')", 100)
    assert shown == f"Request(prompt{space}='[text of 5 characters]')"

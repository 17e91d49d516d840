"""Each regular expression with an example that it matches, and one that it must not."""

import pytest

from chatdebug import redaction
from chatdebug.redaction.key_formats import VENDOR_PATTERNS
from chatdebug.redaction.keywords import CONTEXT_PATTERNS
from chatdebug.redaction.patterns import Pattern
from tests.patterns import patterns_of

MIXED = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z"
UPPER = MIXED.upper()
HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

# How each is used, and what it matches, and what it must not.
SEARCHED = {
    "events.HALF_ESCAPE": ("half an escape \\u00", "a whole one \\u00e9"),
    "events.HALF_ITEM": (', "half', '"whole"}'),
    "events.JSON_TOKENS": ('say "this"', "1, 2, true"),
    "events.LINE_ENDS": ("one\rtwo", "one\ttwo"),
    "fragments.COUNTER": ("sequence_number", "index"),
    "key_formats.RESTS": (
        "[REDACTED:api key]\np4Rt8Vb3Nc6",
        "[REDACTED:api key]\nreq_12ab",
    ),
    "notations.CODE_ASSIGNED": ("your otp is: 8392", "status code: invalid"),
    "notations.QUOTED": ("a &quot;b", "a &amp; b"),
    "notations.ENCODED_SEPARATOR": ("a%3ab", "a%20b"),
    "keywords.WITH_SLASH": ("://user:pa/55@db", "://db:5432/x@y"),
    "keywords.ASSIGNED": ("the api key provided: ", "the key to success"),
    "keywords.BESIDE": ("api key ab12cdef", "api key is missing"),
    "words.CASE_CHANGE": ("aB", "ab"),
    "keywords.CREDENTIAL": ("your signature", "your name"),
    "keywords.LONG_TOKEN": (MIXED, f"https://x.example/{MIXED}"),
    "words.NO_SECRET": ("primary_key", "openai_key"),
    "keywords.REQUEST_ID": ("request id: ", "request failed: "),
    "keywords.RUN": ("abc.def-ab3DE5fg7hij", "abc.def-ghi"),
    "patterns.MARKERS": ("a [REDACTED:api key] b", "a [REDACTED, sorry] b"),
    "secret_names.CAMEL": ("apiKey", "APIKEY"),
    "secret_names.COUNTERS": ("secret_name", "name_of_secret"),
    "secret_names.LONGER_KEYS": ("my_signing_keys", "primary_key"),
    "text.COLOURS": ("\x1b[1;31mred", "[1;31mred"),
    "text.ESCAPES": ("\\u0073k-", "\\u2026"),
    "text.URL": ("see wss://x.example/a", "see ftp://x.example/a"),
}
MATCHED = {
    "events.FIELD": ("data: {}", "- data: {}"),
    "events.LEADING": (', {"a": 1}', "words"),
    "events.STREAM": ("data: {}", "database: {}"),
    "keywords.PREFIXED_ID": ("chatcmpl-Ab3dE5", "Ab3dE5fG7"),
}
WHOLE = {
    "keywords.UNDIVIDED": ("ab/12+34==", "_.-"),
    "secret_names.PIN": ("card_pin", "spin"),
    "secret_names.PIN_VALUE": ("8392", "13"),
    "sent_secrets.NO_SECRET": ("streaming", "acme7f3b"),
    "sent_secrets.WORDS": ("sk-proj-", "acme7f3b"),
    "patterns.PLACEHOLDER": ("your-api-key", "yourselves-kqXwzTb"),
}
EXAMPLES = [
    *((name, "search", *texts) for name, texts in SEARCHED.items()),
    *((name, "match", *texts) for name, texts in MATCHED.items()),
    *((name, "fullmatch", *texts) for name, texts in WHOLE.items()),
]


def test_every_expression_has_its_examples() -> None:
    assert patterns_of(redaction).keys() == {name for name, *_ in EXAMPLES}


@pytest.mark.parametrize(("name", "how", "text", "other"), EXAMPLES)
def test_an_expression_matches_its_example_and_not_the_other(
    name: str, how: str, text: str, other: str
) -> None:
    matched = getattr(patterns_of(redaction)[name], how)
    assert matched(text) is not None
    # An expression of which everything is optional matches nothing at all.
    assert not (found := matched(other)) or not found[0]


# One for each pattern, in their order: a text, the secret in it, and what must stay.
BEFORE_SECRETS = [
    ("postgres://user:pa55word@db/x", "user:pa55word", "postgres://db:5432/x"),
    ("postgres://user:pa/55@db/x", "user:pa/55", "https://x.example:443/a@b"),
    (
        'Digest username="u", response="0a1b"',
        'username="u", response="0a1b"',
        "a digest of the news",
    ),
    ("Bearer ab12cdef", "ab12cdef", "bearer authentication"),
    ("Token ab12cdef", "ab12cdef", "token has expired"),
    ("cookie: sid=abcdef", "sid=abcdef", "a cookie is a biscuit"),
    ("('x-api-key', 'abcdef')", "abcdef", "('x-request-id', 'abcdef')"),
    ("cookies={'sid': 'abcdef'}", "'sid': 'abcdef'", "cookies and {milk}"),
    ("<Cookie sid=abcdef for x.example/>", "abcdef", "<cookie monster>"),
    ("JSESSIONID=abcdef12", "abcdef12", "no sessionid there"),
    ("password = 'correct horse'", "correct horse", "primary_key = 'some of it'"),
    (
        "api key ab12cd34ef56 is bad",
        "ab12cd34ef56",
        "the api key parameter is bad",
    ),
    ("['--api-key', 'ab12cdef']", "ab12cdef", "['sort-key', 'ab12cdef']"),
    ("password 'abcdef'", "abcdef", "password required"),
    ("secret: abcdef", "abcdef", "secret: missing"),
    ("OPENAI_ADMIN_KEY=ab12cdef", "ab12cdef", "cache_key=ab12cdef"),
    ("DB_PASSWORD=839201", "839201", "password: 401, max_tokens=8392"),
    ("&sig=ab12cdefab12cdef", "ab12cdefab12cdef", "sig=short"),
    ("<AccessKey>abcdef</AccessKey>", "abcdef", "<Key>abcdef</Key>"),
    ("curl -u me:pa55word", "me:pa55word", "docker run -u 1000:1000"),
    ("auth=('me', 'pa55word')", "pa55word", "auth=(me, you)"),
    ("mysql -h db -ppa55word", "pa55word", "mysql -p"),
    ("Пароль: ab12cdef34gh", "ab12cdef34gh", "пароль неверный"),
    ("a%3A%20Bearer%20ab12cdef%22", "ab12cdef", "basic+authentication%20"),
    ('{"otp": "839201"}', "839201", "error code: 839201"),
    ("%22api_key%22%3A%22ab12cd%22", "ab12cd", "page_token%3Dab12cd"),
    ("password=&quot;abcdef&quot;", "abcdef", "type=&quot;password&quot;"),
    (
        'form-data; name="password"\r\n\r\nabcdef\r\n--',
        "abcdef",
        'form-data; name="model"\r\n\r\nabcdef\r\n--',
    ),
    (
        "ALTER USER a IDENTIFIED BY 'abcdef'",
        "abcdef",
        "the model identified by 'abcdef'",
    ),
    ("db:5432:prod:app:pa55word", "pa55word", "db:5432: no route to host"),
    (
        "a.password\n  Bad [type=x, input_value='abc, input_type=d', input_type=str]",
        "abc, input_type=d",
        "note\n  Bad [type=x, input_value='abcdef', input_type=str]",
    ),
    (
        "{'loc': ('body', 'password'), 'msg': 'Bad', 'input': 'abcdef'}",
        "abcdef",
        "{'loc': ('body', 'note'), 'msg': 'Bad', 'input': 'abcdef'}",
    ),
]
KEYS = [
    (f"-----BEGIN PRIVATE KEY-----\n{MIXED}", "-----BEGIN PUBLIC KEY-----\nMIIB"),
    (f"Private-Lines: 1\n{MIXED}", "Private-Lines: none"),
    (f"LS0tLS1CRUdJTiBSU0Eg{MIXED}", f"LS0tLS1CRUdJTiBDRVJU{MIXED}"),
    ("eyJhbGciOiJIUzI1NiJ9.e30.abc", "eyJ is how they begin"),
    (f"sk-ant-{MIXED}", "sk-ant-api03-..."),
    (f"sk-or-{MIXED}", "sk-or-"),
    (f"sk-{MIXED}", "task-specific, sk-"),
    (f"sk_live_{MIXED}", "sk_live_ keys"),
    (f"AIza{MIXED}", "AIza keys"),
    (f"ya29.{MIXED}", "ya29. tokens"),
    (f"AKIA{UPPER}", "AKIA, ASIA and others"),
    (f"ABSK{MIXED}", "ABSK keys"),
    (f"{MIXED}AzCa{MIXED}", "AzCa"),
    (f"gsk_{MIXED}", "gsk_ keys"),
    (f"xai-{MIXED}", "xai-models"),
    (f"hf_{MIXED}", "hf_ tokens"),
    (f"r8_{MIXED}", "r8_ tokens"),
    (f"pplx-{MIXED}", "pplx-api"),
    (f"fw_{MIXED}", "fw_ keys"),
    (f"nvapi-{MIXED}", "nvapi-keys"),
    (f"csk-{MIXED}", "csk-keys"),
    (f"pa-{MIXED}", "pa-system"),
    (f"lsv2_{MIXED}", "lsv2_pt_"),
    (f"sess-{MIXED}", "sess-ion"),
    (f"pcsk_{MIXED}", "pcsk_ keys"),
    (f"fc-{HEX}", "fc-barcelona"),
    (f"ak-{MIXED[:22]}", f"ak-{HEX[:22]}"),
    (f"LLM|1234567890|{MIXED}", "LLM|agents"),
    (f"v1.0-{HEX[:24]}-{HEX}{HEX}", "v1.0-beta"),
    (f"abc1Q~{MIXED[:34]}", "abc1Q~short"),
    (f"hooks.slack.com/services/{MIXED}", "hooks.slack.com/docs"),
    (f"pk-lf-{MIXED}", "pk-lf-"),
    (f"tgp_v1_{MIXED}", "tgp_v1_ keys"),
    (f"tvly-{MIXED}", "tvly-search"),
    (f"ghp_{MIXED}", "ghp_ tokens"),
    (f"glpat-{MIXED}", "glpat-tokens"),
    (f"xoxb-{MIXED}", "xoxb-bot"),
    (f"npm_{MIXED}", "npm_config"),
    (f"dapi{HEX}", "dapi-server"),
    (f"hvs.{MIXED}", "hvs.tokens_without_digits"),
    (f"glsa_{MIXED}", "glsa_tokens_without_digits"),
    (f"napi_{HEX}", "napi_get_value_int32"),
    (f"AQ.{MIXED}", "see AQ.1"),
    (f"EAA{MIXED}", "EAA members"),
    (f"pat-na1-{HEX}", "pat-a-cake"),
    (f"pat{MIXED[:14]}.{HEX}", "pattern.matching"),
    (f"SK{HEX}", "SKU 12345678"),
    (f"pk.eyJ{MIXED}", "pk.eyes"),
    (f"eu01xx{HEX}", "eu01xx"),
    (f"re_{MIXED[:8]}_{MIXED}", "re_match_of_everything_in_the_text"),
    (f"sk_{MIXED}", "sk_test_of_a_model_with_many_words"),
    (f"{MIXED[:14]}.atlasv1.{MIXED}", "x.atlasv1.y"),
    (f"1234567890:AA{MIXED[:33]}", "ratio 1234567890:AA battery"),
]


def is_tried(pattern: Pattern, text: str) -> bool:
    """Return whether a pattern's hints and gate let it look at a text."""
    lowered = text.lower()
    is_let_in = pattern.gate is None or pattern.gate.search(lowered)
    return bool(is_let_in) and any(hint in lowered for hint in pattern.hints)


@pytest.mark.parametrize(
    ("pattern", "example"), list(zip(CONTEXT_PATTERNS, BEFORE_SECRETS, strict=True))
)
def test_a_word_before_a_secret(
    pattern: Pattern, example: tuple[str, str, str]
) -> None:
    text, secret, other = example
    assert is_tried(pattern, text)
    assert pattern.remove(text) == text.replace(secret, f"[REDACTED:{pattern.kind}]")
    assert pattern.remove(other) == other


@pytest.mark.parametrize(
    ("pattern", "example"), list(zip(VENDOR_PATTERNS, KEYS, strict=True))
)
def test_the_look_of_a_key(pattern: Pattern, example: tuple[str, str]) -> None:
    key, other = example
    text = f"it was {key}"
    assert is_tried(pattern, text)
    kept = pattern.remove(text)
    assert f"[REDACTED:{pattern.kind}]" in kept
    assert not any(part[:14] in kept for part in (MIXED, UPPER, HEX))
    assert pattern.remove(other) == other

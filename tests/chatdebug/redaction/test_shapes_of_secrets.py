"""Secrets by their look and by their place, and what only looks like one."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdebug.redaction import redact_json, redact_text, redact_url

ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"

KEYS = {
    # what stands before it, alphabet, length of the rest, what stands behind it
    "google since 2026": ("AQ.", ALNUM + "_-", 50, ""),
    "mem0": ("m0-", ALNUM, 40, ""),
    "grafana service account": ("glsa_", ALNUM, 32, "_6f2c9ab1"),
    "grafana cloud": ("glc_", ALNUM, 80, "="),
    "facebook": ("EAAB", ALNUM, 120, ""),
    "facebook, another app": ("EAAG", ALNUM, 160, ""),
    "hubspot": ("pat-na1-", HEX, 8, "-1b2c-4d5e-8f90-a1b2c3d4e5f6"),
    "hubspot, Europe": ("pat-eu1-", HEX, 8, "-1b2c-4d5e-8f90-a1b2c3d4e5f6"),
    "fly": ("fo1_", ALNUM + "_-", 43, ""),
    "fly macaroon": ("fm2_", ALNUM + "+/", 200, ""),
    "supabase": ("sbp_", HEX, 40, ""),
    "supabase secret": ("sb_secret_", ALNUM + "_-", 31, ""),
    "postman": ("PMAK-", HEX, 24, "-aabbccddeeff00112233445566778899aa"),
    "atlassian": ("ATCTT3", ALNUM + "_-", 180, "=1A2B3C4D"),
    "notion": ("ntn_", ALNUM, 46, ""),
    "linear": ("lin_oauth_", HEX, 64, ""),
    "doppler": ("dp.st.prd.", ALNUM, 43, ""),
    "pulumi": ("pul-", HEX, 40, ""),
    "terraform": ("aB3dE5fG7hJ9kL.atlasv1.", ALNUM, 67, ""),
    "vault": ("hvs.", ALNUM + "_-", 90, ""),
    "airtable": ("patAb1Cd2Ef3Gh4Ij.", HEX, 64, ""),
    "shopify": ("shpca_", HEX, 32, ""),
    "mailgun": ("key-", HEX, 32, ""),
    "sendgrid": (
        "SG.",
        ALNUM + "_-",
        22,
        ".aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9f",
    ),
    "twilio": ("SK", HEX, 32, ""),
    "digitalocean": ("dop_v1_", HEX, 64, ""),
    "mapbox": ("sk.eyJ1Ijoi", ALNUM, 60, ".Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8"),
    "sentry": ("sntryu_", HEX, 64, ""),
    "cloudflare": ("cfut_", ALNUM, 48, ""),
    "dynatrace": (
        "dt0c01.",
        ALNUM,
        24,
        ".AB3DE5FG7HJ9KL1MN3PQ5RS7TU9VW1XY3ZA5BC7DE9FG1",
    ),
    "new relic": ("NRAK-", string.ascii_uppercase + string.digits, 27, ""),
    "planetscale": ("pscale_tkn_", ALNUM + "_-", 43, ""),
    "neon": ("napi_", LOWER, 62, ""),
    "clerk": ("sk_live_", ALNUM, 42, ""),
    "resend": ("re_", ALNUM, 8, "_aB3dE5fG7hJ9kL1mN3pQ5rS7t"),
    "anthropic admin": ("sk-ant-admin01-", ALNUM + "_-", 95, ""),
    "openai admin": ("sk-admin-", ALNUM + "_-", 90, ""),
    "elevenlabs": ("sk_", HEX, 48, ""),
    "together": ("tgp_v1_", ALNUM + "_-", 43, ""),
    "brevo": ("xkeysib-", HEX, 64, "-aB3dE5fG7hJ9kL1m"),
    "square": ("sq0atp-", ALNUM + "_-", 22, ""),
    "telegram": ("1234567890:AA", ALNUM, 33, ""),
}
AROUND = ("{}", "it was {} then", "'{}'", "({})", "a: {},", "\n{}\n", "x={}&y")


def made(rng: random.Random, name: str) -> str:
    before, alphabet, length, behind = KEYS[name]
    # At least one of each, as what is random and as long has.
    parts = {HEX: "a3f", LOWER: "ab3"}.get(alphabet, "aB3")
    if name == "new relic":
        parts = "AB3"
    return before + parts + "".join(rng.choices(alphabet, k=length - 3)) + behind


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_known_by_its_look(name: str) -> None:
    rng = random.Random(11)
    for around in AROUND:
        key = made(rng, name)
        kept = redact_text(around.format(key))
        assert not any(key[i : i + 10] in kept for i in range(len(key) - 10)), kept


SECRET = "kqXwzTbvNcRjLmPd"  # sixteen letters, no digit, no prefix
RAW_HEADERS = (
    "headers=[(b'x-api-key', b'{}'), (b'accept', b'*/*')]",
    "headers=[(b'cookie', b'sid={}')]",
    "[(b'Set-Cookie', b'sid={}; Path=/; HttpOnly')]",
    "Headers([('host', 'x.example'), ('cookie', 'a=1; sid={}')])",
    "Headers({{'host': 'x.example', 'cookie': 'sid={}'}})",
    "{{b'x-goog-api-key': b'{}'}}",
    "[[b'authorization', b'Basic {}']]",
    '["x-auth-token", "{}"]',
    '[["Proxy-Authorization", "{}"]]',
    "(\\'x-api-key\\', \\'{}\\')",
    '{{\\"set-cookie\\": \\"sid={}\\"}}',
    '(b"cookie", b"sid=\'{}\'")',
    "(b'cookie', b'sid=\"{}\"; theme=dark')",
    'Cookie: theme="dark"; sid={}',
    "set-cookie: sid={}; Secure",
    "Set-Cookie2: sid={}",
    "cookies={{'sid': '{}'}}",
    "cookies: {{sid: {}}}",
    "<CookieJar[<Cookie sid={} for x.example/>]>",
    "scope['headers'] = [(b'ocp-apim-subscription-key', b'{}')]",
    "-H 'Cookie: sid={}'",
)


@pytest.mark.parametrize("template", RAW_HEADERS)
def test_headers_and_cookies_however_they_are_printed(template: str) -> None:
    kept = redact_text(template.format(SECRET))
    assert SECRET not in kept
    assert "[REDACTED" in kept
    assert redact_text(kept) == kept


BLOCKS = (
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "PGP PRIVATE KEY BLOCK",
    "PGP MESSAGE",
    "OpenVPN Static key V1",
)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("line", ["\n", "\\n", "\r\n"])
def test_blocks_of_private_keys(block: str, line: str) -> None:
    body = line.join(["lQdGBGN4vXYBEADQ8r5j2nM", "zTbvNcRjLmPdkqXw", "=9Xy1"])
    text = f"a -----BEGIN {block}-----{line}{body}{line}-----END {block}-----{line}b"
    kept = redact_text(text)
    assert "BEADQ8r5" not in kept
    assert "zTbvNc" not in kept
    assert kept.startswith("a ")
    assert kept.endswith("b")


def test_other_forms_of_private_keys() -> None:
    ssh2 = "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAAkYAAAA3aWYt\n"
    putty = "Private-Lines: 2\nAAAAgQCzTbvNcRjLmPd\nkqXwAAAA\nPrivate-MAC: 0a1b"
    kubernetes = "client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlF"
    for text, secret in (
        (ssh2, "P2/56wAAAk"),
        (putty, "AAAAgQCzTb"),
        (kubernetes, "UFJJVkFURSBL"),
    ):
        assert secret not in redact_text(text)
    jwk = {"kty": "RSA", "n": "0vx7agoebG", "e": "AQAB", "d": "X4cTteJY_gn4FYPsXB8r"}
    assert redact_json(jwk) == jwk | {"d": "[REDACTED]"}


def test_certificates_and_public_keys_stay() -> None:
    for name in ("CERTIFICATE", "PUBLIC KEY", "PGP PUBLIC KEY BLOCK"):
        text = f"-----BEGIN {name}-----\nMIIBIjANBgkqhkiG9w0BAQ\n-----END {name}-----"
        assert redact_text(text) == text


HARMLESS = (
    'client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="unused")',
    'api_key="your-key"',
    'api_key="YOUR_API_KEY"',
    "api_key: <your-api-key>",
    'OpenAI(api_key="sk-...")',
    'token="..."',
    "OPENAI_API_KEY=your-key-here",
    'api_key="not-needed"',
    'api_key="EMPTY"',
    'api_key="ollama"',
    'api_key="lm-studio"',
    'password="changeme"',
    "password: change-me",
    'export ANTHROPIC_API_KEY="sk-ant-..."',
    'api_key="sk-your-key-here"',
    "Authorization: Bearer <token>",
    "curl -H 'Authorization: Bearer $TOKEN'",
    'api_key=os.environ["MEM0_API_KEY"]',
    "the napi_get_value_int32 function and napi_create_external_arraybuffer",
    "the pattern and the path, a re_match of task-specific sk-learn models",
    "import sklearn; from path import patch_pattern",
    "ask SKU 12345678 of AC/DC",
    "see AQ.1 and AQ.2 in the questionnaire",
    "EAA members are Norway, Iceland and Liechtenstein",
    "secret_santa_list_for_our_team",
    "the m0-state, the fo1_ prefix, glsa_ tokens, pat-na1- keys",
    "vault: hvs.",
    "commit 9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
    '{"author": "Mark Twain", "session": "morning", "signature": "def f(x)"}',
    '[("author", "Mark Twain"), ("authority", "none")]',
    "cookies and milk: a story",
    "Cookie banners are annoying",
    "a cookie is a biscuit",
    "https://x.example/a?page=2&sort=key#frag",
    "linear-gradient(90deg), lin_space(0, 1), doppler dp.st",
    "pip install openai==1.2.3 && python -m pytest tests/test_keys.py",
    "ratio 1234567890:AA battery",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_words_stay(text: str) -> None:
    assert redact_text(text) == text


REAL = (
    'api_key="unusedXk29fLq8"',
    'password="correcthorse"',
    'password="hunter2"',
    "token: your8f7e6d5c4b3a2",
    "api_key: examplekqXwzTbvNc",
)


@pytest.mark.parametrize("text", REAL)
def test_what_only_begins_like_a_placeholder_goes(text: str) -> None:
    assert redact_text(text) != text


MARKED = (
    "https://x.example/?key=[REDACTED:api key]",
    "https://x.example/?key=[REDACTED:api key]&a=1",
    "see https://x.example/v1?key=[REDACTED]. Then",
    "(https://x.example/?token=%5BREDACTED%5D)",
    "https://x.example/[REDACTED:configured secret]/a?b=1",
)


@pytest.mark.parametrize("text", MARKED)
def test_a_marker_in_a_url_stays_in_one_piece(text: str) -> None:
    kept = redact_text(text)
    assert kept.count("REDACTED") == 1
    assert "%5BREDACTED%5D key]" not in kept
    assert "%5BREDACTED%5D]" not in kept
    assert redact_text(kept) == kept


def test_a_key_in_a_url_becomes_one_marker() -> None:
    key = "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9v"
    for name in ("key", "api_key", "q"):
        url = f"https://x.example/v1?{name}={key}"
        for kept in (redact_text(url), redact_url(url), redact_text(redact_url(url))):
            assert kept.count("REDACTED") == 1
            assert kept.rstrip("]").endswith(("%5BREDACTED%5D", "[REDACTED:api key"))


pieces = st.sampled_from(
    [
        "https://x.example/a?key=",
        "https://u:p4ssword@x.example/",
        "&token=",
        "Authorization: Bearer ",
        "x-api-key: ",
        "Cookie: sid=",
        '{"api_key": "',
        '"}',
        "'",
        '"',
        "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9v",
        "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "hunter2hunter2",
        "[REDACTED:value]",
        "[REDACTED]",
        "%5BREDACTED%5D",
        "password=",
        "token ",
        "unused",
        " ",
        "\n",
        ", ",
        "(b'cookie', b'",
        "')",
        "-----BEGIN PRIVATE KEY-----",
        "\\u0073k-",
        "secret",
        "=",
        ":",
        "a1b2c3d4e5f6g7h8",
    ]
)


@given(st.lists(pieces, max_size=9).map("".join))
def test_redacting_again_changes_nothing(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once
    url = redact_url(text)
    assert redact_url(url) == url


def test_letters_that_json_writes_by_their_numbers() -> None:
    key = "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9v"
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
    for text in (escaped, key.replace("-", "\\u002d"), escaped.replace("\\", "\\\\")):
        kept = redact_text(f'broken {{"a": "{text}')
        assert kept == 'broken {"a": "[REDACTED:api key]'

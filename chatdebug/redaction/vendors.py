"""Secrets that are known by their look: the shapes of vendors' keys.

Each pattern starts at a literal or at the edge of a word, and its repetitions cannot
share characters, so that it runs in linear time.
"""

import re

from chatdebug.redaction.patterns import Pattern, hints, remove

BODY = r"[\w*•…+/=-]"
"""What keys are made of, and what providers mask them with."""
EDGE = r"(?<![A-Za-z0-9])"


def _prefixed(kind: str, prefixes: str, rest: str) -> Pattern:
    """Return the pattern of keys that begin with one of the prefixes."""
    words = prefixes.split()
    starts = "|".join(map(re.escape, words))
    regex = re.compile(rf"{EDGE}(?:{starts}){rest}")
    return Pattern(kind, tuple(word.lower() for word in words), regex)


VENDOR_PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "private key",
        ("private key-----",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
            r"(?:(?!-----)[\s\S]){0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
        ),
    ),
    Pattern(
        "token",
        ("eyj",),
        re.compile(rf"{EDGE}eyJ[\w-]{{8,}}(?:\.[\w*•…-]*){{0,4}}"),
    ),
    # A short one is not a key but what keys begin with, unless the rest is masked.
    _prefixed(
        "anthropic key", "sk-ant-", rf"(?:[\w-]{{0,20}}[*•…]{BODY}*|{BODY}{{12,}})"
    ),
    _prefixed("openrouter key", "sk-or-", rf"{BODY}{{4,}}"),
    _prefixed("api key", "sk-", rf"{BODY}{{6,}}"),
    _prefixed("stripe key", "sk_live_ sk_test_ rk_live_ rk_test_ whsec_", r"\w{8,}"),
    _prefixed("google key", "AIza", rf"{BODY}{{16,}}"),
    _prefixed("google token", "ya29. GOCSPX- 1//0", r"[\w.*•…/-]{12,}"),
    _prefixed("aws key", "AKIA ASIA ABIA ACCA AROA AIDA", r"[A-Z0-9*•…]{12,}"),
    _prefixed("bedrock key", "ABSK bedrock-api-key-", r"[\w+/=*•…-]{16,}"),
    Pattern(
        "azure key",
        ("jqqj", "azca", "acdb", "aaaaac"),
        re.compile(
            r"(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]{0,80}(?:JQQJ9|AzCa|ACDb|AAAAAC))"
            r"[A-Za-z0-9+/]{40,100}={0,2}"
        ),
    ),
    _prefixed("groq key", "gsk_", rf"{BODY}{{8,}}"),
    _prefixed("xai key", "xai-", rf"{BODY}{{16,}}"),
    _prefixed("hugging face token", "hf_ api_org_", r"[\w*•…]{12,}"),
    _prefixed("replicate token", "r8_", r"[\w*•…]{12,}"),
    _prefixed("perplexity key", "pplx-", rf"{BODY}{{12,}}"),
    _prefixed("fireworks key", "fw_", r"[\w*•…]{12,}"),
    _prefixed("nvidia key", "nvapi-", rf"{BODY}{{12,}}"),
    _prefixed("cerebras key", "csk-", rf"{BODY}{{12,}}"),
    _prefixed("voyage key", "pa-", r"[A-Za-z0-9_-]{30,}"),
    _prefixed("langsmith key", "lsv2_ ls__", rf"{BODY}{{12,}}"),
    _prefixed("session key", "sess- ek_", rf"{BODY}{{24,}}"),
    _prefixed("service key", "pcsk_ vck_ rpa_", rf"{BODY}{{20,}}"),
    _prefixed("service key", "sk_ fc- key-", r"[0-9a-f]{32,}"),
    _prefixed(
        "service key", "ak- as-", r"(?=\w{0,20}\d)(?=\w{0,20}[A-Z])[A-Za-z0-9]{22}\b"
    ),
    Pattern(
        "service key", ("llm|",), re.compile(rf"{EDGE}LLM\|\d{{6,20}}\|[\w-]{{16,64}}")
    ),
    Pattern(
        "origin key",
        ("v1.0-",),
        re.compile(rf"{EDGE}v1\.0-[0-9a-f]{{20,32}}-[0-9a-f]{{40,200}}"),
    ),
    Pattern(
        "azure client secret",
        ("q~",),
        re.compile(rf"{EDGE}[\w~.-]{{3}}\dQ~[\w~.-]{{31,34}}"),
    ),
    Pattern(
        "webhook",
        ("hooks.slack.com", "/api/webhooks/", "api.telegram.org/bot"),
        re.compile(
            r"(?:hooks\.slack\.com/(?:services|workflows)/|/api/webhooks/\d{1,24}/|"
            r"api\.telegram\.org/bot)(?P<secret>[\w/:-]{16,200})"
        ),
    ),
    _prefixed("langfuse key", "sk-lf- pk-lf-", rf"{BODY}{{6,}}"),
    _prefixed("together key", "tgp_v1_", rf"{BODY}{{12,}}"),
    _prefixed("tavily key", "tvly- jina_ exa- e2b_ bb_live_", rf"{BODY}{{16,}}"),
    _prefixed("github token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"[\w*•…]{12,}"),
    _prefixed("gitlab token", "glpat- gldt- glrt- glptt-", r"[\w*•….-]{12,}"),
    _prefixed("slack token", "xoxb- xoxa- xoxp- xoxr- xoxs- xapp-", r"[\w*•…-]{8,}"),
    _prefixed("package token", "npm_ pypi- dckr_pat_", r"[\w*•…-]{16,}"),
    _prefixed("databricks token", "dapi", r"[0-9a-f*•…]{16,}(?:-\d)?"),
    _prefixed(
        "service token",
        "sntrys_ sbp_ hvs. hvb. shpat_ shpss_ dop_v1_ doo_v1_ figd_ lin_api_ ntn_ "
        "secret_ rnd_ phc_ phx_ SG. AGE-SECRET-KEY- ATATT3 nfp_ sgp_ dp.pt. PMAK- "
        "key-live- tskey- flyv1_ FlyV1_ vercel_ co_live_ wandb_v1_ apify_api_ r_live_",
        r"[\w.*•…+/=-]{12,}",
    ),
)


VENDOR_HINTS = hints(VENDOR_PATTERNS)


def remove_vendor_keys(text: str) -> str:
    """Return the text without keys that are known by their look."""
    return remove(VENDOR_HINTS, text, text.lower())

"""Secrets that are known by their look: the shapes of vendors' keys.

Each pattern starts at a literal or at the edge of a word, and its repetitions cannot
share characters, so that it runs in linear time.
"""

import re

from chatdebug.redaction.patterns import Pattern, hints, marker
from chatdebug.redaction.words import CASE_CHANGE

BODY = r"[\w*•…+/=-]"
"""What keys are made of, and what providers mask them with."""
EDGE = r"(?<![A-Za-z0-9])"


PRIVATE = r"(?=[^-\r\n]{0,60}(?:PRIVATE|SECRET|ENCRYPTED|Static key|MESSAGE))"
"""What the name of a block of keys says if it is not for everyone."""
CREDIBLE = r"(?=[^\s\"'`]{0,80}[\d*•…])"
"""No key without a digit: what follows is not a word."""
RANDOM = r"(?=\w{0,60}[A-Z])(?=\w{0,60}\d)(?=\w{0,60}[a-z])"

BROKEN = r"(?:\r?\n|(?:\\{1,3}r)?\\{1,3}n)[ \t>|]{0,8}"
"""The end of a line, and how the next one may be set in."""
RESTS = re.compile(
    rf"(?P<before>\[REDACTED:[a-z0-9 ]{{1,30}}\]{BROKEN})"
    r"(?P<rest>(?![a-z]{2,20}[-_]|[0-9a-f]{8}-)[A-Za-z0-9_-]{8,400})(?![\w./:(=-])"
)
"""What begins the line after a key: its rest, if that is no word and no id."""
MIN_CHANGES = 5
"""Letters of a rest that are followed by one of another kind; no name has as many."""


def _prefixed(kind: str, prefixes: str, rest: str) -> Pattern:
    """Return the pattern of keys that begin with one of the prefixes."""
    words = prefixes.split()
    starts = "|".join(map(re.escape, words))
    regex = re.compile(rf"{EDGE}(?:{starts}){rest}")
    return Pattern(kind, tuple(word.lower() for word in words), regex)


VENDOR_PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "private key",
        ("---- begin ", "-----begin "),
        re.compile(
            rf"-{{4,5}} ?BEGIN {PRIVATE}[^-\r\n]{{0,80}}-{{4,5}}"
            r"(?:(?!----)[\s\S]){0,20000}(?:-{4,5} ?END [^-\r\n]{0,80}-{4,5})?"
        ),
    ),
    Pattern(
        "private key",
        ("private-lines:",),
        re.compile(
            r"Private-Lines: ?\d{1,4}(?P<secret>(?:\s|\\[rn]){1,8}"
            r"[A-Za-z0-9+/=\s\\]{16,20000})"
        ),
    ),
    # The same in base64, as Kubernetes has it; certificates are public.
    Pattern(
        "private key",
        ("ls0tls1crudjti",),
        re.compile(r"LS0tLS1CRUdJTi(?!BDRVJU|BQVUJM)[A-Za-z0-9+/_=-]{20,20000}"),
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
    # Or broken off right after how it begins.
    _prefixed(
        "api key",
        "sk-",
        rf"(?:{BODY}{{6,}}|(?:[a-z]{{2,8}}-)?{BROKEN}{RANDOM}[\w-]{{16,400}})",
    ),
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
        "sntrys_ sbp_ hvs. hvb. hvr. shpat_ shpss_ shpca_ shppa_ shptka_ dop_v1_ doo_v1_ "
        "dor_v1_ figd_ figor_ figu_ lin_api_ lin_oauth_ ntn_ "
        "secret_ rnd_ phc_ phx_ SG. AGE-SECRET-KEY- ATATT3 ATCTT3 ATBB nfp_ sgp_ "
        "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. PMAK- PMAT- "
        "key-live- tskey- flyv1_ FlyV1_ vercel_ co_live_ wandb_v1_ apify_api_ r_live_",
        rf"{CREDIBLE}[\w.*•…+/=-]{{12,}}",
    ),
    _prefixed(
        "service token",
        "glsa_ glc_ sb_secret_ sntryu_ NRAK- NRJS- NRII- NRRA- pscale_tkn_ pscale_pw_ "
        "pscale_oauth_ dt0c01. dt0s01. dt0s02. dt0s16. fo1_ fm1a_ fm1r_ fm2_ m0- "
        "cfut_ cfat_ cfk_ glft- glsoat- glcbt- glimt- glagent- gloas- glffct- glwt- "
        "sq0atp- sq0csp- EAAAl EAAAE rubygems_ bkua_ CCIPAT_ CCIPRJ_ xkeysib- xsmtpsib- "
        "mlsn. AKCp cmVmdGtu CFPAT- pnu_ rdme_ zpka_ access-sandbox- access-production- "
        "secret-live- secret-test- sk_prod_ sk_dev_ unkey_ ghv_ ATSTT3",
        rf"{CREDIBLE}[\w.*•…+/=-]{{16,}}",
    ),
    _prefixed("service key", "napi_ pul-", r"[a-z0-9]{32,}"),
    _prefixed("google key", "AQ.", rf"{CREDIBLE}[\w*•…-]{{16,}}"),
    _prefixed("facebook token", "EAA", r"(?=[A-Z0-9]{0,40}[a-z])(?=\w{0,40}\d)\w{28,}"),
    _prefixed("hubspot token", "pat-", r"[a-z]{2}\d-[0-9a-f*•…-]{16,}"),
    _prefixed("airtable token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f*•…]{24,}"),
    _prefixed("twilio key", "SK", r"[0-9a-f*•…]{32}(?![A-Za-z0-9])"),
    _prefixed("mapbox token", "sk.ey pk.ey tk.ey", r"[\w.*•…-]{20,}"),
    _prefixed("newrelic key", "eu01xx", r"[0-9a-f]{20,}(?:NRAL|FFFFNRAL)?"),
    _prefixed("service key", "re_", rf"{RANDOM}[A-Za-z0-9]{{8}}_[A-Za-z0-9]{{20,}}"),
    _prefixed("service key", "sk_ pk_", rf"{RANDOM}[A-Za-z0-9]{{24,}}"),
    Pattern(
        "terraform token",
        (".atlasv1.",),
        re.compile(rf"{EDGE}[A-Za-z0-9]{{10,20}}\.atlasv1\.[\w*•…=-]{{16,}}"),
    ),
    Pattern(
        "telegram token",
        (":aa",),
        re.compile(rf"{EDGE}\d{{8,10}}:AA[\w-]{{32,36}}(?![\w-])"),
    ),
)
VENDOR_HINTS = hints(VENDOR_PATTERNS)


def remove_rest(text: str) -> str:
    """Return a text, whose keys were removed, without the rest of one on the next line."""
    return (
        RESTS.sub(_rest, text)
        if "]\n" in text or "]\r" in text or "]\\" in text
        else text
    )


def _rest(match: re.Match[str]) -> str:
    rest = match["rest"]
    is_word = len(CASE_CHANGE.findall(rest)) < MIN_CHANGES or not any(
        map(str.isdigit, rest)
    )
    return match[0] if is_word else match["before"] + marker("api key")

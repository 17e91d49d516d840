"""Secrets that are known by their look, or by the words before them.

Each pattern runs in linear time: it starts at a literal or at the edge of a word, and its
repetitions cannot share characters. It is tried only if one of its hints is in the text.
"""

import re
from dataclasses import dataclass

from chatdebug.redaction.markers import marker

BODY = r"[\w*•…+/=-]"
"""What keys are made of, and what providers mask them with."""
EDGE = r"(?<![A-Za-z0-9])"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of secret. Group ``secret`` is what is removed, else all of the match."""

    kind: str
    hints: tuple[str, ...]
    """Lower case; at least one is in each text that holds such a secret."""
    regex: re.Pattern[str]

    def remove(self, text: str) -> str:
        """Return the text without secrets of this kind."""
        return self.regex.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        if "secret" not in self.regex.groupindex:
            return marker(self.kind)
        start, end = match.span("secret")
        head, tail = match.start(), match.end()
        whole = match.string
        return whole[head:start] + marker(self.kind) + whole[end:tail]


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
    _prefixed("anthropic key", "sk-ant-", rf"{BODY}{{4,}}"),
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

NAME = (
    r"(?:api[-_ ]?key|api[-_ ]?token|access[-_ ]?token|auth[-_ ]?token|"
    r"access[-_ ]?key(?:[-_ ]id)?|secret(?:[-_ ]?access)?[-_ ]?key|refresh[-_ ]?token|id[-_ ]?token|"
    r"session[-_ ]?token|security[-_ ]?token|bearer[-_ ]?token|client[-_ ]?secret|subscription[-_ ]?key|"
    r"private[-_ ]?key|signing[-_ ]?key|account[-_ ]?key|password|passwd|pwd|passphrase|secret|credentials?|"
    r"token|apikey|signature|x-amz-signature|x-goog-signature)"
)
"""Names after which a value follows. Anchored at the edge of a word, and short."""
QUOTE = r"(?:\\{0,3}[\"'`])"
VALUE = r"(?P<secret>(?:(?!\\{0,3}[\"'`])[^\s,;&<>(){}\[\]|]){4,512})"

CONTEXT_PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "password",
        ("://",),
        re.compile(
            r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}://"
            r"(?P<secret>[^\s/@\"'<>?#]{0,256}:[^\s/\"'<>]{1,512})(?=@)"
        ),
    ),
    Pattern(
        "authorization",
        ("bearer", "basic", "token "),
        re.compile(
            r"(?i)(?<![a-z0-9])(?:bearer|basic|token)[ :=]{1,3}[\"'`]?"
            r"(?P<secret>(?=[^\s\"'`,;]{0,60}[\d_+/=*-])(?!\d+\b)"
            r"[A-Za-z0-9._~+/=*•…-]{6,4096}(?<![.]))"
        ),
    ),
    Pattern(
        "header",
        ("authorization", "cookie", "x-api-key", "api-key"),
        re.compile(
            r"(?im)(?<![a-z0-9])(?:proxy-)?(?:authorization|(?:set-)?cookie)"
            rf"{QUOTE}?\s{{0,3}}[:=]\s{{0,3}}+{QUOTE}?+"
            r"(?P<secret>(?!\[REDACTED)[^\r\n\"'`]{4,4096})"
        ),
    ),
    Pattern(
        "value",
        (
            "key",
            "token",
            "secret",
            "passw",
            "pwd",
            "credential",
            "signature",
            "passphrase",
        ),
        re.compile(
            rf"(?i)(?<![a-z0-9]){NAME}{QUOTE}?"
            r"(?:(?: provided| is| was| value| used)?\s{0,3}(?::=|=>|[:=])\s{0,3}|\s{0,2}\*{0,2}:\s{0,3})"
            rf"{QUOTE}?(?!\[REDACTED|%5bREDACTED|true\b|false\b|null\b|none\b)"
            r"(?!\d{1,9}(?![\w-]))" + VALUE
        ),
    ),
)

LONG_TOKEN = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/]{20,200}={0,2}(?![\w-])")
"""What looks like a key, if only by its length; ids with a prefix do not."""
CREDENTIAL = re.compile(r"key|token|secret|credential|passw|auth|signature")
REACH = 64
"""How far before a long token a word may stand that makes it a credential."""


type Hints = tuple[tuple[str, Pattern], ...]


def _hints(patterns: tuple[Pattern, ...]) -> Hints:
    """Return each hint with its pattern: on short texts, looking for them is the work."""
    return tuple((hint, pattern) for pattern in patterns for hint in pattern.hints)


VENDOR_HINTS = _hints(VENDOR_PATTERNS)
CONTEXT_HINTS = _hints(CONTEXT_PATTERNS)


def remove_vendor_keys(text: str) -> str:
    """Return the text without keys that are known by their look."""
    return _without(VENDOR_HINTS, text, text.lower())


def remove_by_context(text: str) -> str:
    """Return the text without values that are known by the words before them."""
    lowered = text.lower()
    text = _without(CONTEXT_HINTS, text, lowered)
    return LONG_TOKEN.sub(_credential, text) if CREDENTIAL.search(lowered) else text


def _without(hints: Hints, text: str, lowered: str) -> str:
    tried = None
    for hint, pattern in hints:
        if hint in lowered and pattern is not tried:
            text, tried = pattern.remove(text), pattern
    return text


def _credential(match: re.Match[str]) -> str:
    """Return a long token, or what stands for it if it is a credential."""
    token, start = match[0], match.start()
    before = match.string[max(0, start - REACH) : start].rpartition("\n")[2]
    is_mixed = any(map(str.isdigit, token)) and any(map(str.isalpha, token))
    if is_mixed and CREDENTIAL.search(before.lower()):
        return marker("value")
    return token

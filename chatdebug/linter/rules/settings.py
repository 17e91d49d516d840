"""Settings of a request: which ones a model takes, and with which values."""

import re
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Request
from chatdebug.linter.rule import ANTHROPIC, Place, Rule, anywhere

WORD = re.compile(r"[A-Za-z][A-Za-z_]{2,}")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
GENERAL = frozenset(
    {
        *("stream", "model", "timeout", "metadata", "user", "max_retries", "type"),
        *("omitted", "keys", "items", "characters", "digits", "extra", "mode"),
    }
)
"""Names of settings that are words of any sentence, and those of what is left out."""
VENDOR = re.compile(
    r"(?:openai|anthropic|google|gemini|bedrock|groq|mistral|cohere|xai|openrouter)_(?=.)"
)
"""How pydantic-ai begins the name of a setting that one provider has."""
HIDDEN = frozenset({"extra_body", "response_format"})
"""Settings that may ask for a form of the answer."""
NO_SETTING = r"(?!(?:messages?|tools?|input|contents?|input_schema)\b)"
REFUSED = "|".join(
    (
        # The name of what is refused, after a word for it or before the verdict.
        rf"(?:unsupported|unknown) (?:parameter|value|argument|field)s?\W{{1,3}}{NO_SETTING}\w",
        r"unrecognized (?:request )?(?:argument|parameter|key|field)s?\b",
        r"argument not supported|n[o']t support (?:the )?parameters?\b",
        rf"(?<!model )[`'\"]{NO_SETTING}[a-z_.]+[`'\"] (?:parameter )?(?:is|are) (?:not (?:supported|permitted|allowed)|unsupported|deprecated)",
        rf"(?:parameter|argument|setting|option)\W{{1,3}}{NO_SETTING}[\w.]+\W? (?:is|are) (?:not (?:supported|allowed|permitted|recognized)|unsupported|unknown)",
        rf"(?:^|[\s'\"]|\bbody\.){NO_SETTING}[a-z_]+(?:\.[a-z_]+)*: extra inputs are not permitted",
        r"unknown name \\?\"\w+\\?\"(?: at '(?:request\.)?generation_?config(?!\.response_schema)[\w.]*')?: cannot find",
        rf"'loc': \W{{1,2}}body', '{NO_SETTING}\w+'\W{{1,3}} 'msg': 'extra inputs|not permitted, field: \W?{NO_SETTING}\w",
        rf"n[o']t support (?:the )?[`'\"]{NO_SETTING}[a-z_.]+[`'\"]|n[o']t support the [\w.]+ (?:field|parameter)",
        r"can handle the requested parameters",
        rf"(?:^|\s){NO_SETTING}[a-z]+(?:[._][a-z]+)+ (?:is|are) not supported",
        r"#: extraneous key|additional field \w+ conflicts|unexpected value\(s\).{0,60}anthropic-beta",
        r"only the default .{1,12} value is supported|n > 1 is not",
        rf"the parameter \W?{NO_SETTING}[\w.]+\W? specified in the request (?:is|are) not valid",
        # Settings that do not go together.
        r"mutually exclusive(?! in the client)|(?:be|used|set|specified) together|at the same time is not",
        r"can ?not be (?:used|combined) with|cannot both be|cannot specify both|set only one of|is only allowed when",
        r"can only be (?:set|defined|used|specified) (?:when|if|with)",
        r"must be 1 when using greedy|must be set to true if",
        # How much a model thinks.
        r"(?:invalid|unsupported) (?:reasoning|think\w*)[ _](?:value|effort|level|budget)",
        r"thinking[ _](?:value|budget|level)\b.{0,40}(?:invalid|not supported|out of range)",
        r"think value .{1,40}not supported|thinking can.t be disabled|in thinking mode",
        r"reasoning is (?:mandatory|required)|thinking is not supported",
        r"(?:not|n't) support (?:adaptive )?(?:thinking|reasoning(?![ _.]content))",
        r"reasoning.?effort\W{1,4}(?:must be|value is not|is not|does not)",
        r"penalty is not enabled|logprobs.{0,40}(?:not supported|not allowed|is only)",
        # How a tool is chosen.
        r"toolchoice\.\w+ field|invalid tool_choice|support the provided 'tool_choice'",
        r"n[o']t support (?:this |forced )?tool.?choice|tool_choice.{0,40}not supported",
        # Values of words.
        rf"invalid (?:type|value) for '{NO_SETTING}[\w.]+'",
        r"invalid value: '\S+'\. supported values are(?!.{0,4}'(?:system|user|assistant|text|input_|output_))",
        rf"'{NO_SETTING}[\w.]+' : (?:value|property)|[`']{NO_SETTING}(?!role|type)[a-z_.]+[`'] must be one of",
        r"\bstop(?:_sequences)?'?: (?:array|each)|invalid '(?:user|metadata|safety_identifier|prompt_cache_key)",
    )
)
"""What says plainly that a setting is refused, whether its name is known here or not."""
ANSWERS = frozenset({"", "text", "tool"})


def _named(request: Request) -> Iterator[Place]:
    """Find a setting that the provider's words name, however they write it."""
    said = {_plain(word) for word in WORD.findall(request.words)}
    names = set(map(_plain, _names(request))) - GENERAL
    if any(name in said or _is_spelled_out(name, said) for name in names):
        yield Place()


def _is_spelled_out(name: str, said: set[str]) -> bool:
    """Return whether a name of several words is said word by word."""
    words = set(name.split("_"))
    return len(words) > 1 and words <= said


def _names(request: Request) -> Iterator[str]:
    for name, value in request.settings.items():
        yield VENDOR.sub("", str(name))
        if name == "others":  # which have no name that looks like code, or are too many
            yield from WORD.findall(request.words)
        if isinstance(value, dict):
            yield from map(str, value)
            # What is left out inside of a setting has no name here.
            yield str(name).partition("_")[0]


def _plain(name: str) -> str:
    return CAMEL.sub("_", name).lower().strip("_")


def _both(request: Request) -> Iterator[Place]:
    if {"temperature", "top_p"} <= request.settings.keys():
        yield Place()


def _out_of_range(request: Request) -> Iterator[Place]:
    temperature, top_p = request.number("temperature"), request.number("top_p")
    most = 1 if request.provider in ANTHROPIC else 2
    if temperature is not None and not 0 <= temperature <= most:
        yield Place()
    if top_p is not None and not 0 <= top_p <= 1:
        yield Place()


def _thinks_and_more(request: Request) -> Iterator[Place]:
    if request.thinking_budget is None:
        return
    choice = request.settings.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    temperature = request.number("temperature")
    if kind in ("any", "tool", "required") or temperature not in (None, 1):
        yield Place()
    if request.number("top_k") is not None:
        yield Place()


def _formed(request: Request) -> Iterator[Place]:
    is_formed = request.output_mode not in ANSWERS or request.output_schema is not None
    if is_formed or HIDDEN & request.settings.keys():
        yield Place()


RULES = (
    Rule(
        id="settings.with_thinking",
        providers=ANTHROPIC,
        sentence=_("A setting does not go together with thinking."),
        in_title=_("a setting beside thinking"),
        remedy=_(
            "While the model thinks, leave temperature and top_k out, and do not "
            "force a tool."
        ),
        source="https://github.com/mastra-ai/mastra/issues/7507",
        words=(
            r"when thinking is enabled|not (?:supported|compatible) (?:with|in) thinking"
        ),
        plain=(
            r"(?:may only be set|unset|equal to 0\.95).{0,20} when thinking|"
            r"thinking (?:may not|cannot|must not) be enabled when|"
            r"thinking mode does not support"
        ),
        shows=_thinks_and_more,
        proves=_thinks_and_more,
    ),
    Rule(
        id="settings.both",
        is_of_model=True,
        sentence=_(
            "Temperature and top_p are both set, and the model takes one of them."
        ),
        in_title=_("temperature and top_p together"),
        remedy=_("Leave one of the two out."),
        source="https://github.com/aws-samples/sample-connector-for-bedrock/issues/87",
        words=(
            r"cannot (?:both )?(?:be )?specif\w+ both.{0,20}(?:temperature|top_p)|only one of.{0,20}(?:temperature|top_p)"
        ),
        plain=r"(?:temperature|top_p)\W{1,3}and \W?(?:temperature|top_p)\W{1,3}cannot",
        shows=_both,
    ),
    Rule(
        id="settings.out_of_range",
        sentence=_("A setting has a value that no model of this provider takes."),
        in_title=_("a value out of range"),
        remedy=_(
            "Set temperature to 1 at most (some providers: 2), and top_p to 1 at most."
        ),
        source="https://github.com/anthropics/anthropic-sdk-python/issues/893",
        words=(
            r"(?:temperature|top_?p).{0,80}(?:range|between|less than|greater than|at most|<=|maximum|above)"
        ),
        plain=(
            r"(?:temperature|top_?[pk]|penalty)\W{1,4}(?:must|should) be (?:in\b|between|non-negative|at (?:least|most))|"
            r"(?:temperature|top_?[pk])\W{1,4}range|"
            r"(?:temperature|top_?[pk]) value of .{0,30}supported range|"
            r"(?:decimal|integer) (?:above maximum|below minimum) value|outside range"
        ),
        shows=_out_of_range,
        proves=_out_of_range,
    ),
    Rule(
        id="settings.json_word",
        sentence=_("JSON is asked for, and no message has that word."),
        in_title=_("the missing word JSON"),
        remedy=_(
            "Say in the instructions that the answer is to be JSON, in that word."
        ),
        source="https://github.com/meta-llama/PurpleLlama/issues/94",
        words=r"the word .{0,12}json",
        plain=r"must contain the word",
        shows=anywhere,
    ),
    Rule(
        id="settings.model",
        sentence=_("The request names no model, or not as the provider writes it."),
        in_title=_("the name of the model"),
        remedy=_("Look at how the model is named in the settings of the site."),
        source="https://github.com/danielmiessler/Fabric/issues/239",
        words=r"model name (?:is )?(?:empty|required|missing)",
        plain=(
            r"must provide a model|invalid (?:type|value) for 'model': expected|no models? (?:was |were )?(?:provided|specified)|"
            r"model: (?:field required|string should have at least)|"
            r"missing (?:required )?(?:parameter|field)s?:? .?model\b|"
            r"model (?:parameter )?is required|unexpected model name format|"
            r"model (?:must not be|cannot be|is) empty|model is not specified"
        ),
        shows=anywhere,
    ),
    Rule(
        id="settings.answer_form",
        is_of_model=True,
        sentence=_("The model does not give answers in the form that is asked for."),
        in_title=_("the form of the answer"),
        remedy=_(
            "Ask for plain JSON or text, or let a model answer that keeps to a schema."
        ),
        source="https://github.com/web-infra-dev/midscene/issues/259",
        words=(
            r"response_?format|json_?schema.{0,40}(?:not|un)|"
            r"structured outputs?.{0,40}(?:not|un)|response_mime_type|"
            r"responseschema|output_(?:format|config).{0,40}(?:not|extra)|"
            r"json mode.{0,20}(?:not|un)"
        ),
        plain=(
            r"response_?format\W.{0,60}(?:not supported|not support|unavailable)|"
            r"(?:not|n't) support (?:response.?format|structured outputs?|json)|"
            r"json mode is not|structured outputs? (?:is|are) not|"
            r"output_(?:format|config\S*): extra inputs"
        ),
        shows=_formed,
    ),
    Rule(
        id="settings.refused",
        is_of_model=True,
        sentence=_(
            "The model does not take a setting, or not with this value, or not beside "
            "another."
        ),
        in_title=_("a setting"),
        remedy=_(
            "Leave out the setting that the provider names, or let another model "
            "answer."
        ),
        source="https://github.com/lobehub/lobehub/issues/8116",
        words=(
            r"unsupported (?:parameter|value|param)|"
            r"unknown (?:parameter|name|field|argument)|"
            r"unrecognized (?:request )?(?:argument|parameter|key)|"
            r"extra inputs are not permitted|extra_forbidden|extraneous key|"
            r"does(?: not|n't) support|property '\w+' is unsupported|invalid \w+ type|"
            r"(?:is|are) not (?:supported|permitted|allowed)|"
            r"not supported (?:for|with|by|in|on) (?:this|the) model|"
            r"unexpected (?:keyword|field|property|parameter)|"
            r"invalid (?:parameter|value|option)|must be one of|"
            r"deprecated for this model"
        ),
        plain=REFUSED,
        shows=_named,
    ),
)

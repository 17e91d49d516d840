"""Settings of a request: which ones a model takes, and with which values."""

import re
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Request
from chatdebug.linter.rule import ANTHROPIC, Place, Rule

WORD = re.compile(r"[A-Za-z][A-Za-z_]{2,}")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
GENERAL = frozenset({"stream", "model", "timeout", "metadata", "user", "max_retries"})
"""Names of settings that are words of any sentence."""
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
        yield str(name)
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
    if request.output_mode not in ANSWERS or request.output_schema is not None:
        yield Place()


RULES = (
    Rule(
        id="settings.with_thinking",
        providers=ANTHROPIC,
        sentence=_("A setting does not go together with thinking."),
        remedy=_(
            "While the model thinks, leave temperature and top_k out, and do not "
            "force a tool."
        ),
        source="https://github.com/mastra-ai/mastra/issues/7507",
        words=(
            r"may only be set to 1 when thinking|"
            r"thinking (?:may not|cannot|must not) be enabled when|"
            r"when thinking is enabled|"
            r"not (?:supported|compatible) (?:with|in) thinking|"
            r"thinking mode does not support"
        ),
        shows=_thinks_and_more,
        proves=_thinks_and_more,
    ),
    Rule(
        id="settings.both",
        sentence=_(
            "Temperature and top_p are both set, and the model takes one of them."
        ),
        remedy=_("Leave one of the two out."),
        source="https://github.com/aws-samples/sample-connector-for-bedrock/issues/87",
        words=(
            r"temperature`? and `?top_p`? cannot both|"
            r"cannot (?:both )?(?:be )?specif\w+ both.{0,20}(?:temperature|top_p)"
        ),
        shows=_both,
    ),
    Rule(
        id="settings.out_of_range",
        sentence=_("A setting has a value that no model of this provider takes."),
        remedy=_(
            "Set temperature to 1 at most (some providers: 2), and top_p to 1 at most."
        ),
        source="https://github.com/anthropics/anthropic-sdk-python/issues/893",
        words=(
            r"(?:temperature|top_?p).{0,80}(?:range|between|less than|greater than|at most|<=|maximum|above)"
        ),
        shows=_out_of_range,
        proves=_out_of_range,
    ),
    Rule(
        id="settings.answer_form",
        sentence=_("The model does not give answers in the form that is asked for."),
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
        shows=_formed,
    ),
    Rule(
        id="settings.refused",
        sentence=_("The model does not take a setting, or not with this value."),
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
        shows=_named,
    ),
)

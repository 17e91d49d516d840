"""Messages: that each one says something, in a form that the provider takes."""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Part, Request
from chatdebug.linter.rule import (
    ANTHROPIC,
    MAKERS,
    NOTHING,
    Place,
    Rule,
    anywhere,
    messages_that,
    parts_that,
)

TYPES_OF_CHAT = frozenset(
    {"text", "instructions", "reasoning", "tool-call", "tool-result"}
)


SAYS_NOTHING = (
    r"required oneof field 'data'|must have a text parameter|empty text parameter|"
    r"at least one (?:non-empty )?(?:content element|part\b)|empty message|at least 1 token long"
)
"""How Google, xAI and Cohere call a message or a part of one that is empty."""


def _none(request: Request) -> Iterator[Place]:
    if request.is_whole and all(message.is_system for message in request.messages):
        yield Place()


def _without_parts(request: Request) -> Iterator[Place]:
    return (
        Place(message)
        for message in request.messages
        if message.is_whole and not message.parts
    )


def _is_blank(part: Part) -> bool:
    return part.is_blank or (part.type == "text" and part.length == 0)


def _blank(request: Request) -> Iterable[Place]:
    """Find blank texts, unless the provider is known to take them."""
    takes_them = request.provider in MAKERS - ANTHROPIC
    return () if takes_them else parts_that(_is_blank)(request)


RULES = (
    Rule(
        id="messages.none",
        sentence=_("The request has no message besides instructions."),
        in_title=_("no message"),
        remedy=_("Send at least one message of the user."),
        source="https://github.com/ikechan8370/chatgpt-plugin/issues/733",
        words=(
            r"messages?.{0,40}(?:at least one|non-empty|too short|must not be empty|field required|required)|"
            r"no messages"
        ),
        plain=(
            r"contents? is not specified|at least one (?:message|contents field)|"
            r"messages'?\W{1,3}(?:empty array|minimum number of items|must not be empty)|"
            r"\[\] is too short - 'messages'|'messages'\W{1,4}'msg': 'field required|"
            r"missing field .?messages\b|"
            r"one of .?input.? or .?previous_response_id|input required: specify"
        ),
        shows=_none,
        proves=_none,
    ),
    Rule(
        id="messages.empty",
        sentence=_("A message has no content."),
        in_title=_("a message without content"),
        to_users=_("This site sent an empty message along with yours."),
        remedy=_(
            "Leave out messages that say nothing, such as an answer that was stopped "
            "before its first word."
        ),
        source="https://github.com/docker/docker-agent/issues/63",
        words=(
            r"content or tool_calls|must be non-empty|got null|"
            r"content.{0,40}should be a valid (?:string|list)|"
            r"content.{0,60}(?:is|was|be|are) (?:empty|blank|null|missing)|"
            r"empty content|contents?.{0,30}(?:required|missing)|"
            r"(?:text field|content).{0,60}is blank|empty (?:text|string)|"
            r"minimum number of items|"
            r"\bparts?\b.{0,40}must (?:have|not be|contain)"
        ),
        plain=(
            rf"{SAYS_NOTHING}|content\S*:? expected .{{1,40}}got null|"
            r"must have non-empty content|parts must not be empty|"
            r"content or tool_calls(?:'? must be set|, but not none)|"
            r"messages\S* invalid type: null|missing field .?content\b|"
            r"missing required parameter: '\S*content|"
            r"'content' is a required property|invalid message content type: <nil>"
        ),
        shows=messages_that(lambda message: message.is_empty),
        proves=_without_parts,
    ),
    Rule(
        id="messages.blank",
        some_take_it=True,
        sentence=_("A text in the request is empty or blank."),
        in_title=_("an empty text"),
        to_users=_("This site sent an empty text along with your message."),
        remedy=_("Leave out empty and blank texts when the request is built."),
        source="https://github.com/anthropics/claude-code/issues/23440",
        words=(
            rf"{SAYS_NOTHING}|content.{{0,40}}(?:is|was|be) (?:empty|blank)|"
            r"text.{0,20}(?:non-empty|not be empty)|empty (?:text|content)"
        ),
        plain=(
            r"text content blocks must|must contain non-whitespace text|"
            r"text field.{0,60}is blank|cache_control cannot be set for empty"
        ),
        shows=parts_that(_is_blank),
        proves=_blank,
    ),
    Rule(
        id="messages.not_kept",
        sentence=_("It is referred to an answer that the provider has not kept."),
        in_title=_("an answer that is not kept"),
        remedy=_(
            "Send the messages themselves, or let the provider store its answers and "
            "stay with one account."
        ),
        source="https://github.com/anomalyco/opencode/issues/7724",
        words=NOTHING,
        plain=(
            r"items are not persisted|item with id .{0,100} not found|"
            r"previous response .{0,100}not found"
        ),
        shows=anywhere,
    ),
    Rule(
        id="messages.role",
        sentence=_("A message has a role that the provider does not know."),
        in_title=_("an unknown role"),
        remedy=_("Use the roles of this provider: its reference lists them."),
        source="https://github.com/riverscuomo/cuomputer/issues/31",
        words=(
            r"role.{0,40}(?:not (?:one of|supported|valid|allowed)|missing|required|must be|expected one of)|"
            r"missing (?:required parameter: '\S*role|field `?role)|"
            r"unexpected value.{0,30}role|"
            r"invalid value: '\w+'. supported values are: '(?:system|user|assistant)|"
            r"unknown variant"
        ),
        plain=(
            r"use a valid role|(?:invalid|unknown|unsupported) (?:message )?role\b|"
            r"supported values are: '(?:system|user|assistant)|"
            r"missing (?:required parameter: '\S*|field .?)role\b"
        ),
        shows=messages_that(
            lambda message: message.role not in ("user", "assistant", "system", "tool")
        ),
        proves=messages_that(lambda message: message.role == "other"),
    ),
    Rule(
        id="messages.text_only",
        sentence=_(
            "A message has several parts, and the provider takes one text for each."
        ),
        in_title=_("a message of several parts"),
        remedy=_("Send the content of a message as one plain text."),
        source="https://github.com/chatboxai/chatbox/issues/1622",
        words=(r"only (?:supports? )?text content|untagged enum chatcompletionrequest"),
        plain=(
            r"single `?text`? element|content\S* : value must be a string|"
            r"content.{0,60}(?:must|should) be a (?:valid )?string|"
            r"cannot unmarshal array into .{0,60}content|"
            r"content.{0,20}expected a string,? (?:but )?got an? (?:array|object)|"
            r"invalid type: sequence|unknown test: sequence"
        ),
        shows=messages_that(
            lambda message: (
                len(message.parts) > 1
                or any(part.type != "text" for part in message.parts)
            )
        ),
    ),
    Rule(
        id="messages.field",
        sentence=_("A message has a field that the provider does not take."),
        in_title=_("a field of a message"),
        remedy=_(
            "Send nothing with a message but what this provider's reference lists: "
            "names, thoughts and signatures of other providers have to go."
        ),
        source="https://github.com/nomtek/mistralai_client_dart/issues/44",
        words=(
            r"messages.{0,80}(?:extra inputs are not permitted|extra_forbidden)|"
            r"(?:extra_forbidden|extra inputs are not permitted).{0,80}messages|"
            r"messages\S{0,12}.{0,60}property '\S+' is unsupported|"
            r"(?:unknown|unsupported) parameter: '(?:messages|input)\[|"
            r"unknown name \\?\"[^\"]+\" at '?(?:request\.)?contents|"
            r"remove .?reasoning_content|reasoning_content.{0,20} (?:is )?not (?:supported|allowed)"
        ),
        shows=anywhere,
    ),
    Rule(
        id="messages.part_type",
        sentence=_("A message has a part of a type that the provider does not take."),
        in_title=_("the type of a part"),
        remedy=_(
            "Leave out parts of other providers, or turn them into text, before the "
            "chat goes on with this one."
        ),
        source="https://github.com/if-ai/ComfyUI-IF_AI_tools/issues/101",
        words=(
            r"unexpected (?:content|item|block)|unknown (?:variant|content|part)|"
            r"invalid (?:content|part|item) (?:type|block)|"
            r"content (?:type|block|part)s? .{0,40}(?:not supported|unsupported|invalid)|"
            r"expected an object,? (?:but )?got a string"
        ),
        plain=(
            r"unknown item type|input tag .{0,80}does not match|"
            r"unsupported (?:content|part|item|message) ?(?:block |part )?type|"
            r"unknown variant .{1,40}, expected .?text|"
            r"invalid type for '(?:messages|input)\[\d+\]\S*': expected .{1,60} but got an? \w+|"
            r"invalid value: '\w+'. supported values are: '(?:text|input_text|output_text)"
        ),
        shows=parts_that(
            lambda part: part.type not in TYPES_OF_CHAT or part.type == "reasoning"
        ),
    ),
    Rule(
        id="messages.unicode",
        sentence=_("A text has half of a character, which no JSON may hold."),
        in_title=_("half of a character"),
        remedy=_(
            "Look for where a text is cut by bytes or UTF-16 units, often through an "
            "emoji, and remove lone surrogates."
        ),
        source="https://github.com/anthropics/claude-code/issues/3277",
        words=(
            r"no low surrogate|invalid unicode|(?:lone|unpaired|leading) surrogate|"
            r"surrogates not allowed|unexpected end of hex escape"
        ),
        shows=anywhere,
    ),
)

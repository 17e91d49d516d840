"""Messages: who speaks after whom, and that each one says something."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Message, Part, Request
from chatdebug.linter.rule import (
    ANTHROPIC,
    MAKERS,
    Place,
    Rule,
    anywhere,
    messages_that,
    parts_that,
)

TYPES_OF_CHAT = frozenset(
    {"text", "instructions", "reasoning", "tool-call", "tool-result"}
)


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


def _first(request: Request) -> Iterator[Place]:
    said = [message for message in request.messages if not message.is_system]
    if said and said[0].role != "user":
        yield Place(said[0])


def _in_a_row(request: Request) -> Iterator[Place]:
    said = [message for message in request.messages if not message.is_system]
    for before, message in pairwise(said):
        is_next = message.index == before.index + 1
        if is_next and message.role == before.role and message.role != "tool":
            yield Place(message)


def _after_result(request: Request) -> Iterator[Place]:
    for before, message in pairwise(request.messages):
        if before.role == "tool" and message.role == "user":
            yield Place(message)


def _last(request: Request) -> Iterator[Place]:
    if request.messages and request.messages[-1].side == "assistant":
        yield Place(request.messages[-1])


def _systems_after_the_first(request: Request) -> Iterator[Place]:
    systems = [message for message in request.messages if message.is_system]
    return map(Place, systems[1:])


def _late_system(request: Request) -> Iterator[Place]:
    return (
        Place(message)
        for message in request.messages
        if message.is_system and message.turn >= 0
    )


def _system(message: Message) -> bool:
    return message.is_system


RULES = (
    Rule(
        id="messages.none",
        sentence=_("The request has no message besides instructions."),
        remedy=_("Send at least one message of the user."),
        source="https://github.com/ikechan8370/chatgpt-plugin/issues/733",
        words=(
            r"contents? is not specified|"
            r"messages?.{0,40}(?:at least one|non-empty|empty array|too short|must not be empty|field required|required)|"
            r"at least one message|no messages"
        ),
        shows=_none,
        proves=_none,
    ),
    Rule(
        id="messages.empty",
        sentence=_("A message has no content."),
        remedy=_(
            "Leave out messages that say nothing, such as an answer that was stopped "
            "before its first word."
        ),
        source="https://github.com/docker/docker-agent/issues/63",
        words=(
            r"expected a string,? (?:but )?got null|content or tool_calls|"
            r"must have non-empty content|parts must not be empty|"
            r"must be non-empty|"
            r"content.{0,60}(?:is|was|be|are) (?:empty|blank|null|missing)|"
            r"empty content|invalid type: null|"
            r"contents?.{0,30}(?:required|missing)|"
            r"missing required parameter: '\S*content|"
            r"(?:text field|content).{0,60}is blank|empty (?:text|message|string)|"
            r"minimum number of items|"
            r"\bparts?\b.{0,40}must (?:have|not be|contain)"
        ),
        shows=messages_that(lambda message: message.is_empty),
        proves=_without_parts,
    ),
    Rule(
        id="messages.blank",
        sentence=_("A text is empty, or has nothing but blanks."),
        remedy=_("Leave out texts without a word before the request is sent."),
        source="https://github.com/anthropics/claude-code/issues/23440",
        words=(
            r"text content blocks must|must contain non-whitespace text|"
            r"text field.{0,60}is blank|"
            r"content.{0,40}(?:is|was|be) (?:empty|blank)|"
            r"text.{0,20}(?:non-empty|not be empty)|empty (?:text|content)"
        ),
        shows=parts_that(_is_blank),
        proves=_blank,
    ),
    Rule(
        id="messages.first",
        providers=ANTHROPIC | {"mistral"},
        sentence=_("The first message is not the user's."),
        remedy=_(
            "Begin the history with a message of the user: who shortens it has to cut "
            "before one."
        ),
        source="https://github.com/etkecc/baibot/issues/13",
        words=(
            r"first message must (?:use|be|have)|"
            r"must (?:start|begin) with (?:a )?user|conversation must start|"
            r"roles must alternate|turn comes immediately after a user turn"
        ),
        shows=_first,
        proves=_first,
    ),
    Rule(
        id="messages.in_a_row",
        sentence=_("Two messages of the same role follow each other."),
        remedy=_("Join them into one, or leave out the one that got no answer."),
        source="https://github.com/vllm-project/vllm/issues/6862",
        words=(
            r"roles (?:must|should) (?:alternate|be alternating)|"
            r"alternat\w+ (?:between )?(?:user|roles?)|"
            r"successive (?:user|assistant)|"
            r"unexpected role '?(\w+)'? after role '?\1|"
            r"(?:user|assistant).{0,30}in a row|consecutive"
        ),
        shows=_in_a_row,
    ),
    Rule(
        id="messages.after_result",
        sentence=_("A message of the user follows the result of a tool."),
        remedy=_(
            "Let the model answer the result first, or put a short answer between."
        ),
        source="https://github.com/datapizza-labs/datapizza-ai/issues/98",
        words=r"unexpected role '?user'? after role '?tool",
        shows=_after_result,
    ),
    Rule(
        id="messages.last",
        providers=frozenset({"bedrock", "mistral"}),
        sentence=_("The last message is one of the assistant."),
        remedy=_("End the history with a message of the user or a result of a tool."),
        source="https://github.com/i-am-bee/beeai-framework/issues/753",
        words=(
            r"last turn in the conversation to be a user|expected last role user|"
            r"must end with (?:a )?user|assistant message prefill|"
            r"prefill(?:ing)? (?:is not|the)|last message.{0,30}(?:user|role)|"
            r"final (?:message|assistant).{0,40}(?:user|role)|"
            r"cannot set `?add_generation_prompt"
        ),
        shows=_last,
        proves=_last,
    ),
    Rule(
        id="messages.late_system",
        sentence=_("Instructions stand in the middle of the chat."),
        remedy=_("Put all instructions before the first message."),
        source="https://github.com/vllm-project/vllm/issues/41114",
        words=(
            r"system.{0,40}(?:at the beginning|must be (?:the )?first|first message|only at the)|"
            r"unexpected role.{0,3}system|"
            r"(?:only|must).{0,30}(?:first|beginning).{0,30}system|"
            r"roles must alternate|system role.{0,30}not"
        ),
        shows=_late_system,
    ),
    Rule(
        id="messages.two_systems",
        sentence=_("There are two messages with instructions."),
        remedy=_("Join them into one."),
        source="https://github.com/pydantic/pydantic-ai/issues/5812",
        words=(
            r"(?:multiple|more than one|only one|single).{0,30}system|"
            r"system.{0,40}(?:at the beginning|once|only one)|"
            r"roles (?:must|should) (?:alternate|be alternating)"
        ),
        shows=_systems_after_the_first,
    ),
    Rule(
        id="messages.system_form",
        sentence=_(
            "The provider does not take instructions in this place, or in this form."
        ),
        remedy=_(
            "Send the instructions as this provider wants them: as a plain text, or "
            "as a field of their own."
        ),
        source="https://github.com/gptme/gptme/issues/375",
        words=(
            r"role:system.{0,80}must be a string|developer instruction is not|"
            r"system (?:role|message|instruction|prompt)s?.{0,60}not (?:supported|enabled|allowed)|"
            r"unexpected role.{0,3}system|'?developer'? (?:is not|role)|"
            r"does not support.{0,20}system"
        ),
        shows=messages_that(_system),
    ),
    Rule(
        id="messages.role",
        sentence=_("A message has a role that the provider does not know."),
        remedy=_("Use the roles of this provider: its reference lists them."),
        source="https://github.com/riverscuomo/cuomputer/issues/31",
        words=(
            r"valid role|invalid role|unknown role|"
            r"role.{0,40}(?:not (?:one of|supported|valid|allowed)|missing|required|must be|expected one of)|"
            r"missing (?:required parameter: '\S*role|field `?role)|"
            r"unexpected value.{0,30}role|"
            r"invalid value: '\w+'. supported values are: '(?:system|user|assistant)|"
            r"unknown variant"
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
        remedy=_("Send the content of a message as one plain text."),
        source="https://github.com/chatboxai/chatbox/issues/1622",
        words=(
            r"single `?text`? element|value must be a string|"
            r"content.{0,60}(?:must|should) be a (?:valid )?string|"
            r"cannot unmarshal array|"
            r"expected a string,? (?:but )?got an? (?:array|object)|"
            r"only (?:supports? )?text content|invalid type: sequence|"
            r"unknown test: sequence"
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
        remedy=_(
            "Send nothing with a message but what this provider's reference lists: "
            "names, thoughts and signatures of other providers have to go."
        ),
        source="https://github.com/nomtek/mistralai_client_dart/issues/44",
        words=(
            r"messages.{0,80}(?:extra inputs are not permitted|extra_forbidden)|"
            r"(?:extra_forbidden|extra inputs are not permitted).{0,80}messages|"
            r"messages\S{0,12}.{0,60}property '\S+' is unsupported|"
            r"unknown parameter: '(?:messages|input)\["
        ),
        shows=anywhere,
    ),
    Rule(
        id="messages.part_type",
        sentence=_("A message has a part of a type that the provider does not take."),
        remedy=_(
            "Leave out parts of other providers, or turn them into text, before the "
            "chat goes on with this one."
        ),
        source="https://github.com/if-ai/ComfyUI-IF_AI_tools/issues/101",
        words=(
            r"unknown item type|"
            r"unsupported (?:content|part|item|message) ?(?:block |part )?type|"
            r"unexpected (?:content|item|block)|input tag .{0,80}does not match|"
            r"unknown (?:variant|content|part)|"
            r"invalid (?:content|part|item) (?:type|block)|"
            r"invalid value: '\w+'. supported values are: '(?:text|input_text|output_text)|"
            r"content (?:type|block|part)s? .{0,40}(?:not supported|unsupported|invalid)|"
            r"expected an object,? (?:but )?got a string"
        ),
        shows=parts_that(
            lambda part: part.type not in TYPES_OF_CHAT or part.type == "reasoning"
        ),
    ),
    Rule(
        id="messages.unicode",
        sentence=_("A text has half of a character, which no JSON may hold."),
        remedy=_(
            "Look for where a text is cut by bytes or UTF-16 units, often through an "
            "emoji, and remove lone surrogates."
        ),
        source="https://github.com/anthropics/claude-code/issues/3277",
        words=(
            r"no low surrogate|invalid unicode|lone surrogate|"
            r"surrogates not allowed|lone leading surrogate|"
            r"unexpected end of hex escape"
        ),
        shows=anywhere,
    ),
)

"""The order of messages: who speaks after whom, and where instructions stand."""

from collections.abc import Iterator
from itertools import pairwise

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Message, Request
from chatdebug.linter.rule import (
    ANTHROPIC,
    NOTHING,
    Place,
    Rule,
    anywhere,
    messages_that,
)


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
        id="messages.first",
        providers=ANTHROPIC | {"mistral"},
        sentence=_("The first message is not the user's."),
        in_title=_("the role of the first message"),
        remedy=_(
            "Begin the history with a message of the user: who shortens it has to cut "
            "before one."
        ),
        source="https://github.com/etkecc/baibot/issues/13",
        words=(r"roles must alternate|turn comes immediately after a user turn"),
        plain=(
            r"first message must (?:use|be|have)|conversation must start|"
            r"must (?:start|begin) with (?:a )?user"
        ),
        shows=_first,
        proves=_first,
    ),
    Rule(
        id="messages.in_a_row",
        sentence=_("Two messages of the same role follow each other."),
        in_title=_("two messages of one role in a row"),
        remedy=_("Join them into one, or leave out the one that got no answer."),
        source="https://github.com/vllm-project/vllm/issues/6862",
        words=(
            r"unexpected role '?(\w+)'? after role '?\1|"
            r"(?:user|assistant).{0,30}in a row|consecutive|"
            r"turn comes immediately after a user turn"
        ),
        plain=(
            r"roles (?:must|should) (?:alternate|be alternating)|"
            r"alternat\w+ (?:between )?(?:user|roles?)|successive (?:user|assistant)"
        ),
        shows=_in_a_row,
    ),
    Rule(
        id="messages.after_result",
        sentence=_("A message of the user follows the result of a tool."),
        in_title=_("a message after a tool result"),
        remedy=_(
            "Let the model answer the result first, or put a short answer between."
        ),
        source="https://github.com/datapizza-labs/datapizza-ai/issues/98",
        words=r"cannot specify both message and tool_results",
        plain=r"unexpected role '?user'? after role '?tool",
        shows=_after_result,
    ),
    Rule(
        id="messages.last",
        providers=frozenset({"bedrock", "mistral"}),
        sentence=_("The last message is one of the assistant."),
        in_title=_("the role of the last message"),
        remedy=_("End the history with a message of the user or a result of a tool."),
        source="https://github.com/i-am-bee/beeai-framework/issues/753",
        words=(
            r"prefill|last message.{0,60}(?:user|role)|"
            r"final (?:message|assistant).{0,40}(?:user|role)"
        ),
        plain=(
            r"last turn in the conversation to be a user|expected last role user|"
            r"must end with (?:a )?user|assistant message prefill|"
            r"assistant.? message in the final position|ensure the final turn is user|"
            r"last message .{0,60}must be a user|"
            r"multi-?turn requests? ends? with|cannot set `?add_generation_prompt"
        ),
        shows=_last,
        proves=_last,
    ),
    Rule(
        id="messages.trailing_blanks",
        sentence=_("The beginning of an answer that is to be gone on with ends blank."),
        in_title=_("blanks at the end of a text"),
        remedy=_("Remove the blanks at its end."),
        source="https://github.com/anomalyco/opencode/issues/1295",
        words=NOTHING,
        plain=r"cannot end with trailing whitespace",
        shows=_last,
    ),
    Rule(
        id="messages.reserved_word",
        sentence=_("The instructions have a word that the provider keeps to itself."),
        in_title=_("a reserved word in the instructions"),
        remedy=_("Take the word that the provider names out of the instructions."),
        source="https://github.com/farion1231/cc-switch/issues/761",
        words=NOTHING,
        plain=r"is a reserved keyword and may not be used",
        shows=anywhere,
    ),
    Rule(
        id="messages.late_system",
        sentence=_("Instructions stand in the middle of the chat."),
        in_title=_("instructions in mid-chat"),
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
        in_title=_("two messages with instructions"),
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
        in_title=_("the form of the instructions"),
        remedy=_(
            "Send the instructions as this provider wants them: as a plain text, or "
            "as a field of their own."
        ),
        source="https://github.com/gptme/gptme/issues/375",
        words=(
            r"role:system.{0,80}must be a string|'?developer'? (?:is not|role)|"
            r"system (?:role|message|instruction|prompt)s?.{0,60}not (?:supported|enabled|allowed)|"
            r"unexpected role.{0,3}system|unknown variant .?developer"
        ),
        plain=(
            r"developer instruction is not|"
            r"system (?:role|messages?|instructions?|prompts?) (?:is |are )?not (?:supported|enabled|allowed)|"
            r"(?:does not|doesn.t|do not) support.{0,20}system (?:role|message|instruction|prompt)|"
            r"role'? does not support '(?:system|developer)|"
            r"not .system. as an input message role|role: unknown variant .?developer"
        ),
        shows=messages_that(_system),
    ),
)

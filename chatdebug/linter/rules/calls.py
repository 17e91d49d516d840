"""Calls of tools and their results: each call has one result, right after it."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Message, Request
from chatdebug.linter.rule import (
    ANTHROPIC,
    NOTHING,
    Place,
    Rule,
    messages_that,
    parts_that,
)

NO_DOCUMENT = frozenset({"no_json", "other_json"})


def _unanswered(request: Request) -> Iterator[Place]:
    for number, calls in request.calls.items():
        if number not in request.results and all(one.is_whole for one in calls):
            yield from map(Place, calls[:1])


def _unasked(request: Request) -> Iterator[Place]:
    if request.is_whole:  # else the call may be in a message that is not described
        for number, results in request.results.items():
            if number not in request.calls:
                yield from map(Place, results[:1])


def _late_or_split(request: Request) -> Iterator[Place]:
    """Find late results, and those of one answer that are in several messages."""
    yield from _late(request)
    for number, results in request.results.items():
        calls = request.calls.get(number)
        if calls and results[0].index > calls[0].index + 1:
            yield Place(results[0])


def _late(request: Request) -> Iterator[Place]:
    """Find results that stand before their call, or not after it and the like of it."""
    by_index = {message.index: message for message in request.messages}
    for number, results in request.results.items():
        calls = request.calls.get(number)
        if calls is None:
            continue
        call, result = calls[0].index, results[0].index
        between = (by_index.get(index) for index in range(call + 1, result))
        is_apart = any(one is None or not _may_be_between(one) for one in between)
        if result < call or (result > call and is_apart):
            yield Place(results[0])


def _may_be_between(message: Message) -> bool:
    """Return whether a message may stand between a call and its result.

    One of a tool, one that begins with a result, or one of nothing but thoughts and other
    calls: OpenAI's Responses API has a message for each of those.
    """
    if message.role == "tool" or any(part.is_result for part in message.parts[:1]):
        return True
    return message.side == "assistant" and all(
        part.is_call or part.type == "reasoning" for part in message.parts
    )


def _answered_twice(request: Request) -> Iterator[Place]:
    for results in request.results.values():
        yield from map(Place, results[1:2])


def _called_twice(request: Request) -> Iterator[Place]:
    for calls in request.calls.values():
        yield from map(Place, calls[1:2])


def _mixed(message: Message) -> bool:
    kinds = {part.is_result for part in message.parts}
    return message.side == "user" and kinds == {True, False}


def _says_and_calls(message: Message) -> bool:
    kinds = {part.type for part in message.parts}
    return message.side == "assistant" and {"text", "tool-call"} <= kinds


def _without_tools(request: Request) -> Iterator[Place]:
    if not request.tools:
        messages = (message for message, part in request.parts if part.call is not None)
        yield from map(Place, messages)


RULES = (
    Rule(
        id="calls.no_result",
        some_take_it=True,
        sentence=_("A tool call in the request has no result."),
        in_title=_("a tool call without a result"),
        to_users=_("This site left out what one of its tools had found."),
        remedy=_(
            "Send a result right after each tool call, even if the call failed or was "
            "stopped, or leave the call out."
        ),
        source="https://github.com/anthropics/claude-code/issues/8210",
        words=(
            r"function (?:response|call) turn comes immediately after|"
            r"tool call.{0,40}(?:has|have|without) (?:no|a|an)? ?(?:corresponding |matching )?(?:result|output|response)|"
            r"missing (?:a )?tool.{0,10}(?:result|response|output)"
        ),
        plain=(
            r"tool_calls'? must be followed by|did not have response messages|"
            r"`?tool_use`? ids were found without|no tool output found for|"
            r"did not find \d+ `?tool_result|"
            r"number of function response parts is equal|"
            r"insufficient tool messages|expected toolresult blocks|"
            r"not the same number of function calls and responses"
        ),
        shows=_unanswered,
        proves=_unanswered,
    ),
    Rule(
        id="calls.no_call",
        sentence=_("A result of a tool belongs to no call."),
        in_title=_("a tool result without a call"),
        remedy=_(
            "Send the message with the call before it, or leave the result out: a "
            "history that is shortened has to keep both or neither."
        ),
        source="https://github.com/anthropics/claude-code/issues/18947",
        words=(
            r"number of toolresult blocks|function_call_output requires|"
            r"number of function response parts is equal|"
            r"function (?:response|call) turn comes immediately after|"
            r"tool (?:message|result).{0,60}without.{0,30}tool.?call"
        ),
        plain=(
            r"unexpected `?tool_use_id`? found|"
            r"must be a response to a prece+ding message|no tool call found for|"
            r"unexpected role '?(?:roleenum\.)?tool\b|unexpected tool call id|"
            r"tool_call_id.{0,60}(?:not found|not exist)|"
            r"tool result.{0,60}not found|no matching tool call|"
            r"number of toolresult blocks .{0,60}exceeds|"
            r"tool_call_id' : property .{0,60}is missing"
        ),
        shows=_unasked,
        proves=_unasked,
    ),
    Rule(
        id="calls.late_result",
        sentence=_("A result of a tool does not follow its call."),
        in_title=_("a tool result that comes late"),
        remedy=_(
            "Put each result right after the message with its call; what else is to "
            "be said comes after all results."
        ),
        source="https://github.com/anthropics/claude-code/issues/8210",
        words=(
            r"tool_calls'? must be followed by|"
            r"`?tool_use`? ids were found without|"
            r"`?tool_result`? blocks? immediately after|"
            r"unexpected role '?(?:tool|user)'? after role|"
            r"unexpected `?tool_use_id`? found|"
            r"must be a response to a prece+ding message|"
            r"function (?:response|call) turn comes immediately after|"
            r"did not find \d+ `?tool_result|expected toolresult blocks|"
            r"insufficient tool messages|did not have response messages"
        ),
        shows=_late_or_split,
        proves=_late,
    ),
    Rule(
        id="calls.two_results",
        sentence=_("A call of a tool has more than one result."),
        in_title=_("a tool call with two results"),
        remedy=_("Send one result for each call."),
        source="https://github.com/Just-Curieous/Curie/issues/16",
        words=(
            r"each tool_use must have a single result|"
            r"found multiple `?tool_result|"
            r"duplicate (?:item|value).{0,60}(?:tool|call)|"
            r"number of toolresult blocks|number of function response parts"
        ),
        shows=_answered_twice,
        proves=_answered_twice,
    ),
    Rule(
        id="calls.same_id",
        sentence=_("Two calls of tools have the same id."),
        in_title=_("two tool calls with one id"),
        remedy=_("Give each call an id of its own, and its result the same one."),
        source="https://github.com/anthropics/claude-code/issues/28515",
        words=(
            r"duplicate (?:item|value|tool)|"
            r"tooluseid.{0,40}duplicate|more than one.{0,30}tool.{0,20}same id"
        ),
        plain=(
            r"`?tool_use`? ids must be unique|"
            r"duplicate item found with id .?(?:fc|call)_"
        ),
        shows=_called_twice,
        proves=_called_twice,
    ),
    Rule(
        id="calls.id_form",
        sentence=_(
            "The id of a call is too long, or has characters that the provider does "
            "not take."
        ),
        in_title=_("the id of a tool call"),
        remedy=_(
            "Give calls new ids when another provider goes on with a chat: letters, "
            "digits, _ and -, at most 40 characters (Mistral: exactly nine letters "
            "and digits)."
        ),
        source="https://github.com/AnswerDotAI/fastllm/issues/45",
        words=(
            r"(?:call_?id|tool_use\.id|tool_?calls?\S{0,20}\.id|tool ?use ?id)\S{0,10}:? .{0,20}(?:string too long|string should match pattern|does not match|satisfy|must be a-z|length of 9)|"
            r"tool_call_id.{0,40}length"
        ),
        plain=(
            r"tool call id was .{0,80}length of 9|expected an id that begins with|"
            r"(?:call_id|tool_calls\[\d+\]\.id)'?: string too long|"
            r"tool_use\.id: string should match"
        ),
        shows=parts_that(
            lambda part: (part.id_length or 0) > 9 or part.id_plain is False
        ),
        proves=parts_that(lambda part: (part.id_length or 0) > 64),
    ),
    Rule(
        id="calls.arguments",
        providers=ANTHROPIC | {"google", "groq", "mistral"},
        sentence=_("The arguments of a call are not a JSON object."),
        in_title=_("the arguments of a tool call"),
        remedy=_(
            "Send {} for a call without arguments, and leave out a call whose "
            "arguments broke off."
        ),
        source="https://github.com/anthropics/anthropic-sdk-typescript/issues/648",
        words=(r"input should be a valid dictionary|arguments.{0,40}(?:must be|parse)"),
        plain=(
            r"tool_?use\.input|property 'arguments' is missing|"
            r"arguments.{0,40}(?:valid json|json format)|function_?call\.args|"
            r"function arguments json|can only get item pairs from a mapping|"
            r"invalid.{0,30}tool call arguments"
        ),
        shows=parts_that(
            lambda part: part.is_call and part.arguments not in ("object", "")
        ),
        proves=parts_that(lambda part: part.is_call and part.arguments in NO_DOCUMENT),
    ),
    Rule(
        id="calls.empty_result",
        providers=ANTHROPIC,
        sentence=_("The result of a tool is empty."),
        in_title=_("an empty tool result"),
        remedy=_("Say in a word how the call ended, above all if it failed."),
        source="https://github.com/aws-samples/sample-multi-agent-orchestration-chat-on-agentcore/issues/15",
        words=(
            r"expected a string,? (?:but )?got null|"
            r"tool.{0,60}content.{0,30}(?:null|empty|missing|required)"
        ),
        plain=r"tool_?result.{0,40}(?:cannot|must not|can not) be empty",
        shows=parts_that(lambda part: part.is_result and part.length == 0),
    ),
    Rule(
        id="calls.no_tools_offered",
        providers=ANTHROPIC,
        sentence=_("The history has calls of tools, and no tool is offered."),
        in_title=_("tool calls without tools"),
        remedy=_(
            "Offer the tools of the history with each request of the chat, also where "
            "none is to be called."
        ),
        source="https://github.com/nearai/ironclaw/issues/1629",
        words=(
            r"tool(?:s|_choice)?=? ?(?:param|parameter)?.{0,30}must (?:be )?(?:defined?|provided?|set).{0,60}tool"
        ),
        plain=r"toolconfig field must be defined|without `?tools=?`? param",
        shows=_without_tools,
        proves=_without_tools,
    ),
    Rule(
        id="calls.mixed",
        providers=ANTHROPIC,
        sentence=_("A message holds results of tools beside something else."),
        in_title=_("tool results beside other parts"),
        remedy=_(
            "Put what the user says into a message of its own, after all results."
        ),
        source="https://github.com/quarkiverse/quarkus-langchain4j/issues/1983",
        words=r"tool_?result.{0,40}(?:beside|together with|mixed with)",
        plain=(
            r"conversation blocks and tool (?:use|result) blocks cannot be provided|"
            r"cannot specify both message and tool_results"
        ),
        shows=messages_that(_mixed),
    ),
    Rule(
        id="calls.with_text",
        sentence=_("An answer has a text beside its calls of tools."),
        in_title=_("a text beside tool calls"),
        remedy=_(
            "Send the calls without the text: this provider takes one of the two in a "
            "message."
        ),
        source="https://github.com/github/copilot-cli/issues/4884",
        words=NOTHING,
        plain=r"content or tool_calls, but not both",
        shows=messages_that(_says_and_calls),
    ),
)

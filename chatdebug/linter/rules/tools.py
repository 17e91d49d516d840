"""The tools that a request offers: how many, what they are called, and who takes them."""

import re
from collections import Counter
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Request
from chatdebug.linter.rule import NOTHING, OPENAI, Place, Rule, anywhere

MAX_TOOLS = 128
DESCRIPTION = 1_024
"""Characters of a tool's description; some providers take more."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What each provider takes; some take more."""
NO_NAME = re.compile(r"[^A-Za-z0-9_.:-]")
"""What none takes."""


def _named(
    request: Request, holds: re.Pattern[str], *, is_whole: bool
) -> Iterator[Place]:
    for tool in request.tools:
        found = holds.fullmatch(tool.name) if is_whole else holds.search(tool.name)
        is_known = tool.name and tool.type != "native"
        if is_known and bool(found) is not is_whole:
            yield Place(tool=tool.name)


def _odd_names(request: Request) -> Iterator[Place]:
    return _named(request, NAME, is_whole=True)


def _impossible_names(request: Request) -> Iterator[Place]:
    return _named(request, NO_NAME, is_whole=False)


def _same_names(request: Request) -> Iterator[Place]:
    counts = Counter(tool.name for tool in request.tools if tool.type != "native")
    return (Place(tool=name) for name, count in counts.items() if count > 1)


def _too_many(request: Request) -> Iterator[Place]:
    if len(request.tools) > MAX_TOOLS:
        yield Place()


def _odd_descriptions(request: Request) -> Iterator[Place]:
    for tool in request.tools:
        length = tool.description_length
        if length is not None and not 0 < length <= DESCRIPTION:
            yield Place(tool=tool.name)


def _any_tool(request: Request) -> Iterator[Place]:
    if request.tools:
        yield Place()


def _no_tool(request: Request) -> Iterator[Place]:
    if not request.tools:
        yield Place()


def _native_and_own(request: Request) -> Iterator[Place]:
    kinds = {tool.type == "native" for tool in request.tools}
    if kinds == {True, False}:
        yield Place()


def _choice_alone(request: Request) -> Iterator[Place]:
    names = ("tool_choice", "parallel_tool_calls")
    if request.tools or request.refers_to_stored:  # there may be some of its own
        return
    if any(name in request.settings for name in names):
        yield Place()


def _with_json(request: Request) -> Iterator[Place]:
    if request.tools and request.output_mode not in ("", "text", "tool"):
        yield Place()


RULES = (
    Rule(
        id="tools.name",
        sentence=_(
            "The name of a tool has characters that providers do not take, or is too "
            "long."
        ),
        in_title=_("the name of a tool"),
        remedy=_("Call tools by letters, digits, _ and -, with 64 characters at most."),
        source="https://github.com/run-llama/llama_index/issues/16093",
        words=(
            r"(?:function\.|function_?declarations?\S{0,6}\.|tools?\.\S{0,20}|tool |function )name\S{0,5}:? .{0,60}(?:pattern|too long|invalid|must)|"
            r"'?tools\[?\.?\d+\]?\S{0,20}name'?:? .{0,40}(?:pattern|long)|"
            r"toolspec\.name"
        ),
        plain=(
            r"invalid function name|function\.name'?: string|"
            r"tools\.\d+\S*\.name: string should"
        ),
        shows=_odd_names,
        proves=_impossible_names,
    ),
    Rule(
        id="tools.same_name",
        sentence=_("Two tools have the same name."),
        in_title=_("two tools with one name"),
        remedy=_(
            "Give each tool a name of its own, also where they come from different "
            "servers."
        ),
        source="https://github.com/cloudwego/eino/issues/632",
        words=(
            r"duplicate (?:function|tool)|"
            r"tools?.{0,40}(?:same name|already (?:defined|exists)|duplicat)"
        ),
        plain=r"tool names must be unique|duplicate (?:function declaration|tool name)",
        shows=_same_names,
        proves=_same_names,
    ),
    Rule(
        id="tools.description",
        sentence=_("The description of a tool is too long, or empty."),
        in_title=_("the description of a tool"),
        remedy=_(
            "Describe each tool, in 1,024 characters at most: what belongs to one of its "
            "arguments can be said there."
        ),
        source="https://github.com/getsentry/sentry-mcp/issues/106",
        words=r"description.{0,60}(?:too long|maximum length|at most|empty|at least)",
        plain=(
            r"tools?\S*description'?:? ?(?:string|field|input)|"
            r"toolspec\.description|tool description.{0,20}too long"
        ),
        shows=_odd_descriptions,
    ),
    Rule(
        id="tools.too_many",
        providers=OPENAI | {"groq"},
        sentence=_("More tools are offered than the provider takes."),
        in_title=_("too many tools"),
        remedy=_("Offer 128 tools at most: those that this chat can need."),
        source="https://github.com/vishalmysore/Tools4AI/issues/16",
        words=(
            r"maximum (?:number )?of (?:tools|functions)|"
            r"tools.{0,40}(?:maximum length|at most) \d+"
        ),
        plain=(
            r"'?tools'?: array too long|too many (?:tools|functions)|"
            r"'?tools'? : maximum number"
        ),
        shows=_any_tool,
        proves=_too_many,
    ),
    Rule(
        id="tools.field",
        sentence=_("A tool has a field that the provider does not take."),
        in_title=_("a field of a tool"),
        remedy=_("Send name, description and schema of a tool, and nothing else."),
        source="https://github.com/Wei-Shaw/claude-relay-service/issues/667",
        words=(
            r"unknown field .{0,40}tools?\.|tools[.\[]\d+\S*:? ?extra inputs are not permitted|"
            r"unknown parameter: '?tools\[|extra_forbidden.{0,40}tools.{0,5}\d"
        ),
        shows=_any_tool,
    ),
    Rule(
        id="tools.form",
        sentence=_("A tool lacks a field that the provider wants."),
        in_title=_("a field that a tool lacks"),
        remedy=_(
            "Send tools in the form of this provider's API: chat completions, responses "
            "and messages differ in it."
        ),
        source="https://github.com/danny-avila/LibreChat/issues/12804",
        words=NOTHING,
        plain=(
            r"missing required parameter: '?tools\[|tools\[\d+\]\S*: missing field|"
            r"tools[.\[]\d+\S*: field required|all elements in tools must have|"
            r"tools should have a name"
        ),
        shows=_any_tool,
    ),
    Rule(
        id="tools.empty",
        sentence=_("The list of tools is empty, and the provider wants none then."),
        in_title=_("an empty list of tools"),
        remedy=_("Leave tools out where there are none."),
        source="https://github.com/partITech/php-mistral/issues/76",
        words=(
            r"body.{0,5}tools.{0,60}extra inputs are not permitted|"
            r"tools.{0,30}(?:empty array|too short|at least one|non-empty|must not be empty)|"
            r"body\.tools: "
        ),
        plain=r"\[\] is too short - 'tools'|'?tools'?: empty array",
        shows=_no_tool,
    ),
    Rule(
        id="tools.native_and_own",
        is_of_model=True,
        sentence=_("Tools of the provider are offered beside tools of the site."),
        in_title=_("two kinds of tools together"),
        remedy=_(
            "Offer one sort of tools in a request, or use a model that takes both."
        ),
        source="https://github.com/symfony/ai/issues/803",
        words=(
            r"(?:search|built-?in).{0,60}(?:function|tool).{0,60}(?:unsupported|not supported|cannot|combin)"
        ),
        plain=(
            r"tool use with function calling is unsupported|"
            r"multiple tools are supported only when|"
            r"built-?in tools.{0,80}cannot be combined"
        ),
        shows=_native_and_own,
    ),
    Rule(
        id="tools.with_json",
        sentence=_("Tools are offered, and an answer in JSON is asked for as well."),
        in_title=_("tools together with JSON"),
        remedy=_("Ask for one of the two, or let the answer be a tool of its own."),
        source="https://github.com/symfony/ai/issues/803",
        words=(
            r"(?:json|response_format).{0,40}(?:cannot|not).{0,40}(?:tool|function)|"
            r"tools?.{0,40}(?:cannot|not).{0,40}(?:json mode|response_format)"
        ),
        plain=(
            r"function calling with a response mime type|"
            r"structured output to force tools|both tools and response_format|json mode cannot be combined with tool"
        ),
        shows=_with_json,
    ),
    Rule(
        id="tools.unsupported",
        is_of_model=True,
        sentence=_("The model takes no tools."),
        in_title=_("tools that the model does not take"),
        remedy=_(
            "Send the request without tools, or let a model answer that takes them."
        ),
        source="https://github.com/browser-use/browser-use/issues/814",
        words=(
            r"body.{0,5}tools.{0,40}extra inputs are not permitted|"
            r"tool(?:s| use(?! with)).{0,40}(?:not supported|unsupported)"
        ),
        plain=(
            r"(?:does|do)(?: not|n't) support (?:tools?|functions?)\b(?!.?choice)|"
            r"\btools?\W{0,2} (?:is|are|use is) not supported (?:with|by|for|in) th|"
            r"not support (?:tool|function) ?(?:use|call|calling)|"
            r"tool (?:calling|use)\W{1,2}is not supported (?:with|by|for|in) th|"
            r"support tool use|tool choice requires --enable|"
            r"function calling is not (?:enabled|supported)|"
            r"does(?: not|n't) support the toolconfig field"
        ),
        shows=_any_tool,
    ),
    Rule(
        id="tools.choice_alone",
        providers=OPENAI,
        sentence=_("It is said how tools are to be chosen, and none is offered."),
        in_title=_("a choice of tools without any"),
        remedy=_(
            "Leave out tool_choice and parallel_tool_calls where there are no tools."
        ),
        source="https://github.com/writer/writer-framework/pull/1013",
        words=(r"tool_choice.{0,60}(?:without|no) tools"),
        plain=(
            r"(?:tool_choice|parallel_tool_calls)'? is only allowed when|"
            r"tool_choice.{0,40}only be (?:specified|set|used)|"
            r"tool_choice.{0,40}tools?\W{1,2}(?:must be|are) (?:specified|set)|"
            r"config is set without function_declarations"
        ),
        shows=_choice_alone,
        proves=_choice_alone,
    ),
    Rule(
        id="tools.native_unsupported",
        is_of_model=True,
        sentence=_("A tool of the provider is not there for this model."),
        in_title=_("a tool of the provider"),
        remedy=_("Leave that tool out, or let a model answer that has it."),
        source="https://github.com/pydantic/pydantic-ai/blob/4fda38988f29/tests/models/cassettes/test_openai/test_openai_web_search_tool_model_not_supported.yaml",
        words=(
            r"(?:web.?search|code.?(?:interpreter|execution)|file.?search|computer).{0,40}(?:not supported|unsupported|not available|does not support)|"
            r"support '?(?:web_search|code_interpreter|file_search|computer)"
        ),
        shows=anywhere,
    ),
)

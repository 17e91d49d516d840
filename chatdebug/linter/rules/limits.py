"""Lengths: of the chat, of the answer, of the request."""

import re
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Request
from chatdebug.linter.rule import ANTHROPIC, Place, Rule, Side, anywhere

LEAST_THINKING = 1_024
LEAST_ANSWER = 16
"""Tokens; what OpenAI wants to be allowed at least."""
LONGEST = re.compile(r"context length (?:is|of) (\d{1,9})", re.IGNORECASE)
SPARE = 1.25
"""How much the estimate of tokens may be too high before it proves something."""


def _too_long(request: Request) -> Iterator[Place]:
    if request.window and request.tokens > request.window * SPARE:
        yield Place()


def _too_long_with_answer(request: Request) -> Iterator[Place]:
    """Find a chat that may be too long; nothing if it is short by any count."""
    room = request.tokens * 4 + (request.max_tokens or 0)
    if not request.window or room > request.window:
        yield Place()


def _bounded(request: Request) -> Iterator[Place]:
    """Find a limit of the answer, unless it is the chat that leaves too little for it."""
    longest = LONGEST.search(request.words)
    most = request.max_tokens
    if most is not None and (longest is None or most >= int(longest[1])):
        yield Place()


def _unbounded(request: Request) -> Iterator[Place]:
    if request.max_tokens is None:
        yield Place()


def _beyond_window(request: Request) -> Iterator[Place]:
    if request.window and (request.max_tokens or 0) >= request.window:
        yield Place()


def _below_least(request: Request) -> Iterator[Place]:
    if request.max_tokens is not None and request.max_tokens < LEAST_ANSWER:
        yield Place()


def _below_one(request: Request) -> Iterator[Place]:
    if request.max_tokens is not None and request.max_tokens < 1:
        yield Place()


def _below_thinking(request: Request) -> Iterator[Place]:
    budget = request.thinking_budget
    allowed = request.max_tokens
    if budget is not None and allowed is not None and allowed <= budget:
        yield Place()


def _little_thinking(request: Request) -> Iterator[Place]:
    budget = request.thinking_budget
    if budget is not None and budget < LEAST_THINKING:
        yield Place()


RULES = (
    Rule(
        id="limits.thinking_budget",
        providers=ANTHROPIC,
        sentence=_("The model may think for longer than its whole answer may be."),
        in_title=_("the room to think"),
        remedy=_("Set max_tokens above the budget for thinking."),
        source="https://github.com/Wei-Shaw/sub2api/issues/6569",
        words=r"budget.{0,40}less than.{0,20}max",
        plain=(
            r"max_tokens`? must be greater than `?thinking|"
            r"budget_tokens`? must be less than"
        ),
        shows=_below_thinking,
        proves=_below_thinking,
    ),
    Rule(
        id="limits.thinking_low",
        providers=ANTHROPIC,
        sentence=_("The model is given too little room to think."),
        in_title=_("too little room to think"),
        remedy=_(
            "Set the budget for thinking to 1,024 tokens or more, or switch it off."
        ),
        source="https://github.com/themaximalist/llm.js/issues/30",
        words=r"budget.{0,40}(?:at least|minimum)",
        plain=r"budget_tokens.{0,60}greater than or equal|budget.{0,40}at least 1,?024",
        shows=_little_thinking,
        proves=_little_thinking,
    ),
    Rule(
        id="limits.max_tokens_low",
        sentence=_("The answer is allowed no token, or too few."),
        in_title=_("an answer of too few tokens"),
        remedy=_(
            "Set max_tokens to 16 or more; where it is what a model's window leaves, "
            "the chat is too long."
        ),
        source="https://github.com/vllm-project/vllm/issues/4667",
        words=(
            r"max_(?:completion_|output_)?tokens'?\S? .{0,20}(?:at least 1|greater than 0|positive|minimum)|"
            r"max_\w*tokens.{0,60}>= ?\d"
        ),
        plain=r"max_\w*tokens'?(?: must be at least 1, got 0|: integer below minimum)",
        shows=_below_least,
        proves=_below_one,
    ),
    Rule(
        id="limits.max_tokens",
        is_of_model=True,
        sentence=_("A longer answer is asked for than the model can give."),
        in_title=_("an answer of too many tokens"),
        remedy=_("Set max_tokens to the model's limit at most, or leave it out."),
        source="https://github.com/continuedev/continue/issues/10724",
        words=(
            r"max_(?:completion_|output_)?tokens.{0,60}(?:too large|above maximum|exceed(?!\w* (?:the )?(?:model.s )?context)|less than or equal|at most|cannot be greater|valid range|supported range)|"
            r"max_?tokens.{0,60}limit of|maxoutputtokens"
        ),
        plain=(
            r"max_tokens: \d+ > \d+|maximum tokens you requested exceeds?|"
            r"maximum (?:allowed )?number of output tokens|"
            r"supports at most \d+ (?:completion|output) tokens|"
            r"maxoutputtokens value|valid range of max_tokens|"
            r"max_\w*tokens\W{1,3}must be less than or equal|"
            r"max_\w*tokens'? is too large(?!.{0,120}context length)"
        ),
        shows=_bounded,
        proves=_beyond_window,
    ),
    Rule(
        id="limits.no_max_tokens",
        sentence=_(
            "It is not said how long the answer may be, and the provider wants to know."
        ),
        in_title=_("no limit of the answer"),
        remedy=_("Set max_tokens."),
        source="https://github.com/diffbot/code-gpt-docs/issues/300",
        words=(r"max_tokens:? ?(?:is required|missing)|missing.{0,30}max_tokens"),
        plain=r"max_tokens:? ?field required|required key \[max_tokens\]",
        shows=_unbounded,
    ),
    Rule(
        id="limits.cache_marks",
        sentence=_("More parts are marked for the cache than the provider takes."),
        in_title=_("too many marks for the cache"),
        remedy=_("Mark four parts at most, instructions and tools counted."),
        source="https://github.com/twentyhq/twenty/issues/26217",
        words=(
            r"blocks with cache_control|"
            r"cache_?(?:control|point).{0,40}(?:maximum|at most|exceed|too many)"
        ),
        shows=anywhere,
    ),
    Rule(
        id="limits.request_size",
        side=Side.MESSAGE,
        sentence=_("The request has more bytes than the provider takes."),
        in_title=_("its size"),
        remedy=_("Send fewer or smaller files, or a shorter text."),
        source="https://github.com/anthropics/anthropic-sdk-python/issues/938",
        words=(
            r"request (?:exceeds the maximum (?:allowed|size)|too large|entity too large)|"
            r"request_too_large|payload (?:size|too)|content too large|"
            r"string too long.{0,60}maximum length \d{6,}|string_above_max_length|"
            r"body.{0,20}too large|expected maxlength"
        ),
        shows=anywhere,
    ),
    Rule(
        id="limits.window",
        side=Side.MESSAGE,
        sentence=_("The request is too long for the model."),
        in_title=_("its length"),
        remedy=_(
            "Send fewer earlier messages, shorter instructions or fewer tools, or offer a model "
            "with a longer context."
        ),
        source="https://github.com/stackblitz/bolt.new/issues/1036",
        words=(
            r"maximum context|context (?:length|window|size)|prompt is too long|"
            r"input (?:token count|is too long|length)|too many tokens|"
            r"too large for model|context_length|"
            r"exceeds? (?:the )?(?:model.s )?(?:available )?context|"
            r"reduce the length|input tokens exceed|"
            r"prompt.{0,20}(?:exceeds|too long)|maximum prompt length|"
            r"tokens \(\d+\) exceed|`?inputs`? tokens \+|"
            r"longer than the (?:maximum )?model|maximum model length|"
            r"max_tokens must be at least 1, got -|exceed_context|n_ctx|"
            r"range of input length|exceed\w* (?:the )?token limit|maximum sequence length|"
            r"exceeds the maximum number of tokens|total number of tokens"
        ),
        shows=_too_long_with_answer,
        proves=_too_long,
        is_of_length=True,
    ),
)

"""What a model thought, which some providers want back as it was, and signed."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Message, Part, Request
from chatdebug.linter.rule import (
    ANTHROPIC,
    GOOGLE,
    OPENAI,
    Place,
    Rule,
    messages_that,
    parts_that,
)

THOUGHTS = frozenset({"reasoning", "redacted_thinking"})


def _thought(part: Part) -> bool:
    return part.type in THOUGHTS


def _unsigned(part: Part) -> bool:
    return part.type == "reasoning" and part.signed is False


def _unsigned_or_changed(request: Request) -> Iterator[Place]:
    """Find the unsigned thoughts; if all are signed, all: a signature may be wrong."""
    unsigned = list(parts_that(_unsigned)(request))
    return iter(unsigned or list(parts_that(_thought)(request)))


def _calls_without_thought(message: Message) -> bool:
    calls = any(part.is_call for part in message.parts)
    return (
        message.side == "assistant" and calls and not any(map(_thought, message.parts))
    )


def _answers_without_thought(message: Message) -> bool:
    return message.side == "assistant" and not any(map(_thought, message.parts))


RULES = (
    Rule(
        id="thinking.no_signature_of_call",
        providers=GOOGLE,
        sentence=_(
            "A call of a tool is sent back without the signature of the thought "
            "before it."
        ),
        in_title=_("a call without its signature"),
        remedy=_(
            "Keep what comes with a call (its thought_signature) and send it back "
            "with the call, also through a gateway."
        ),
        source="https://github.com/nanbingxyz/5ire/issues/405",
        words=(r"thought_?signature.{0,40}(?:missing|required|invalid|not valid)"),
        plain=r"missing a thought_?signature",
        shows=parts_that(lambda part: part.is_call),
    ),
    Rule(
        id="thinking.unsigned",
        providers=ANTHROPIC,
        sentence=_(
            "What the model thought is sent back without its signature, or with "
            "another's."
        ),
        in_title=_("a thought without its signature"),
        remedy=_(
            "Send thoughts back as they came, with their signature, or leave them "
            "out: those of another model have none that this provider takes."
        ),
        source="https://github.com/anthropics/claude-code/issues/10627",
        words=(r"signature.{0,30}(?:field required|is required|invalid)"),
        plain=r"thinking\.signature|invalid .{0,3}signature.{0,3} in .{0,3}thinking",
        shows=_unsigned_or_changed,
        proves=parts_that(_unsigned),
    ),
    Rule(
        id="thinking.changed",
        providers=ANTHROPIC,
        sentence=_("What the model thought is sent back changed."),
        in_title=_("a thought that was changed"),
        remedy=_(
            "Send the thoughts of the latest answer back as they came, in their "
            "order, and remove none of its parts."
        ),
        source="https://github.com/anthropics/claude-code/issues/63284",
        words=r"thinking.{0,60}modified",
        plain=(
            r"blocks in the latest assistant message cannot be modified|"
            r"must remain as they were"
        ),
        shows=parts_that(_thought),
    ),
    Rule(
        id="thinking.missing",
        sentence=_("An answer is sent back without what the model thought before it."),
        in_title=_("a thought that is missing"),
        remedy=_(
            "Send the thoughts back with the answer, above all with calls of tools, "
            "or switch thinking off for this chat."
        ),
        source="https://github.com/abhigyanpatwari/GitNexus/issues/43",
        words=(
            r"reasoning_content.{0,60}(?:missing|in the assistant)|"
            r"without its required '?reasoning"
        ),
        plain=(
            r"reasoning_content.{0,60}must be passed back|"
            r"missing `?reasoning_content|"
            r"expected `?thinking`?(?: or `?redacted_thinking`?)?, but found|"
            r"must start with a thinking block|"
            r"required preceding item of type '?reasoning"
        ),
        shows=lambda request: (
            list(messages_that(_calls_without_thought)(request))
            or list(messages_that(_answers_without_thought)(request))
        ),
    ),
    Rule(
        id="thinking.alone",
        providers=OPENAI,
        sentence=_("A thought is sent back without what followed it."),
        in_title=_("a thought without what followed it"),
        remedy=_(
            "Keep each thought together with the message or call that came after it, "
            "or leave both out."
        ),
        source="https://github.com/continuedev/continue/issues/9628",
        words=(r"reasoning.{0,40}required following item"),
        plain=r"of type '?reasoning'? was provided without its required following",
        shows=parts_that(_thought),
    ),
    Rule(
        id="thinking.foreign",
        providers=OPENAI,
        sentence=_("An encrypted thought is sent to somebody who cannot read it."),
        in_title=_("another provider's encrypted thought"),
        remedy=_(
            "Leave thoughts out when another account, model or provider goes on with "
            "a chat."
        ),
        source="https://github.com/openai/codex/issues/8145",
        words=(r"encrypted.{0,40}(?:invalid|verif|decrypt)"),
        plain=(
            r"encrypted content.{0,60}could not be (?:verified|decrypted)|"
            r"invalid_encrypted_content"
        ),
        shows=parts_that(_thought),
    ),
)

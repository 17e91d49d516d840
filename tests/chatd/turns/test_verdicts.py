"""For each demo fault: what happened, whose it is, and the same words at both places."""

import re

import pytest
from django.conf import LazySettings
from pydantic_ai.exceptions import ModelHTTPError

from chatd.demo_provider import DEMO_MODELS
from chatd.enums import TurnStatus
from chatd.models import Chat
from chatd.turns.effort import Effort
from chatd.turns.failures import classified_failure, failure_outcome
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.runs import RunReport, StepReport
from chatdebug.writer import close_writer
from tests.chatd.turns.site import answer, let_no_clock_decide, new_chat, run_on_site
from tests.factories import ModelConfigFactory, TurnFactory
from tests.optional import present

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]

PROTOCOLS = ("demo", "demo_anthropic")
ANSWERS = {"fault-429-then-ok", "fault-500-then-ok"}
TOLD = {
    "fault-400": ("The demo provider rejected the request (400).", "request"),
    **dict.fromkeys(
        (
            "fault-400-tool-pair",
            "fault-400-empty",
            "fault-400-schema",
            "fault-400-window",
        ),
        ("The demo provider rejected the request (400).", "request"),
    ),
    "fault-400-context": ("The request is too long for this model: ", "request"),
    "fault-401": (
        "The demo provider did not accept this site's API key (401).",
        "settings",
    ),
    "fault-401-echo-key": (
        "The demo provider did not accept this site's API key (401).",
        "settings",
    ),
    "fault-403": (
        "This site's API key lacks a permission at the demo provider (403).",
        "settings",
    ),
    "fault-404": (
        "The demo provider does not offer the model “fault-404” to this site (404).",
        "settings",
    ),
    "fault-422": ("The demo provider rejected the request (422).", "request"),
    "fault-429": (
        "The demo provider takes no more requests from this site for now (429).",
        "settings",
    ),
    "fault-quota": (
        "This site's usage limit at the demo provider has been reached",
        "settings",
    ),
    "fault-500": ("The demo provider had an error of its own (500).", "provider"),
    "fault-529": ("The demo provider is overloaded at the moment (529).", "provider"),
    "fault-html-502": (
        (
            "The demo provider could not be reached: a gateway in front of it answered "
            "instead (502)."
        ),
        "network",
    ),
    "fault-html-200": (
        "A web page came instead of an answer from the demo provider.",
        "network",
    ),
    "fault-huge-400": ("The demo provider rejected the request (400).", "request"),
    "fault-reset": (
        "The connection to the demo provider was lost before the answer began.",
        "network",
    ),
    "fault-hang": (
        "The demo provider sent nothing for 0.5 seconds, the longest this site waits.",
        "provider",
    ),
    "fault-stall": (
        "The answer stopped in the middle: nothing more came for 0.5 "
        "seconds, the longest this site waits.",
        "provider",
    ),
    "fault-cut": (
        "The connection to the demo provider was lost in the middle of the answer.",
        "network",
    ),
    "fault-eof": (
        "The answer from the demo provider ended early.",
        "provider",
    ),
    "fault-badjson": (
        "The answer from the demo provider could not be read: a part of it is garbled, or "
        "in an unknown form.",
        "provider",
    ),
    "fault-instream-overloaded": (
        "The demo provider is overloaded at the moment.",
        "provider",
    ),
    "fault-filter": (
        "The demo provider blocked this answer under its content policy.",
        "provider",
    ),
}


def asked_in_vain(
    model: str, *, settings: LazySettings, provider: str = PROTOCOLS[0]
) -> Chat:
    """Return a chat in which a model was asked once, however busy the machine is."""
    let_no_clock_decide(settings, model)
    chat = new_chat(model, provider=provider)

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    return chat


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_of_a_huge_error_a_readable_beginning_is_quoted(
    provider: str, settings: LazySettings
) -> None:
    chat = asked_in_vain("fault-huge-400", provider=provider, settings=settings)
    close_writer(timeout=20)
    quote = present(chat.turns.get().error)["detail"]
    line = "One line of a report that nobody cut before it was sent."
    assert quote == line
    assert quote.count(line) == 1
    (step,) = ChatStep.objects.filter(chat_id=str(chat.pk))
    report = ErrorReport.of(present(step.error))
    assert (report.reason, report.opening) == (quote, "")
    assert step.run.summary["error_message"].startswith(line)


@pytest.mark.parametrize("model", ["fault-reset", "fault-cut"])
def test_a_card_says_of_a_lost_connection_all_in_one_sentence(
    model: str, settings: LazySettings
) -> None:
    chat = asked_in_vain(model, settings=settings)
    assert present(chat.turns.get().error)["how"] == ""


@pytest.mark.parametrize("model", ["fault-400", "fault-500", "fault-eof"])
def test_card_and_run_say_the_same_moment(model: str, settings: LazySettings) -> None:
    chat = asked_in_vain(model, settings=settings)
    close_writer(timeout=20)
    run = ChatRun.objects.get(chat_id=str(chat.pk))
    assert chat.turns.get().failed_at == run.finished_at


def test_a_web_page_is_tried_again_before_it_is_handed_on(
    settings: LazySettings,
) -> None:
    chat = asked_in_vain("fault-html-200", settings=settings)
    assert present(chat.turns.get().error)["ways"] == ["again", "report"]


@pytest.mark.parametrize("model", ["fault-eof", "fault-badjson"])
def test_a_stream_that_breaks_at_one_place_each_time_is_the_providers_fault(
    model: str, settings: LazySettings
) -> None:
    chat = asked_in_vain(model, settings=settings)
    assert present(chat.turns.get().error)["whose"] == (
        "Most likely the demo provider is at fault, not your message."
    )


SAYS_NOTHING = {"fault-filter"}
"""Whose answers hold no reason in words."""
EXPLAINED = {
    "fault-401": "",
    "fault-quota": "You exceeded your current quota, please check your plan and billing "
    "details.",
    "fault-403": "You have insufficient permissions for this operation. Missing scopes: "
    "model.request.",
    "fault-500": "",
    "fault-529": "",
    "fault-filter": "",
}


@pytest.mark.parametrize("model", EXPLAINED)
def test_a_card_has_the_reason_in_the_providers_words_or_says_that_there_is_none(
    model: str, settings: LazySettings
) -> None:
    chat = asked_in_vain(model, settings=settings)
    card = present(chat.turns.get().error)
    assert card["detail"] == EXPLAINED[model]
    no_reason = "It gave no further reason." if model in SAYS_NOTHING else ""
    assert card["how"] == no_reason


def test_every_demo_fault_is_told_of() -> None:
    faults = {one.name for one in DEMO_MODELS if one.name.startswith("fault-")}
    assert set(TOLD) == faults - ANSWERS


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize("model", TOLD)
def test_card_and_run_say_what_happened_and_whose_it_is(
    model: str, provider: str, settings: LazySettings
) -> None:
    ModelConfigFactory(provider="openai", name="elsewhere")
    chat = asked_in_vain(model, provider=provider, settings=settings)
    close_writer(timeout=20)
    card = present(chat.turns.get().error)
    what, owner = TOLD[model]
    assert card["message"].startswith(what)
    if model == "fault-400-context":
        assert card["message"].endswith(" fit (400).")
    assert card["owner"] == owner
    assert card["attempts"] == (3 if card["retryable"] else 1)
    same = "with the same result.", "the limit still held."
    tried = card["tried"].endswith(same)
    assert tried == card["retryable"]
    is_to_be_sent = re.search(r"end (?:it|your message) again", card["advice"])
    assert ("again" in card["ways"]) == bool(is_to_be_sent)
    assert card["them"] is None, "its models fail by design, and tell nothing of others"
    steps = list(ChatStep.objects.filter(chat_id=str(chat.pk)).order_by("step_number"))
    for step in StepReport.all_of(steps[0].run, steps)[-1:] if steps else []:
        report = present(step.error)
        said = (report.sentence, report.owner, report.whose, report.advice)
        assert said == tuple(
            card[name] for name in ("message", "owner", "whose", "advice")
        )
    for run in ChatRun.objects.filter(chat_id=str(chat.pk)):
        opened = RunReport.of(run, ChatStep.objects.filter(run=run))
        assert opened.tried == card["tried"]


def test_a_chat_that_is_too_long_is_told_of_when_its_question_is_gone() -> None:
    turn = TurnFactory(
        chat=new_chat("fault-400-context"), status=TurnStatus.IN_PROGRESS
    )
    turn.messages.all().delete()
    said = "This model's maximum context length is 8192 tokens, you sent 9412 tokens."
    error = ModelHTTPError(400, "some-model", body={"message": said})
    found = classified_failure(error, turn)
    outcome = failure_outcome(error, found, turn, "", None, Effort(attempts=1))
    told = present(outcome.error)
    assert told["message"].startswith("The request is too long for this model")
    assert told["ways"] == ["other_model", "report"], "no message makes it long"


LONG = "Why is that so? " * 400
LENGTHS: dict[str, tuple[list[str], list[str]]] = {
    "the site's part": (["Why?", "Why not?"], ["other_model", "report"]),
    "the only message": ([LONG], ["change", "other_model"]),
    "earlier messages": ([LONG, "Why?"], ["new_chat", "other_model"]),
    "all of it": (
        ["Why is that so? " * 200, LONG],
        ["new_chat", "change", "other_model"],
    ),
}
"""What was asked, and what can be done about 9,412 tokens, which the provider counts."""


@pytest.mark.parametrize(("asked", "ways"), LENGTHS.values(), ids=LENGTHS)
def test_a_chat_that_is_too_long_is_made_shorter_where_it_is_long(
    asked: list[str], ways: list[str], settings: LazySettings
) -> None:
    let_no_clock_decide(settings)
    chat = new_chat("fault-400-context")

    async def body() -> None:
        for text in asked:
            await answer(chat, text)

    run_on_site(body)
    card = present(chat.turns.order_by("created_at")[len(asked) - 1].error)
    assert card["ways"] == ways
    is_all_of_it = card["whose"].startswith("What is too long is the whole request")
    assert is_all_of_it == ("change" in ways), "else the message is not the cause"
    assert ("shorten" in card["advice"].lower()) == ("change" in ways)
    assert ("new chat" in card["advice"]) == ("new_chat" in ways)

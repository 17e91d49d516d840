"""Four demo faults with the same answer, told apart by the structure of what was sent."""

from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings

from chatd import lifespan
from chatd.demo_provider import DEMO_MODELS, DemoProvider, Observer
from chatd.llm.faulty_requests import CHANGES
from chatd.models import Chat
from chatdebug.errors import Around
from chatdebug.linter import LikelyCause
from chatdebug.linter.causes import BY_ID
from chatdebug.models import ChatRun
from chatdebug.presentation.causes import LikelyCauses
from chatdebug.presentation.run_lines import RunLine
from chatdebug.presentation.runs import StepReport
from chatdebug.writer import close_writer
from tests.chatd.turns.site import QUICK, answer, new_chat, run_on_site
from tests.optional import present

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]

PROTOCOLS = ("demo", "demo_anthropic")
CAUSES = {
    "fault-400-tool-pair": (
        "calls.no_result",
        "A tool call in the request has no result.",
    ),
    "fault-400-empty": (
        "messages.blank",
        "A text in the request is empty or blank.",
    ),
    "fault-400-schema": (
        "schemas.no_object",
        "The schema of a tool is not of type object (tool look_up: type string).",
    ),
    "fault-400-window": (
        "limits.window",
        "The request is too long for the model: about ",
    ),
}
TITLES = {
    "calls.no_result": "a tool call without a result",
    "messages.blank": "an empty text",
    "schemas.no_object": "a tool schema that is not an object",
    "limits.window": "its length",
}
WINDOWS = {model.name: model.context_window for model in DEMO_MODELS}


def fail_on(
    model: str, provider: str, settings: LazySettings, evidence: str = "shape"
) -> tuple[Chat, dict[str, Any]]:
    """Return a chat after a turn of this model, and what the turn says of its failure."""
    kept = {"FORCE_FULL": True} if evidence == "trace" else {"EVIDENCE": evidence}
    settings.CHATDEBUG = {**settings.CHATDEBUG, **kept}
    settings.DEMO_TURN_POLICY = QUICK | {"first_part": 60.0}
    window = WINDOWS[model]
    chat = new_chat(model, provider=provider, model__context_window=window)

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    close_writer(timeout=20)
    return chat, present(chat.turns.get().error)


def causes_of(chat: Chat) -> list[str]:
    step = ChatRun.objects.get(chat_id=str(chat.pk)).steps.get()
    found = present(LikelyCauses.of(step))
    return [one.rule.id for one in found.causes]


def noted_of(chat: Chat) -> list[str]:
    step = ChatRun.objects.get(chat_id=str(chat.pk)).steps.get()
    return [one["rule"] for one in step.metadata["likely_causes"]]


def test_each_of_them_is_here() -> None:
    assert set(CAUSES) == set(CHANGES)


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize("evidence", ["shape", "full", "trace"])
@pytest.mark.parametrize("model", CAUSES)
def test_card_and_run_name_the_cause(
    model: str, evidence: str, provider: str, settings: LazySettings
) -> None:
    chat, card = fail_on(model, provider, settings, evidence)
    rule, sentence = CAUSES[model]
    assert causes_of(chat) == [rule]
    assert noted_of(chat) == [rule]
    run = ChatRun.objects.get(chat_id=str(chat.pk))
    title = f"Request rejected, probably because of {TITLES[rule]} · Demo"
    assert RunLine(run).title.startswith(title)
    assert card["cause"]["sentence"].startswith(sentence)
    assert card["cause"]["found"].startswith(sentence.removesuffix("."))
    assert card["cause"]["remedy"] not in card["advice"], "it is for who repairs it"
    said = (
        "The demo provider rejected the request (400) and says only “The request is not "
        "valid.”"
    )
    assert (card["detail"], card["how"]) == ("", said)
    step = ChatRun.objects.get(chat_id=str(chat.pk)).steps.get()
    [report] = StepReport.all_of(step.run, [step])
    error = present(report.error)
    assert error.owner == card["owner"]
    # A card knows what else was said in the chat.
    assert error.whose == card["whose"] or rule == "limits.window"
    assert (error.sentence, error.reason) == (card["message"], "")
    assert error.how == card["how"]
    assert card["message"].startswith(
        ("The request was rejected: most likely this site ", "The request is pro")
    )


def test_what_the_site_sends_is_not_for_its_user_to_repair(
    settings: LazySettings,
) -> None:
    _chat, card = fail_on("fault-400-tool-pair", "demo", settings)
    assert (card["owner"], card["whose"]) == (
        "site",
        "Your message is probably not the cause.",
    )
    assert card["message"] == (
        "The request was rejected: most likely this site left out what one of its tools "
        "had found."
    )
    assert card["ways"] == ["report", "other_model"]
    assert card["advice"] == (
        "The same request will most likely fail again. Copy the report for an administrator, or try "
        "another model, which may accept it."
    )


def test_a_chat_that_is_too_long_by_its_request_is_as_one_that_says_so(
    settings: LazySettings,
) -> None:
    _chat, found = fail_on("fault-400-window", "demo", settings)
    _chat, said = fail_on("fault-400-context", "demo", settings)
    # Nobody has counted it.
    sure = found["whose"].replace("is probably not", "is not")
    assert found["whose"] != sure
    assert (found["owner"], sure, found["advice"], found["ways"]) == (
        said["owner"],
        said["whose"],
        said["advice"],
        said["ways"],
    )
    assert found["ways"] == ["other_model", "report"], "the message is a short one"
    assert found["message"].startswith(
        "The request is probably too long for this model: about "
    )
    assert (
        "Largest part: message 1 of 3 in the request (role user), "
        in found["cause"]["found"]
    )
    assert f"at most {WINDOWS['fault-400-window']:,} fit." in found["message"]


@pytest.mark.parametrize(
    ("history", "ways"),
    [
        (True, ["report", "other_model", "new_chat"]),
        (False, ["report", "other_model"]),
    ],
)
def test_a_new_chat_gets_around_what_comes_with_earlier_messages(
    history: bool, ways: list[str]
) -> None:
    cause = LikelyCause(BY_ID["calls.no_result"], messages=(2,))
    assert (
        list(cause.found(provider="demo", around=Around(history=history)).ways) == ways
    )
    of_tool = LikelyCause(BY_ID["tools.same_name"], tools=("look_up",))
    assert list(of_tool.found(provider="demo").ways) == ["report"]


@pytest.mark.parametrize(
    ("rule", "provider", "way", "words"),
    [
        ("tools.unsupported", "demo", "other_model", "or try another model, which"),
        ("calls.no_result", "demo", "other_model", "or try another model, which"),
        (
            "messages.blank",
            "anthropic",
            "other_provider",
            "or try a model of another provider, which",
        ),
        (
            "schemas.no_object",
            "demo",
            "other_model",
            "or try another model, which",
        ),
        (
            "schemas.no_object",
            "openai",
            "other_provider",
            "or try a model of another provider, which",
        ),
        (
            "schemas.several_types",
            "google",
            "other_provider",
            "or try a model of another provider, which",
        ),
    ],
)
def test_another_model_is_named_where_it_may_take_what_is_sent(
    rule: str, provider: str, way: str, words: str
) -> None:
    found = LikelyCause(BY_ID[rule]).found(provider=provider)
    assert list(found.ways) == ["report", way]
    assert f"{words} may accept it." in found.advice


@pytest.mark.parametrize("model", ["fault-400", "fault-422"])
def test_a_request_that_is_as_it_should_be_is_not_blamed(
    model: str, settings: LazySettings
) -> None:
    chat, card = fail_on(model, "demo", settings)
    assert causes_of(chat) == []
    assert card["cause"] == {}
    checked = "This site checked the request and found no known mistake."
    assert card["whose"].endswith(f"or what this site sent with it. {checked}")
    [report] = StepReport.all_of(
        run := ChatRun.objects.get(chat_id=str(chat.pk)), run.steps.all()
    )
    assert present(report.error).whose == card["whose"]


@pytest.mark.parametrize("evidence", ["error", "shape"])
def test_a_card_says_nothing_where_nothing_is_known(
    evidence: str, settings: LazySettings
) -> None:
    model = "fault-400-schema" if evidence == "error" else "fault-401"
    _chat, card = fail_on(model, "demo", settings, evidence)
    assert card["cause"] == {}


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize("model", CAUSES)
def test_the_wire_has_that_structure(
    model: str,
    provider: str,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    observer = Observer()
    server = partial(DemoProvider, word_delay=0, observer=observer)
    monkeypatch.setattr(lifespan, "DemoProvider", server)
    fail_on(model, provider, settings)
    [seen] = observer.requests
    assert FAULTY[model](seen.body)


def _has_call_alone(body: Any) -> bool:
    sent = str(body["messages"])
    return sent.count("call_1") == 1


def _has_blank(body: Any) -> bool:
    contents = [message["content"] for message in body["messages"]]
    blank = {"text": " ", "type": "text"}
    return any(content in (" ", [blank]) for content in contents)


def _has_text_for_object(body: Any) -> bool:
    [tool] = body["tools"]
    schema = tool["input_schema"] if "input_schema" in tool else tool["function"]
    return bool(schema.get("parameters", schema)["type"] == "string")


def _is_long(body: Any) -> bool:
    return len(str(body["messages"])) > 4 * present(WINDOWS["fault-400-window"])


FAULTY = {
    "fault-400-tool-pair": _has_call_alone,
    "fault-400-empty": _has_blank,
    "fault-400-schema": _has_text_for_object,
    "fault-400-window": _is_long,
}

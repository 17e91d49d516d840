"""The secrets that a deployment names: what holds while its function does not answer."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client

from chatdebug.enums import Level
from chatdebug.models import ChatRun, ClassificationRule
from chatdebug.recorder import close_writer, record_run
from chatdebug.redaction import known_secrets, redact_body, redact_json, redact_text
from chatdebug.redaction.known_secrets import (
    RETRY_SECONDS,
    UNKNOWN,
    ConfiguredSecrets,
    SecretMatcher,
)
from chatdebug.services.rule_files import export_rules
from tests.chatdebug.recorder.demo import PROMPT, demo_model, generate
from tests.factories import ChatFactory, ChatRunFactory

TOLD = "hunter2plainsecretword"
GIVEN = "zebraquaggaokapi77"
ADDED = "gnuimpalakudueland42"
SAID = f"upstream said {TOLD} and {GIVEN}"


class Source:
    """What the setting ``SECRETS`` names, and how often it was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[], Any] = lambda: [TOLD]
        self.asked = 0

    def __call__(self) -> Any:
        self.asked += 1
        return self.answer()


source = Source()


def raising() -> list[str]:
    raise RuntimeError(f"no vault for {TOLD}")


def breaking_off() -> Iterator[str]:
    yield TOLD
    raise RuntimeError("vault away")


WRONG = [
    pytest.param(raising, id="raises"),
    pytest.param(breaking_off, id="breaks off"),
    pytest.param(lambda: TOLD, id="a text"),
    pytest.param(lambda: TOLD.encode(), id="bytes"),
    pytest.param(lambda: None, id="none"),
    pytest.param(lambda: [TOLD.encode()], id="bytes in it"),
    pytest.param(lambda: [TOLD, None], id="none in it"),
    pytest.param(lambda: {"KEY": TOLD}, id="by name"),
    pytest.param(lambda: 7, id="a number"),
]


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(known_secrets, "monotonic", clock)
    return clock


@pytest.fixture(autouse=True)
def asked(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setattr(f"{__name__}.source", Source())
    # Nothing that another test was told.
    monkeypatch.setattr(known_secrets.configured_secrets, "_source", None)
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "SECRETS": f"{__name__}.source",
        "EXTRA_SECRETS": (GIVEN,),
    }
    return source


def answers_anew(asked: Source, answer: Callable[[], Any]) -> None:
    """Let the function answer as in a process that knows nothing yet."""
    asked.answer = answer
    known_secrets.configured_secrets._source = None
    known_secrets.configured_secrets.forget()


async def turn(name: str, chat_id: str, level: Level) -> None:
    """Record a call of a model of the demo provider."""
    with suppress(Exception):
        async with (
            demo_model(name) as model,
            record_run(chat_id=chat_id, level=level, label=SAID) as run,
        ):
            await generate(model)
            run.complete()


@pytest.mark.parametrize("answer", WRONG)
def test_nothing_is_let_through_while_the_function_has_not_answered(
    answer: Callable[[], Any], asked: Source
) -> None:
    asked.answer = answer
    assert redact_text(SAID) == UNKNOWN
    assert redact_json({"note": [SAID], "count": 3}) == {"note": [UNKNOWN], "count": 3}
    body = redact_body(f"data: {TOLD[:9]}\n\ndata: {TOLD[9:]}\n\n", "text/event-stream")
    assert TOLD[:9] not in body
    assert TOLD[9:] not in body


@pytest.mark.parametrize("answer", WRONG)
def test_it_is_asked_again_soon_and_not_at_every_text(
    answer: Callable[[], Any], asked: Source, clock: Clock
) -> None:
    asked.answer = answer
    known_secrets.configured_secrets.forget()
    assert [redact_text(f"{SAID} {number}") for number in range(9)] == [UNKNOWN] * 9
    assert asked.asked == 1
    asked.answer = lambda: iter([TOLD])
    clock.now += RETRY_SECONDS
    said = redact_text(SAID)
    assert said.startswith("upstream said [REDACTED:configured secret] and ")
    assert TOLD not in said
    assert GIVEN not in said
    assert asked.asked == 2


@pytest.mark.parametrize("answer", WRONG)
def test_what_was_told_last_stays_and_what_is_new_is_added(
    answer: Callable[[], Any], asked: Source, clock: Clock
) -> None:
    known_secrets.configured_secrets.forget()
    assert TOLD not in redact_text(SAID)
    asked.answer = answer
    clock.now += 1_000
    known_secrets.configured_secrets.add(ADDED)
    said = redact_text(f"{SAID}, then {ADDED}")
    assert said.startswith("upstream said [REDACTED:configured secret] and ")
    assert not any(secret in said for secret in (TOLD, GIVEN, ADDED))


class Slow:
    """Answers when it may, and tells when it was asked."""

    def __init__(self) -> None:
        self.is_asked, self.may_answer = threading.Event(), threading.Event()

    def __call__(self) -> list[str]:
        self.is_asked.set()
        assert self.may_answer.wait(30)
        return [TOLD]


def test_others_wait_for_the_first_answer(
    asked: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_secrets, "FIRST_SECONDS", 30)
    secrets, slow = ConfiguredSecrets(), Slow()
    asked.answer = slow
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(lambda: secrets.matcher().remove(SAID))
        assert slow.is_asked.wait(10)
        others = [pool.submit(lambda: secrets.matcher().remove(SAID)) for _ in "ab"]
        slow.may_answer.set()
    said = first.result()
    assert "[REDACTED:configured secret]" in said
    assert [other.result() for other in others] == [said, said]
    assert asked.asked == 1


def test_they_wait_once_and_not_for_each_text(
    asked: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_secrets, "FIRST_SECONDS", 0.05)
    secrets, slow = ConfiguredSecrets(), Slow()
    asked.answer = slow
    with ThreadPoolExecutor(1) as pool:
        pool.submit(secrets.matcher)
        assert slow.is_asked.wait(10)
        assert secrets.matcher().remove(SAID) == UNKNOWN
        monkeypatch.setattr(known_secrets, "FIRST_SECONDS", 3_000)
        assert secrets.matcher().remove(SAID) == UNKNOWN
        slow.may_answer.set()
    assert "[REDACTED:configured secret]" in secrets.matcher().remove(SAID)
    assert secrets.are_known()


def test_a_forked_process_waits_for_no_thread_of_its_parent(asked: Source) -> None:
    secrets, slow = ConfiguredSecrets(), Slow()
    asked.answer = slow
    with ThreadPoolExecutor(1) as pool:
        pool.submit(secrets.matcher)
        assert slow.is_asked.wait(10)
        asked.answer = lambda: [TOLD]
        secrets.begin_anew()  # as in a child
        assert "[REDACTED:configured secret]" in secrets.matcher().remove(SAID)
        slow.may_answer.set()


def test_a_secret_that_is_added_counts_while_the_function_is_asked(
    asked: Source, clock: Clock
) -> None:
    secrets = ConfiguredSecrets()
    assert secrets.are_known()
    clock.now += 1_000

    def using_a_key() -> list[str]:
        adding = threading.Thread(target=secrets.add, args=(ADDED,))
        adding.start()
        adding.join(10)
        assert ADDED not in secrets.matcher().remove(f"with {ADDED}")
        return [TOLD]

    asked.answer = using_a_key
    assert ADDED not in secrets.matcher().remove(f"with {ADDED}")
    assert secrets.failure() == ""


@pytest.mark.parametrize("answer", WRONG)
def test_the_self_test_says_that_secrets_are_not_known(
    answer: Callable[[], Any], asked: Source
) -> None:
    asked.answer = answer
    with pytest.raises(CommandError, match=r"are not known: .*source") as raised:
        call_command("check_redaction", stdout=StringIO())
    assert raised.value.returncode != 0
    assert TOLD not in str(raised.value)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_a_failure_keeps_what_needs_no_text(level: Level, asked: Source) -> None:
    facts = []
    for answer in (lambda: [TOLD], raising):
        answers_anew(asked, answer)
        asyncio.run(turn("fault-400", "c", level))
        close_writer(timeout=10)
        stored = ChatRun.objects.latest("started_at")
        (step,) = stored.steps.all()
        error = step.error or {}
        assert TOLD not in f"{stored.summary} {error}"
        facts.append([error[name] for name in ("kind", "rule", "status_code", "type")])
        facts[-1] += [stored.status, len(stored.fingerprint), step.status]
    assert (error["message"], error["detail"]) == (UNKNOWN, UNKNOWN)
    assert facts[0] == facts[1]
    assert facts[0][2] == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["demo", "fault-400", "fault-500"])
def test_the_pages_show_what_was_recorded_without_texts(
    name: str, asked: Source
) -> None:
    asked.answer = raising
    chat = ChatFactory()

    asyncio.run(turn(name, str(chat.pk), Level.FULL))
    close_writer(timeout=10)
    run = ChatRun.objects.get()
    assert PROMPT not in f"{run.summary} {list(run.steps.values())}"
    client = Client()
    client.force_login(chat.owner)
    for address in (
        f"/debug/chats/{chat.pk}/",
        f"/debug/chats/{chat.pk}/runs/{run.id}/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200
        assert TOLD not in answer.content.decode()


@pytest.mark.django_db
def test_what_would_be_spoiled_is_neither_imported_nor_exported(
    asked: Source, tmp_path: Path
) -> None:
    run = ChatRunFactory(chat_id="c", status="error")
    file = tmp_path / "run.json"
    call_command("export_chat_runs", "--run", str(run.pk), "--output", str(file))
    rule = ClassificationRule.objects.create(note="", kind="config", text="a teapot")
    answers_anew(asked, raising)
    exported = export_rules(rules=[rule])
    assert (exported.document["rules"], exported.left_out) == ([], 1)
    with pytest.raises((CommandError, ValueError), match="secrets are not known"):
        call_command("import_chat_runs", str(file), "--chat", "d", stdout=StringIO())


@pytest.mark.parametrize("said", [TOLD.upper(), TOLD.title(), GIVEN.upper()[2:16]])
def test_a_secret_in_other_letters_goes(said: str) -> None:
    matcher = SecretMatcher([TOLD, GIVEN])
    for around in ("said", "sa\u0130d"):  # of one of them, the small letter is two
        kept = matcher.remove(f"{around} {said}!")
        assert kept == f"{around} [REDACTED:configured secret]!"


def test_what_only_begins_like_a_secret_in_other_letters_stays() -> None:
    matcher = SecretMatcher(["Anthropic-team-4711", "Hunter2x"])
    text = "anthropic and ANTHROPIC, HUNTER2X"
    assert matcher.remove(text) == text


def test_a_secret_of_words_alone_is_found_where_its_ends_are_none() -> None:
    matcher = SecretMatcher(["acme"], no_end=re.compile(".*"))
    assert matcher.remove("acme") == "acme"  # too short to be one
    matcher = SecretMatcher(["zebraquagga-okapi"], no_end=re.compile(".*"))
    assert "okapi" not in matcher.remove("a zebraquagga-okapi b")

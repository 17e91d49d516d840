"""Turns that fail with an unknown error before or after their model call."""

import pytest

from chatd.turns import lifecycle
from chatdebug.models import ChatRun
from chatdebug.writer import close_writer
from tests.chatd.turns.site import answer, new_chat, run_on_site
from tests.optional import present

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]


def fail(**config: str) -> ChatRun:
    chat = new_chat("demo", **config)

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    close_writer(timeout=20)
    run = ChatRun.objects.get()
    assert present(chat.turns.get().error)["run_id"] == str(run.pk)
    assert [step.operation for step in run.steps.all()] == ["run"]
    return run


def test_a_model_without_a_base_url_leaves_one_run() -> None:
    run = fail(provider="openai_compatible")
    assert "needs a base URL" in run.summary["error_message"]


def test_an_answer_that_cannot_be_stored_leaves_one_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish = lifecycle.finish_turn

    def refused(**facts: object) -> None:
        if facts["on_commit"] is not None:
            raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed")
        finish(**facts)  # type: ignore[arg-type]

    monkeypatch.setattr(lifecycle, "finish_turn", refused)
    run = fail()
    assert (run.status, present(run.steps.get().error)["type"]) == (
        "error",
        "UnicodeEncodeError",
    )

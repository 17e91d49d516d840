"""What a turn asks of the database, on every connection of the process."""

from collections.abc import Iterator

import pytest

from chatd.turns.runners import local
from tests.chatd.turns.site import answer, new_chat, run_on_site
from tests.statements import collected_statements

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the SQL of all threads, but for the runner's periodic sweep."""
    monkeypatch.setattr(local, "SWEEP_SECONDS", 3600.0)
    with collected_statements() as seen:
        yield seen


def about_chatdebug(statements: list[str]) -> list[str]:
    return [sql for sql in statements if "chatdebug_" in sql]


def test_an_ok_turn_asks_chatdebug_for_the_level_and_for_nothing_else(
    statements: list[str],
) -> None:
    chat = new_chat("demo")

    async def body() -> None:
        # The recorder's thread looks after leftovers at the start of the site.
        await answer(chat)
        statements.clear()
        await answer(chat)
        (level,) = about_chatdebug(statements)
        assert level.startswith("SELECT")
        assert "chatdebug_recordingswitch" in level

    run_on_site(body)


def test_a_turn_is_a_handful_of_short_statements(statements: list[str]) -> None:
    """However long its answer is: nothing is written while it streams."""
    counts: list[int] = []

    async def body() -> None:
        for model in ("demo", "demo-long"):
            chat = chats[model]
            await answer(chat)
            statements.clear()
            await answer(chat)
            counts.append(len([sql for sql in statements if "chatd_" in sql]))

    chats = {model: new_chat(model) for model in ("demo", "demo-long")}
    run_on_site(body)
    assert counts[0] == counts[1]
    assert counts[0] <= 20

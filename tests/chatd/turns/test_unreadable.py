"""A stream that cannot be read: its failure says where, and nothing of what it said."""

import re

import pytest
from django.conf import LazySettings

from chatdebug.models import ChatStep
from chatdebug.writer import close_writer
from tests.chatd.turns.site import answer, let_no_clock_decide, new_chat, run_on_site
from tests.optional import present

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]

PLACE = re.compile(
    r"Event \d+ of the stream is not valid JSON, from its character \d+ on\."
)


@pytest.mark.parametrize("provider", ["demo", "demo_anthropic"])
def test_of_a_stream_that_cannot_be_read_its_place_is_kept(
    provider: str, settings: LazySettings
) -> None:
    let_no_clock_decide(settings)
    chat = new_chat("fault-badjson", provider=provider)

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    close_writer(timeout=20)
    steps = ChatStep.objects.filter(chat_id=str(chat.pk))
    errors = [present(step.error) for step in steps]
    assert errors
    for error in errors:
        assert any(PLACE.fullmatch(link["message"]) for link in error["chain"]), error

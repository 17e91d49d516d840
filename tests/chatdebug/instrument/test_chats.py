"""``set_chat``: which chat a call belongs to that is made in no run."""

import asyncio
from contextvars import copy_context

import pytest
from django.core.signals import request_started

from chatdebug import set_chat
from chatdebug.instrument.chats import current_chat


def ids() -> tuple[str, str] | None:
    chat = current_chat()
    return None if chat is None else (chat.chat_id, chat.owner_id)


def in_a_context_of_its_own(body):
    return copy_context().run(body)


def test_it_holds_until_its_block_ends():
    with set_chat(12, 7):
        assert ids() == ("12", "7")
        with set_chat("inner"):
            assert ids() == ("inner", "")
        assert ids() == ("12", "7")
    assert ids() is None


@pytest.mark.django_db  # the signal looks after old connections
def test_without_a_block_it_holds_until_the_next_request_is_served_here():
    def body():
        set_chat("first", 7)
        set_chat("second", 7)
        assert ids() == ("second", "7")
        request_started.send(sender=None)
        return ids()

    assert in_a_context_of_its_own(body) is None


@pytest.mark.django_db
def test_a_block_around_a_request_is_not_ended_by_it():
    """As in a test that asks the site through Django's client."""
    with set_chat("around"):
        request_started.send(sender=None)
        assert ids() == ("around", "")


def test_a_task_has_the_chat_of_whoever_started_it_and_keeps_its_own_to_itself():
    async def inner():
        before = ids()
        set_chat("inner")
        return before, ids()

    async def body():
        with set_chat("outer"):
            found = await asyncio.create_task(inner())
            return found, ids()

    assert asyncio.run(body()) == ((("outer", ""), ("inner", "")), ("outer", ""))


def chat_of(chat):
    return set_chat(chat)


@pytest.mark.parametrize("block", [set_chat, chat_of])
def test_a_generator_that_sets_it_does_so_for_itself(block):
    def parts():
        with block("inside"):
            yield ids()
            yield ids()

    found = parts()
    assert next(found) == ("inside", "")
    assert ids() is None
    assert next(found) == ("inside", "")
    found.close()
    assert ids() is None


def test_a_generator_that_was_begun_before_a_block_has_its_own_chat_inside_of_that():
    def parts():
        with set_chat("ada's"):
            yield ids()
            yield ids()

    found = parts()
    next(found)
    with set_chat("eve's"):
        assert list(found) == [("ada's", "")]
        assert ids() == ("eve's", "")
    assert ids() is None

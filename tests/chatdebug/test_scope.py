"""Values that hold inside their blocks, and what contexts keep of them afterwards."""

import contextvars

from django.core.signals import request_started

import chatdebug
from chatdebug.instrument.chats import current_chat
from chatdebug.scope import Scoped


def test_a_context_does_not_collect_the_blocks_that_are_over() -> None:
    words: Scoped[str] = Scoped("words")
    outer = words.enter("outer")
    for number in range(10):
        inner = words.enter(str(number))
        assert words.get() == str(number)
        assert inner.outer is outer
        inner.end()
    assert words.get() == "outer"
    assert words.innermost() is outer
    outer.end()
    assert words.get() is None
    assert words.innermost() is None


def test_a_block_that_is_ended_before_its_inner_one_leaves_that_as_it_is() -> None:
    words: Scoped[str] = Scoped("words")
    outer, inner = words.enter("outer"), words.enter("inner")
    outer.end()
    assert words.get() == "inner"
    inner.end()
    assert words.get() is None


def test_a_block_ends_in_every_context_it_was_copied_to() -> None:
    words: Scoped[str] = Scoped("words")
    outer, inner = words.enter("outer"), words.enter("inner")
    copied = contextvars.copy_context()
    copied.run(inner.end)
    assert (words.get(), copied.run(words.get)) == ("outer", "outer")
    outer.end()


def test_a_block_that_is_left_holds_for_what_was_started_inside() -> None:
    words: Scoped[str] = Scoped("words")
    block = words.enter("word")
    started_inside = contextvars.copy_context()
    words.leave(block)
    assert words.get() is None
    assert started_inside.run(words.get) == "word"


def test_the_next_request_forgets_a_chat_under_a_block_that_is_over() -> None:
    chatdebug.set_chat("of the request")
    with chatdebug.set_chat("of a block"):
        pass
    chat = current_chat()
    assert chat is not None
    assert chat.chat_id == "of the request"
    request_started.send(sender=None)
    assert current_chat() is None


def test_the_next_request_leaves_a_block_that_it_is_made_in() -> None:
    with chatdebug.set_chat("of a block"):
        chatdebug.set_chat("of the request")
        request_started.send(sender=None)
        chat = current_chat()
        assert chat is not None
        assert chat.chat_id == "of a block"

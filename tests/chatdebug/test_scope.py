"""Values that hold inside their blocks, and what contexts keep of them afterwards."""

import contextvars
from collections.abc import Generator, Iterator

import pytest
from django.core.signals import request_started

import chatdebug
from chatdebug.instrument.chats import current_chat
from chatdebug.scope import Scoped


def test_a_context_does_not_collect_the_blocks_that_are_over() -> None:
    words: Scoped[str] = Scoped("words")
    outer = words.enter("outer", depth=1)
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


@pytest.mark.django_db
def test_the_next_request_forgets_a_chat_under_a_block_that_is_over() -> None:
    chatdebug.set_chat("of the request")
    with chatdebug.set_chat("of a block"):
        pass
    chat = current_chat()
    assert chat is not None
    assert chat.chat_id == "of the request"
    request_started.send(sender=None)
    assert current_chat() is None


@pytest.mark.django_db
def test_the_next_request_leaves_a_block_that_it_is_made_in() -> None:
    with chatdebug.set_chat("of a block"):
        chatdebug.set_chat("of the request")
        request_started.send(sender=None)
        chat = current_chat()
        assert chat is not None
        assert chat.chat_id == "of a block"


@pytest.mark.django_db  # the signal looks after old connections
def test_the_next_request_forgets_a_chat_under_a_generators_block_that_is_held() -> (
    None
):
    def parts() -> Generator[str]:
        with chatdebug.set_chat("of a block"):
            yield "first"
            chat = current_chat()
            assert chat is not None
            yield chat.chat_id

    chatdebug.set_chat("of the request")
    held = parts()
    next(held)
    request_started.send(sender=None)
    assert current_chat() is None
    assert next(held) == "of a block"
    held.close()


def reading(words: Scoped[str], word: str, count: int = 3) -> Iterator[str | None]:
    block = words.enter(word, depth=1)
    for _ in range(count):
        yield words.get()
    block.end()


def test_a_generator_that_goes_on_inside_of_a_later_block_is_in_its_own() -> None:
    words: Scoped[str] = Scoped("words")
    generator = reading(words, "of the generator")
    next(generator)
    block = words.enter("of the reader")
    assert next(generator) == "of the generator"
    assert words.get() == "of the reader"
    block.end()
    assert next(generator) == "of the generator"
    assert words.get() is None


def test_a_block_that_a_generator_begins_by_a_function_is_inside_of_its_own() -> None:
    words: Scoped[str] = Scoped("words")

    def asked() -> str | None:
        block = words.enter("of the function", depth=1)
        found = words.get()
        block.end()
        return found

    def parts() -> Iterator[tuple[str | None, str | None]]:
        block = words.enter("of the generator", depth=1)
        for _ in range(2):
            yield asked(), words.get()
        block.end()

    generator = parts()
    next(generator)
    block = words.enter("of the reader")
    assert list(generator) == [("of the function", "of the generator")]
    assert words.get() == "of the reader"
    block.end()


def test_of_generators_that_read_each_other_the_running_one_counts() -> None:
    words: Scoped[str] = Scoped("words")
    inner = reading(words, "inner")
    next(inner)

    def outer() -> Iterator[str | None]:
        block = words.enter("outer", depth=1)
        yield next(inner)
        yield words.get()
        block.end()

    assert list(outer()) == ["inner", "outer"]
    assert list(inner) == ["inner"]

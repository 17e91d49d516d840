"""The evidence of an exception: its chain, and where it came from."""

import sys
from pathlib import Path

from chatdebug.errors.payload import code_frames, exception_chain, short_path


def raised() -> Exception:
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error
    except ValueError as error:
        return error


def test_the_chain_names_each_cause_outermost_first() -> None:
    assert exception_chain(raised()) == [
        {"type": "ValueError", "message": "outer"},
        {"type": "KeyError", "message": "'inner'"},
    ]


def test_members_of_a_group_are_in_the_chain() -> None:
    group = ExceptionGroup("both", [ValueError("one"), TypeError("two")])
    assert [link["type"] for link in exception_chain(group)] == [
        "ExceptionGroup",
        "ValueError",
        "TypeError",
    ]


def test_a_suppressed_context_is_left_out() -> None:
    def reraised() -> Exception:
        try:
            try:
                raise KeyError("secret")
            except KeyError:
                raise ValueError("outer") from None
        except ValueError as error:
            return error

    assert len(exception_chain(reraised())) == 1


def test_messages_are_redacted_and_clipped() -> None:
    error = ValueError("key sk-proj-abcdefgh12345678 " + "x" * 100_000)
    (link,) = exception_chain(error)
    assert "abcdefgh" not in link["message"]
    assert len(link["message"]) <= 2_000


def test_a_long_or_circular_chain_ends() -> None:
    first = ValueError("0")
    link = first
    for number in range(1, 50):
        link.__cause__ = ValueError(str(number))
        link = link.__cause__
    link.__cause__ = first
    assert len(exception_chain(first)) == 20


def test_a_message_that_cannot_be_read_is_said_to_be_so() -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    (link,) = exception_chain(Hostile())
    assert link["message"] == "(the message could not be read)"


def test_frames_say_where_without_source_or_the_machines_folders() -> None:
    frames = code_frames(raised())
    last = frames[-1]
    assert last["file"].endswith("tests/chatdebug/errors/test_chain.py")
    assert not last["file"].startswith("/")
    assert last["function"] == "raised"
    assert last["line"] > 0
    assert all(set(frame) == {"file", "line", "function"} for frame in frames)


def test_a_program_that_a_library_installs_is_no_code_of_the_project() -> None:
    path = short_path(str(Path(sys.prefix, "bin", "celery")))
    assert path == "lib/python/bin/celery"


def test_an_error_that_was_never_raised_came_from_nowhere() -> None:
    assert code_frames(ValueError()) == []

"""What is kept of requests and answers in the JSON of OpenAI and Anthropic."""

from chatdebug.instrument.wire import wire_request


class Text(str):
    """A text of a host project's own, such as one that is marked as safe."""

    __slots__ = ()


class Unprintable:
    """What cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


def test_a_text_of_a_class_of_its_own_is_one_message() -> None:
    (message,) = wire_request({"input": Text("hello")})["messages"]
    assert message["parts"][0]["text"] == "hello"


def test_a_history_is_kept_whatever_one_of_its_messages_cannot_do() -> None:
    history = [{"role": "user", "content": "hello"}, Unprintable()]
    first, _ = wire_request({"messages": history})["messages"]
    assert first["parts"][0]["text"] == "hello"

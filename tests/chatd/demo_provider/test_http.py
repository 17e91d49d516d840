"""The demo provider's HTTP as bytes on a socket: what it takes, says and refuses."""

import asyncio
import json
import re

import pytest

from chatd.demo_provider import DemoProvider, Observer

PATH = "/openai/v1/chat/completions"
HOST = "Host: demo\r\n"


def call(model: str = "demo", *, stream: bool = False, headers: str = "") -> bytes:
    facts = {"model": model, "stream": stream}
    body = json.dumps({**facts, "messages": [{"role": "user", "content": "Hi"}]})
    head = f"POST {PATH} HTTP/1.1\r\n{HOST}Content-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body.encode()


def exchange(*requests: bytes, pause: bool = False) -> bytes:
    """Return all that is answered to these bytes, up to the end of the connection."""

    async def body() -> bytes:
        async with DemoProvider(word_delay=0) as provider:
            port = int(provider.openai_base_url.split(":")[2].split("/")[0])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answered = b""
            for request in requests:
                writer.write(request)
                if pause:
                    answered += await reader.readuntil(b"\r\n\r\n")
            answered += await reader.read()
            writer.close()
            return answered

    return asyncio.run(body())


def statuses(answered: bytes) -> list[str]:
    return re.findall(r"HTTP/1\.1 (\d{3}) ", answered.decode())


CLOSE = "Connection: close\r\n"
REFUSED = {
    "no HTTP": (b"hello\r\n\r\n", "400"),
    "a header without a name": (f"GET / HTTP/1.1\r\n{HOST}: x\r\n\r\n".encode(), "400"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", "400"),
    "another version": (f"GET / HTTP/2.0\r\n{HOST}\r\n".encode(), "505"),
    "another path": (f"GET /v1 HTTP/1.1\r\n{HOST}\r\n".encode(), "404"),
    "another method": (f"GET {PATH} HTTP/1.1\r\n{HOST}\r\n".encode(), "405"),
    "a length that is none": (
        f"POST {PATH} HTTP/1.1\r\n{HOST}Content-Length: x\r\n\r\n".encode(),
        "400",
    ),
    "a body that is too large": (
        f"POST {PATH} HTTP/1.1\r\n{HOST}Content-Length: 99999999\r\n\r\n".encode(),
        "413",
    ),
    "a body that is no call": (
        f"POST {PATH} HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\n[]".encode(),
        "400",
    ),
    "a head that is too large": (
        f"GET / HTTP/1.1\r\n{HOST}X: {'x' * 70_000}".encode(),
        "431",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_call_is_refused_and_the_connection_ends(name: str) -> None:
    request, status = REFUSED[name]
    answered = exchange(request)
    assert statuses(answered) == [status]
    head, _, body = answered.partition(b"\r\n\r\n")
    assert b"\r\nConnection: close" in head
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


def test_a_connection_serves_one_call_after_the_other_until_it_is_said_to_close() -> (
    None
):
    assert statuses(exchange(call(), call(headers=CLOSE), call())) == ["200", "200"]


def test_a_client_that_asks_whether_to_go_on_is_told_so() -> None:
    head, _, body = call(headers=f"{CLOSE}Expect: 100-continue\r\n").partition(
        b"\r\n\r\n"
    )
    answered = exchange(head + b"\r\n\r\n", body, pause=True)
    assert statuses(answered) == ["100", "200"]


def test_a_body_may_come_in_chunks() -> None:
    head, _, body = call(headers=CLOSE).partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert statuses(exchange(head + b"\r\n\r\n" + chunks)) == ["200"]


def test_a_stream_is_sent_in_chunks_one_for_each_event_and_ends_properly() -> None:
    answered = exchange(call(stream=True, headers=CLOSE))
    head, _, body = answered.partition(b"\r\n\r\n")
    assert b"\r\nTransfer-Encoding: chunked" in head
    assert b"\r\nServer: chatd-demo-provider" in head
    chunks = re.findall(rb"([0-9a-f]+)\r\n(data: [^\r]*)\r\n", body)
    assert [int(size, 16) for size, _ in chunks] == [len(data) for _, data in chunks]
    assert body.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("model", "ending"),
    [
        pytest.param("fault-eof", b"\n\n\r\n0\r\n\r\n", id="ends"),
        pytest.param("fault-500", b"}}", id="an error"),
    ],
)
def test_an_answer_that_breaks_off_has_a_whole_frame(model: str, ending: bytes) -> None:
    answered = exchange(call(model, stream=True, headers=CLOSE))
    assert b"[DONE]" not in answered
    assert answered.endswith(ending)


def test_a_cut_answer_ends_in_a_reset_without_the_last_chunk() -> None:
    with pytest.raises(ConnectionResetError):
        exchange(call("fault-cut", stream=True))


def test_a_client_that_leaves_is_noticed() -> None:
    async def body() -> None:
        observer = Observer()
        async with DemoProvider(observer=observer) as provider:
            port = int(provider.openai_base_url.split(":")[2].split("/")[0])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(call("fault-hang", stream=True))
            seen = await observer.wait_for("fault-hang")
            writer.close()
            async with asyncio.timeout(10):
                await seen.ended.wait()
            assert seen.disconnected.is_set()

    asyncio.run(body())

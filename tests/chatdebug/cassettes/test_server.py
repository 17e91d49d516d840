"""The server of a cassette, as clients see it at the socket."""

import httpx2
import pytest

from chatdebug.cassettes.cassette import Answer, End, Piece, When
from chatdebug.cassettes.server import served
from tests.chatdebug.cassettes.cassettes import JSON, REFUSED, cassette

PATH = "/v1/chat/completions"


def post(base_url: str, path: str = PATH, timeout: float = 60) -> httpx2.Response:
    with httpx2.Client(timeout=timeout) as client:
        return client.post(f"{base_url}{path}", json={"model": "m"})


def test_status_headers_and_bytes_are_those_of_the_answer() -> None:
    piece = Piece(b"data: 1\n\n", When.AFTER_A_PAUSE, times=3)
    sent = Answer(status=207, headers={"x-odd": "ye\u017e\r\nx: y"}, body=(piece,))
    with served(cassette(sent)) as server:
        got = post(server.base_url)
    assert (got.status_code, got.content) == (207, b"data: 1\n\n" * 3)
    assert (got.headers["x-odd"], "x" in got.headers) == ("ye? x: y", False)


def test_each_request_has_its_answer_and_the_last_one_answers_the_rest() -> None:
    with served(cassette(REFUSED, Answer(status=200))) as server:
        statuses = [post(server.base_url).status_code for _ in range(3)]
        assert (statuses, server.requests.known) == ([400, 200, 200], 3)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(status=None, end=End.RESET), id="reset at once"),
        pytest.param(
            Answer(status=200, body=(Piece(b"a"),), end=End.RESET), id="reset later"
        ),
        pytest.param(Answer(status=None, end=End.CUT), id="closed at once"),
        pytest.param(
            Answer(status=200, body=(Piece(b"a"),), end=End.CUT), id="no last chunk"
        ),
        pytest.param(
            Answer(
                status=200,
                headers={"content-length": "9"},
                body=(Piece(b"a"),),
                end=End.CUT,
            ),
            id="shorter than announced",
        ),
    ],
)
def test_an_answer_may_break(answer: Answer) -> None:
    with (
        served(cassette(answer)) as server,
        pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)),
    ):
        post(server.base_url)


def test_an_answer_may_never_end_and_the_server_does() -> None:
    stalled = Answer(status=200, headers=JSON, body=(Piece(b"{"),), end=End.NEVER)
    with (
        served(cassette(stalled)) as server,
        httpx2.Client(timeout=60) as client,
        client.stream("POST", f"{server.base_url}{PATH}") as response,
    ):
        received = response.iter_raw()
        assert next(received) == b"{"
        server.stop()
        assert b"".join(received) == b""


def test_what_the_cassette_does_not_know_is_refused_and_told() -> None:
    with served(cassette()) as server:
        assert post(server.base_url, "/v1/models").status_code == 404
        with httpx2.Client() as client:
            assert client.get(f"{server.base_url}{PATH}").status_code == 404
        assert server.requests.unknown == ["POST /v1/models", f"GET {PATH}"]
        assert server.requests.known == 0

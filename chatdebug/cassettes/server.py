"""A server on the loopback that answers as a cassette says, to the byte.

Below HTTP: an answer may be cut, broken off, or never end, which no library for servers
would send.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event, Lock, Thread

from chatdebug.cassettes.cassette import Answer, Cassette, End, When

PAUSE_SECONDS = 0.1
"""How long a pause lasts in a test, however long it was."""
HEAD_BYTES = 1024 * 1024
NO_SUCH_REQUEST = (
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing the connection breaks it."""
REASONS = {status.value: status.phrase for status in HTTPStatus}
"""Some clients print them in their errors."""
OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding"})


@dataclass(slots=True)
class Requests:
    """What a server was asked: how often for what it has, and what else."""

    known: int = 0
    unknown: list[str] = field(default_factory=list)
    """Method and path of each request that the cassette does not know."""


class CassetteServer:
    """Plays one cassette, on a port of its own. Each connection has a thread."""

    def __init__(self, cassette: Cassette) -> None:
        self.requests = Requests()
        self._cassette = cassette
        self._lock = Lock()
        self._is_over = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads = [Thread(target=self._accept, name="chatdebug-cassette")]

    @property
    def base_url(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Begin to answer."""
        self._threads[0].start()

    def stop(self) -> None:
        """End all connections, also those that would never end, and their threads."""
        self._is_over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_over.is_set():
                    connection.close()
                    return
                self._connections.append(connection)
                thread = Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            asked = _read_request(connection)
            if not asked:
                return
            answer = self._answer_to(asked)
            if answer is None:
                connection.sendall(NO_SUCH_REQUEST)
            else:
                self._send(connection, answer)

    def _answer_to(self, asked: str) -> Answer | None:
        """Return the answer to a request, given as its method and path, or None."""
        method, _, path = asked.partition(" ")
        is_known = method == "POST" and path.partition("?")[0].endswith(
            self._cassette.path
        )
        with self._lock:
            if not is_known:
                self.requests.unknown.append(asked)
                return None
            answers = self._cassette.answers
            answer = answers[min(self.requests.known, len(answers) - 1)]
            self.requests.known += 1
            return answer

    def _send(self, connection: socket.socket, answer: Answer) -> None:
        self._wait(connection, answer.when)
        is_chunked = answer.end is End.CUT and "content-length" not in answer.headers
        if answer.status is not None:
            lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Played')}"]
            lines += [
                f"{name}: {_on_one_line(value)}"
                for name, value in answer.headers.items()
                if name.lower() not in OF_THE_CONNECTION
            ]
            lines.append(
                "transfer-encoding: chunked" if is_chunked else "connection: close"
            )
            connection.sendall(
                "\r\n".join([*lines, "", ""]).encode("latin-1", errors="replace")
            )
        for piece in answer.body:
            self._wait(connection, piece.when)
            for _ in range(piece.times):
                data = piece.data
                if is_chunked and data:
                    data = b"%x\r\n%b\r\n" % (len(data), data)
                connection.sendall(data)
        match answer.end:
            case End.NEVER:
                self._wait(connection, When.NEVER)
            case End.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def _wait(self, connection: socket.socket, when: When) -> None:
        if when is When.AFTER_A_PAUSE:
            self._is_over.wait(PAUSE_SECONDS)
        elif when is When.NEVER:
            while connection.recv(HEAD_BYTES):
                pass  # until the client gives up, or the test is over


@contextmanager
def served(cassette: Cassette) -> Iterator[CassetteServer]:
    """Let a server play a cassette inside the block."""
    server = CassetteServer(cassette)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _read_request(connection: socket.socket) -> str:
    """Read a request to its end; return its method and path, or nothing for none."""
    with connection.makefile("rb") as stream:
        method, path, _ = [*stream.readline(HEAD_BYTES).split(b" ", 2), b"", b""][:3]
        length = 0
        while line := stream.readline(HEAD_BYTES).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        stream.read(length)
    return f"{method.decode('latin-1')} {path.decode('latin-1')}".strip()


def _on_one_line(value: str) -> str:
    return " ".join(value.split())

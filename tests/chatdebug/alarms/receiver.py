"""A web server that takes what a webhook sends, as somebody's own would."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, NamedTuple


class Received(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Keeps requests, and answers them as it is told to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Received] = []
        self.status = 204
        self.location = ""
        self.trickle: bytes | None = None
        """What is sent again and again in place of an answer."""
        self.let_go = Event()
        """Set at first; whoever clears it lets requests wait."""
        self.let_go.set()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve on loopback; every request that waits is let go at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook?from=chat")
    server.RequestHandlerClass = _handler(receiver)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(receiver: Receiver) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(Received(self.path, dict(self.headers), body))
            receiver.let_go.wait(60)
            if receiver.trickle is not None:
                self._trickle(receiver.trickle)
                return
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.end_headers()

        def _trickle(self, part: bytes) -> None:
            try:
                while True:
                    self.wfile.write(part)
                    self.wfile.flush()
            except OSError:
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            """Keep quiet."""

    return Handler

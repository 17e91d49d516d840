"""A small HTTP server that fails in known ways, for real clients to fail at."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

QUOTA = {
    "error": {
        "message": "You exceeded your current quota, please check your plan.",
        "type": "insufficient_quota",
        "code": "insufficient_quota",
    }
}
CONTEXT = {
    "error": {
        "message": "This model's maximum context length is 8 tokens.",
        "code": "context_length_exceeded",
    }
}
ODD = {"error": {"message": "The flux is inverted.", "code": "flux_inverted"}}
PAGE = b"<!DOCTYPE html><html><title>Just a moment...</title></html>"
JSON, HTML = "application/json", "text/html; charset=utf-8"
ANSWERS = {
    "quota": (429, json.dumps(QUOTA).encode(), JSON),
    "context": (400, json.dumps(CONTEXT).encode(), JSON),
    "odd": (418, json.dumps(ODD).encode(), JSON),
    "challenge": (403, PAGE, HTML),
    "page": (200, PAGE, HTML),
    "null": (200, b"null", JSON),
    "broken": (200, b'{"id": "c1", "choices": [{"ind', JSON),
    "empty": (200, b"", JSON),
    "unreadable": (200, b'{"id": "\xff\xfe\xfa"}', JSON),
}


def response_events(status: str) -> bytes:
    """Return a streamed answer of OpenAI's Responses that ends with this status."""
    error = {"code": "flux_inverted", "message": "The flux is inverted."}
    response: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "model": "demo",
        "status": status,
        "error": error if status == "failed" else None,
        "output": [],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    }
    events: list[dict[str, Any]] = [
        {"type": "response.output_text.delta", "delta": "Hello"},
        {"type": f"response.{status}", "response": response},
    ]
    lines = (f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
    return "".join(lines).encode()


def events_with_null(path: str) -> bytes:
    """Return the beginning of a stream, after which an event is the word null."""
    if path.endswith("/messages"):
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "m", "type": "message", "role": "assistant", "model": "demo"}
        first = {
            "type": "message_start",
            "message": {**message, "content": [], "usage": usage},
        }
        return (
            f"event: message_start\ndata: {json.dumps(first)}\n\n"
            "event: content_block_delta\ndata: null\n\n"
        ).encode()
    choice = {"index": 0, "delta": {"role": "assistant", "content": "Hello"}}
    facts = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "demo",
    }
    chunk = {**facts, "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\ndata: null\n\n".encode()


def events_of(name: str, path: str) -> bytes:
    """Return a streamed answer by its name."""
    if name == "null-event":
        return events_with_null(path)
    return response_events("completed" if name == "responses" else "failed")


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Fail in the way that the path names."""
        # A client that takes this server for a proxy sends a whole URL.
        name = urlsplit(self.path).path.strip("/").partition("/")[0]
        if length := int(self.headers.get("content-length") or 0):
            self.rfile.read(length)
        match name:
            case "echo":
                said = {"error": {"message": self.said_again(), "code": "flux"}}
                self.answer(418, json.dumps(said).encode())
            case "loop":
                self.answer(302, b"", location=self.path)
            case "garbled":
                self.answer(200, b"this is no gzip", encoding="gzip")
            case "responses" | "responses-failed" | "null-event":
                self.answer(200, events_of(name, self.path), "text/event-stream")
            case _ if name in ANSWERS:
                self.answer(*ANSWERS[name])
            case "cut":
                self.answer(200, b"short", length=500)
                self.close_connection = True

    do_POST = do_GET

    def answer(
        self,
        status: int,
        body: bytes,
        kind: str = JSON,
        *,
        length: int | None = None,
        location: str = "",
        encoding: str = "",
    ) -> None:
        """Send a response."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(body)))
        self.send_header("X-Request-Id", "req_77")
        if location:
            self.send_header("Location", location)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body)

    def said_again(self) -> str:
        """Return the credentials of the request without any word that tells what they are."""
        headers = ("authorization", "x-api-key", "cookie", "x-team-secret")
        sent = " and ".join(filter(None, map(self.headers.get, headers)))
        scheme, _, rest = sent.partition(" ")
        if scheme == "Basic":
            sent = f"{rest} that is {base64.b64decode(rest).decode()}"
        elif scheme == "Bearer":
            sent = rest
        query = urlsplit(self.path).query.partition("=")[2]
        return f"flux failed for client {sent} {query} today"

    def version_string(self) -> str:
        """Name this server."""
        return "flaky/1.0"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Ends with the test, whoever still holds a connection open."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that left."""


@contextmanager
def failing_server() -> Iterator[str]:
    """Run the server; its address without a slash at the end."""
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

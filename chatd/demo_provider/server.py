"""The server: which path speaks which protocol, and the life of the listening socket."""

import asyncio
import contextlib
import logging
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from chatd.demo_provider import anthropic, openai
from chatd.demo_provider.behaviours import Fail, only
from chatd.demo_provider.http import Connection, HttpError, Request
from chatd.demo_provider.models import DEMO_MODELS
from chatd.demo_provider.observer import Observer, SeenRequest
from chatd.demo_provider.playing import JSON, Exchange, Pace, play
from chatd.demo_provider.wire import Call, Fault, Wire, api_key, dump, parse_call

logger = logging.getLogger("chatd.demo_provider")

MODEL_LIST = "/openai/v1/models"
CALL_PATHS: Mapping[str, Wire] = {
    "/openai/v1/chat/completions": openai,
    "/anthropic/v1/messages": anthropic,
}
CONVERSATIONS_KEPT = 1000

_BEHAVIOURS = {model.name: model.behaviour for model in DEMO_MODELS}
_UNKNOWN_MODEL = only(Fail(Fault.UNKNOWN_MODEL))


class DemoProvider:
    """A provider of models that are none, for the event loop in which it is started.

    ``word_delay`` and ``slow_delay`` are seconds: between words, and before the first
    word of ``demo-slow``. Any key is accepted, also none. Without an ``observer``
    nothing that clients send is kept.
    """

    def __init__(
        self,
        *,
        word_delay: float = 0.04,
        slow_delay: float = 5.0,
        observer: Observer | None = None,
    ) -> None:
        self._pace = Pace(word_delay=word_delay, slow_delay=slow_delay)
        self._observer = observer
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._refused: OrderedDict[int, None] = OrderedDict()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError if that is not possible."""
        if self._server is not None:
            raise RuntimeError("The demo provider has been started already.")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._serve, self._connections), host, port
        )

    async def stop(self) -> None:
        """Stop listening and end all connections at once; harmless when not started."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        tasks = [connection.abort() for connection in list(self._connections)]
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def openai_base_url(self) -> str:
        """The base URL for a client of OpenAI's protocol."""
        return f"{self._address}/openai/v1"

    @property
    def anthropic_base_url(self) -> str:
        """The base URL for a client of Anthropic's protocol, which adds ``/v1``."""
        return f"{self._address}/anthropic"

    @property
    def _address(self) -> str:
        if self._server is None:
            raise RuntimeError("The demo provider has not been started.")
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def _serve(self, connection: Connection) -> None:
        """Answer one request after the other; one that is refused is the last one."""
        request = None
        try:
            while (request := await connection.read_head()) is not None:
                await self._respond(connection, request)
        except HttpError as error:
            path = request.path if request else ""
            wire: Wire = anthropic if path.startswith("/anthropic/") else openai
            request_id = _new_request_id()
            headers = JSON | error.headers | {"Connection": "close"}
            headers[wire.REQUEST_ID_HEADER] = request_id
            refusal = wire.refusal(error.status, error.message)
            with contextlib.suppress(ConnectionError):
                body = dump(wire.error(refusal, request_id))
                await connection.send(error.status, headers, body)
                await connection.linger()
        except ConnectionError:
            pass  # The client left; there is nobody to tell.
        except Exception:
            logger.exception("The demo provider could not answer a request")

    async def _respond(self, connection: Connection, request: Request) -> None:
        """Answer one request. Raises HttpError if it is none that is served here."""
        wire = CALL_PATHS.get(request.path)
        if wire is None and request.path != MODEL_LIST:
            raise HttpError(404, f"There is nothing at {request.path}.")
        method = "POST" if wire else "GET"
        if request.method != method:
            raise HttpError(405, f"Only {method} is possible here.", allow=method)
        body = await connection.read_body(request)
        if wire is None:
            listing = dump(openai.model_list(_BEHAVIOURS))
            headers = JSON | {openai.REQUEST_ID_HEADER: _new_request_id()}
            await connection.send(200, headers, listing)
            return
        try:
            call = parse_call(body, api_key=api_key(request.headers))
        except ValueError as error:
            raise HttpError(400, str(error)) from error
        await self._answer(connection, request, wire, call)

    async def _answer(
        self, connection: Connection, request: Request, wire: Wire, call: Call
    ) -> None:
        # Forgotten with the second attempt: asked once more, say by a regenerated answer,
        # a conversation begins anew, so that the failure can be seen again.
        if call.conversation in self._refused:
            del self._refused[call.conversation]
            call = replace(call, is_retry=True)
        else:
            self._refused[call.conversation] = None
            if len(self._refused) > CONVERSATIONS_KEPT:
                self._refused.popitem(last=False)
        exchange = Exchange(
            connection=connection, wire=wire, call=call, request_id=_new_request_id()
        )
        seen = SeenRequest(request.path, request.headers, call.body)
        if self._observer is not None:
            self._observer.add(seen)
        try:
            behaviour = _BEHAVIOURS.get(call.model, _UNKNOWN_MODEL)
            await play(behaviour(call), exchange, self._pace)
        finally:
            seen.end(disconnected=connection.client_left)


def _new_request_id() -> str:
    return f"req_{uuid.uuid4().hex}"

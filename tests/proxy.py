"""A TCP proxy in front of a server, which can swallow all that is said."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

BYTES = 64 * 1024


class Proxy:
    """A port whose connections lead to another one, unless ``swallow`` is set.

    Then connections are still taken, and nothing that either side says arrives: as with a
    firewall that drops what it is sent, nobody is told that the other one is gone.
    """

    def __init__(self, server: tuple[str, int], *, host: str = "127.0.0.1") -> None:
        self.swallows = Event()
        self._server = server
        self._listener = socket.create_server((host, 0))
        self._sockets: list[socket.socket] = []
        self._lock = Lock()
        self._thread = Thread(target=self._accept)

    @property
    def port(self) -> int:
        """The port to connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    @contextmanager
    def swallow(self) -> Iterator[None]:
        """Swallow all that is said inside the block; its connections are cut after it."""
        self.swallows.set()
        try:
            yield
        finally:
            self._cut()
            self.swallows.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._cut()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client = self._listener.accept()[0]
                with self._lock:
                    self._sockets.append(client)
                if not self.swallows.is_set():
                    self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server)
        except OSError:
            client.close()
            return
        with self._lock:
            self._sockets.append(server)
        for source, target in ((client, server), (server, client)):
            Thread(target=self._pump, args=(source, target)).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # one that is killed with unread data resets it
            while data := source.recv(BYTES):
                if not self.swallows.is_set():
                    target.sendall(data)
        with suppress(OSError):  # cut
            target.shutdown(socket.SHUT_WR)

    def _cut(self) -> None:
        with self._lock:
            cut, self._sockets = self._sockets, []
        for one in cut:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

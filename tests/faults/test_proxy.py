"""The proxy tells each side when the other one is gone, as a network does."""

import socket
import struct

from tests.proxy import Proxy
from tests.waiting import WAIT

RESET = struct.pack("ii", 1, 0)
"""``SO_LINGER`` for a socket that is closed as that of a killed process with unread data."""


def test_a_server_hears_that_its_client_was_killed() -> None:
    # Else a database would keep the locks of a process that is gone, and those of the
    # next process would wait for them for ever.
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Proxy(listener.getsockname()) as proxy,
    ):
        client = socket.create_connection(("127.0.0.1", proxy.port), timeout=WAIT)
        server = listener.accept()[0]
        with server:
            server.settimeout(WAIT)
            client.sendall(b"BEGIN")
            assert server.recv(5) == b"BEGIN"
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
            assert server.recv(1) == b""

"""A TLS front before PostgreSQL: the server of the tests is built without TLS."""

import socket
import ssl
import struct
from pathlib import Path
from select import select

from tests.faults.socket_front import SocketFront

SSL_REQUEST = struct.pack("!II", 8, 80877103)  # "SSLRequest" of PostgreSQL's protocol


class TlsFront(SocketFront):
    """Ends TLS and passes on; without a context it answers as a server that has no TLS."""

    def __init__(self, server: Path, context: ssl.SSLContext | None) -> None:
        super().__init__(server)
        self.encrypted = 0  # connections that came through TLS
        self.plain = 0  # connections that went on, or would have, without
        self._context = context

    def converse(self, client: socket.socket) -> None:
        """Passes on what comes through TLS, until one side ends."""
        if client.recv(8, socket.MSG_PEEK | socket.MSG_WAITALL) != SSL_REQUEST:
            self.plain += 1
            return
        client.recv(8)
        if self._context is None:
            client.sendall(b"N")
            self.plain += bool(client.recv(1))
            return
        client.sendall(b"S")
        with self._context.wrap_socket(client, server_side=True) as encrypted:
            self.encrypted += 1
            with self.connect() as server:
                _pass_on(encrypted, server)


def _pass_on(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Passes on what comes, until one side ends."""
    while True:
        readable = [client] if client.pending() else select([client, server], [], [])[0]
        for source in readable:
            data = source.recv(65536)
            if not data:
                return
            (server if source is client else client).sendall(data)

"""A TLS front before PostgreSQL: the server of the tests is built without TLS."""

import socket
import ssl
import struct
from pathlib import Path
from select import select
from threading import Thread
from types import TracebackType

SSL_REQUEST = struct.pack("!II", 8, 80877103)  # "SSLRequest" of PostgreSQL's protocol


class TlsFront:
    """Listens on loopback, ends TLS and passes on to a server's socket.

    Without a context it answers as a server that has no TLS.
    """

    def __init__(self, server: Path, context: ssl.SSLContext | None) -> None:
        self.encrypted = 0  # connections that came through TLS
        self.plain = 0  # connections that went on, or would have, without
        self._server = server
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept)

    def __enter__(self) -> "TlsFront":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._pass_on, args=[client], daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
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
                    server.connect(str(self._server))
                    _converse(encrypted, server)
            except OSError:
                return


def _converse(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Passes on what comes, until one side ends."""
    while True:
        readable = [client] if client.pending() else select([client, server], [], [])[0]
        for source in readable:
            data = source.recv(65536)
            if not data:
                return
            (server if source is client else client).sendall(data)

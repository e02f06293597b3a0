"""What stands on loopback before PostgreSQL's socket, and sees what is said."""

import socket
from abc import ABC, abstractmethod
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self


class SocketFront(ABC):
    """Listens on loopback, and has each connection passed on to a server's socket."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept)

    def __enter__(self) -> Self:
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

    @abstractmethod
    def converse(self, client: socket.socket) -> None:
        """Speaks with a client until the connection ends; an OSError ends it too."""

    def connect(self) -> socket.socket:
        """A connection to the server."""
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._server))
        return server

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                self.converse(client)
            except OSError:
                return

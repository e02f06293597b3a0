"""A TCP proxy before PostgreSQL that cuts or stalls a connection at a place in the conversation."""

import enum
import socket
from collections import deque
from pathlib import Path
from select import select
from threading import Thread
from types import TracebackType

COMMIT = b"COMMIT"
INSERT = b"INSERT INTO"
STALL_SECONDS = 10


class Fault(enum.Enum):
    """What happens to a connection when the client sends what the fault waits for."""

    CUT = "the server never sees it"
    CUT_BEHIND = "the server sees it, and that the client is gone"
    LOSE_ANSWER = "the server answers, and the client never sees it"
    STALL = "from here on nothing passes, and nobody is told"


class DatabaseProxy:
    """Listens on loopback and passes on to a server's socket; `arm` says what goes wrong next."""

    def __init__(self, server: Path) -> None:
        self.outwaited = False  # whether a client sat out a stall, instead of giving up
        self._server = server
        self._armed: deque[tuple[bytes, Fault]] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [Thread(target=self._accept)]

    def __enter__(self) -> "DatabaseProxy":
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()

    def arm(self, pattern: bytes, fault: Fault) -> None:
        """The fault happens once, the next time that a client sends the pattern."""
        self._armed.append((pattern, fault))

    def disarm(self) -> None:
        """What has not happened yet will not."""
        self._armed.clear()

    @property
    def armed(self) -> bool:
        """Whether a fault is still to come."""
        return bool(self._armed)

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
                server.connect(str(self._server))
                while self._step(client, server):
                    pass
            except OSError:
                return

    def _step(self, client: socket.socket, server: socket.socket) -> bool:
        """Passes on what has come; returns whether the connection goes on."""
        readable, _, _ = select([client, server], [], [])
        if server in readable:
            data = server.recv(65536)
            client.sendall(data)
            return bool(data)
        data = client.recv(65536)
        fault = self._next_fault(data)
        if fault is Fault.CUT:
            return False
        if fault is Fault.STALL:
            client.settimeout(STALL_SECONDS)
            try:
                while client.recv(65536):
                    pass
            except TimeoutError:
                self.outwaited = True
            return False
        server.sendall(data)
        if fault is Fault.LOSE_ANSWER:
            server.recv(65536)
        return bool(data) and fault is None

    def _next_fault(self, data: bytes) -> Fault | None:
        if self._armed and self._armed[0][0] in data:
            return self._armed.popleft()[1]
        return None

"""A TCP proxy before PostgreSQL that cuts or stalls a connection at a place in the conversation."""

import enum
import socket
from collections import deque
from pathlib import Path
from select import select

from tests.faults.socket_front import SocketFront

WRITE = b"SAVEPOINT narrowing"  # the statement that writes rows to their table
ROWS = b"PGCOPY"  # the rows themselves
QUARANTINE = b'INTO "quarantine"'
COMMIT = b"COMMIT"
STALL_SECONDS = 10


class Fault(enum.Enum):
    """What happens to a connection when the client sends what the fault waits for."""

    CUT = "the server never sees it"
    CUT_BEHIND = "the server sees it, and that the client is gone"
    LOSE_ANSWER = "the server answers, and the client never sees it"
    STALL = "from here on nothing passes, and nobody is told"


class DatabaseProxy(SocketFront):
    """Passes on what is said; `arm` says what goes wrong next."""

    def __init__(self, server: Path) -> None:
        super().__init__(server)
        self.outwaited = False  # whether a client sat out a stall, instead of giving up
        self._armed: deque[tuple[bytes, Fault]] = deque()

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

    def converse(self, client: socket.socket) -> None:
        """Passes on what comes, until one side ends or a fault ends both."""
        with self.connect() as server:
            self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        losing = False
        while True:
            readable, _, _ = select([client, server], [], [])
            source, target = (server, client) if server in readable else (client, server)
            data = source.recv(65536)
            if not data or (losing and source is server):
                return
            fault = self._next_fault(data) if source is client else None
            if fault is Fault.STALL:
                self._stall(client)
            if fault in (Fault.CUT, Fault.STALL):
                return
            target.sendall(data)
            if fault is Fault.CUT_BEHIND:
                return
            losing = losing or fault is Fault.LOSE_ANSWER

    def _stall(self, client: socket.socket) -> None:
        client.settimeout(STALL_SECONDS)
        try:
            while client.recv(65536):
                pass
        except TimeoutError:
            self.outwaited = True

    def _next_fault(self, data: bytes) -> Fault | None:
        if self._armed and self._armed[0][0] in data:
            return self._armed.popleft()[1]
        return None

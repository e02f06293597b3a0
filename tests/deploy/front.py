"""A front before the emulator that cuts some requests off, or answers them itself."""

import socket
import threading


class Front:
    """Passes connections on, but answers requests whose first line has `mark` in it, or cuts them.

    `answer` is all of an HTTP response; without one, the connection is closed while the request is
    still being sent.
    """

    def __init__(self, url: str, mark: bytes, answer: bytes | None = None) -> None:
        self._to = int(url.rpartition(":")[2])
        self._mark = mark
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests = 0

    def __enter__(self) -> "Front":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, socket.create_connection(("127.0.0.1", self._to)) as onward:
            threading.Thread(target=_copy, args=(onward, connection), daemon=True).start()
            while data := connection.recv(65536):
                if self._mark in data.partition(b"\r\n")[0]:
                    self.requests += 1
                    if self._answer is not None:
                        connection.sendall(self._answer)
                    connection.shutdown(socket.SHUT_RDWR)
                    return
                onward.sendall(data)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return  # the other direction has closed both

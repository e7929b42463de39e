"""One kept-alive HTTP connection of the load generator."""

import socket


class LoadError(Exception):
    """The server did not do what it must, or not what was asked."""


class Connection:
    """Writes a request, reads its answer, and asks its work for the next; `socket` is None once there is no more."""

    def __init__(self, port, work):
        self._port = port
        self._work = work
        self._buffer = b""
        self.socket = None

    def start(self):
        """False where there is no work at all."""
        return self._go_on(None)

    def read(self):
        """Takes what has come; returns how many answers that completed, none or one."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise LoadError(f"the server closed a connection in the middle of an answer: {self._buffer[:500]!r}")
        data = self._buffer + data if self._buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = data
            return 0
        head = data[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            raise LoadError(f"an answer without its length: {data[:500]!r}")
        line_end = head.find(b"\r\n", at + 2)
        length = int(head[at + 17 : line_end if line_end >= 0 else end])
        if len(data) < end + 4 + length:
            self._buffer = data
            return 0
        self._buffer = b""
        if head[9:12] != b"200":
            raise LoadError(f"the server answered {data[:2000].decode(errors='replace')}")
        if not head.startswith(b"http/1.1") or b"\r\nconnection: close" in head:
            self.socket = None  # moto's server keeps no connection; whoever drives this one closes the old socket.
        self._go_on(data[end + 4 :])
        return 1

    def _go_on(self, answer):
        try:
            request = self._work.send(answer)
        except StopIteration:
            self.socket = None
            return False
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self._port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A request is a few kilobytes, and goes into an empty buffer: it does not block.
        self.socket.sendall(request)
        return True

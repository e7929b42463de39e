"""A connection whose bytes the test writes and reads itself."""

import select
import socket
import time
from contextlib import contextmanager, suppress


class Connection:
    def __init__(self, endpoint, receive_buffer=None):
        host, port = endpoint.removeprefix("http://").rsplit(":", 1)
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(30)
        self._socket.connect((host, int(port)))
        self._received = b""

    def send(self, data):
        """Sends it; what a closed connection does not take is found out by reading."""
        with suppress(ConnectionError):
            self._socket.sendall(data if isinstance(data, bytes) else data.replace("\n", "\r\n").encode())
        return self

    def _until(self, complete):
        while not complete(self._received):
            data = self._socket.recv(65_536)
            assert data, f"the connection was closed after {self._received!r}"
            self._received += data

    def head(self):
        """The next answer's status and headers, their names in small letters."""
        self._until(lambda received: b"\r\n\r\n" in received)
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        return int(first.split()[1]), {
            name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
        }

    def answer(self):
        """The next answer's status, headers and body."""
        status, headers = self.head()
        length = int(headers.get("content-length", 0))
        self._until(lambda received: len(received) >= length)
        body, self._received = self._received[:length], self._received[length:]
        return status, headers, body

    @property
    def rest(self):
        """What came besides the answers that were read."""
        return self._received

    def is_closed(self, within=0.0):
        """Whether the server closes it, and sends nothing more before that."""
        end = time.monotonic() + within
        while True:
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                if time.monotonic() >= end:
                    return False
            except ConnectionError:
                return True
            else:
                if not data:
                    return True
                self._received += data
            finally:
                self._socket.settimeout(30)

    def flood(self, data):
        """Sends it again and again, until the server takes no more."""
        self._socket.setblocking(False)
        data = data.replace("\n", "\r\n").encode() * 100
        rest = b""
        while True:
            rest = rest or data
            if not select.select([], [self._socket], [], 1)[1]:
                break
            rest = rest[self._socket.send(rest) :]
        self._socket.settimeout(30)

    def drip_is_refused(self):
        """Reads a byte of what waits to be read, and finds out whether the server still has the connection."""
        try:
            self._socket.recv(1)
            self._socket.setblocking(False)
            self._socket.send(b"x")
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        finally:
            self._socket.settimeout(30)
        return False

    def close(self):
        self._socket.close()


@contextmanager
def connections(endpoint, count=1, **options):
    """So many of them, open at once."""
    opened = []
    try:
        for _ in range(count):
            opened.append(Connection(endpoint, **options))
        yield opened
    finally:
        for connection in opened:
            connection.close()

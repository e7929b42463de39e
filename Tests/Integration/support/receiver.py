"""A server that webhooks are posted to. It notes what comes, and answers as the test says."""

import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support import wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE="


@dataclass
class Delivery:
    """A request as it came."""

    path: str
    headers: Message
    body: bytes
    connection: int
    """Which connection it came on: its client's port."""
    at: float

    @property
    def key(self):
        return self.headers["Idempotency-Key"]

    @property
    def json(self):
        return json.loads(self.body)


class Answer:
    """A status with headers and a body. `delivery` calls it with the request's handler."""

    def __init__(self, status=200, body=b"", **headers):
        """Names of headers are written with underscores."""
        self.status = status
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __call__(self, handler):
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        if self.status not in (204, 304):
            handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        if self.status not in (204, 304):
            handler.wfile.write(self.body)


def reset(handler):
    """Ends the connection as a crash would, without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


class Receiver:
    def __init__(self, port=0, certificate=None):
        """A certificate is the path of a file with its key."""
        self.respond = lambda delivery: Answer()
        """Given a delivery, what answers it."""
        self.stopped = threading.Event()
        """Whoever answers slowly must look at it."""
        self._deliveries = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                delivery = Delivery(self.path, self.headers, body, self.client_address[1], time.time())
                with receiver._lock:
                    receiver._deliveries.append(delivery)
                try:
                    receiver.respond(delivery)(self)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass

        self._server = Server(("127.0.0.1", port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        scheme = "https" if certificate else "http"
        self.address = f"{scheme}://localhost:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def deliveries(self):
        with self._lock:
            return list(self._deliveries)

    def wait_for(self, count, deadline=120.0):
        wait_until(lambda: len(self.deliveries) >= count, f"{count} requests have come", deadline)
        return self.deliveries

    def drip(self, status):
        """Answers with a body of which one byte comes after the other, and that never ends."""

        def answer(handler):
            handler.send_response(status)
            handler.send_header("Content-Length", "1000000")
            handler.end_headers()
            while not self.stopped.wait(0.02):
                handler.wfile.write(b"x")

        return answer

    def hang(self, handler):
        """Never answers."""
        self.stopped.wait()

    def close(self):
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

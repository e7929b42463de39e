"""Stands between the worker and the queue, to make happen what a good queue does rarely."""

import http.client
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Proxy:
    """Forwards everything. A test may replace either hook at any time; `operation` is one of SQS's: ReceiveMessage."""

    def __init__(self, endpoint):
        self.on_request = lambda operation, body: None
        """Returns an HTTP status and a body (and headers) to answer with, a function that deals with the `Exchange`
        in its own way, or None to forward."""
        self.on_response = lambda operation, body: body
        """Returns the body to answer with."""
        self.closing = threading.Event()
        proxy, upstream = self, endpoint.removeprefix("http://")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                exchange = Exchange(self, upstream, body, proxy.closing)
                answer = proxy.on_request(exchange.operation, body)
                if callable(answer):
                    answer(exchange)
                elif answer is not None:
                    exchange.answer(*answer)
                else:
                    status, forwarded = exchange.forward()
                    exchange.answer(status, proxy.on_response(exchange.operation, forwarded))

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            # Whom it cannot take at once would try again only after a second.
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # A worker that is killed, or stops a long poll, leaves its connections.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class Exchange:
    """One request and what a fault makes of its answer."""

    def __init__(self, handler, upstream, body, closing):
        self.operation = handler.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.body = body
        self.path = handler.path
        self.headers = handler.headers
        self._handler = handler
        self._upstream = upstream
        self._closing = closing

    def forward(self, body=None):
        """Has the queue do it; returns the status and the body of its answer."""
        body = self.body if body is None else body
        left_out = ("expect", "content-length")
        headers = {name: value for name, value in self._handler.headers.items() if name.lower() not in left_out}
        connection = http.client.HTTPConnection(self._upstream, timeout=60)
        try:
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def answer(self, status, body, headers=None):
        self.begin(status, len(body), headers)
        self.write(body)

    def begin(self, status, length, headers=None):
        headers = headers or {}
        self._handler.send_response_only(status)
        self._handler.send_header("Date", headers.get("Date", self._handler.date_time_string()))
        self._handler.send_header("Content-Type", "application/x-amz-json-1.0")
        self._handler.send_header("Content-Length", str(length))
        for name, value in headers.items():
            if name != "Date":
                self._handler.send_header(name, value)
        self._handler.end_headers()

    def write(self, some):
        self._handler.wfile.write(some)

    def close(self):
        """Ends the connection as a server that is stopped does."""
        self._handler.close_connection = True

    def reset(self):
        """Ends the connection as a server or a middlebox that is gone does: with RST."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Not shut down, which is what socketserver does before it closes, and which says goodbye.
        self._handler.connection.close()
        self._handler.close_connection = True

    def pause(self, seconds):
        self._closing.wait(seconds)

    def wait_for_hangup(self):
        """Until the client gives up."""
        self._handler.connection.settimeout(0.1)
        while not self._closing.is_set():
            try:
                if not self._handler.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self._handler.close_connection = True

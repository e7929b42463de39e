"""Stands between the worker and the queue, to make happen what a good queue does rarely."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Proxy:
    """Forwards everything. A test may replace either hook at any time; `operation` is one of SQS's: ReceiveMessage."""

    def __init__(self, endpoint):
        self.on_request = lambda operation, body: None
        """Returns an HTTP status and a body to answer with, or None to forward."""
        self.on_response = lambda operation, body: body
        """Returns the body to answer with."""
        proxy, upstream = self, endpoint.removeprefix("http://")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
                answer = proxy.on_request(operation, body)
                if answer is None:
                    headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                    connection = http.client.HTTPConnection(upstream, timeout=60)
                    connection.request("POST", self.path, body, headers)
                    response = connection.getresponse()
                    answer = response.status, proxy.on_response(operation, response.read())
                    connection.close()
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # A worker that is killed, or stops a long poll, leaves its connections.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

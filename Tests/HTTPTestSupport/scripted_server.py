"""A real HTTP server that answers as it is told. It prints its port, and serves until its standard input ends.

POST /script adds answers: [{"status": 200, "headers": {}, "body": "", "act": "answer" | "hold" | "cut" | "truncate" | "leave" |
"line feeds" (between headers, and truncated) | "wait" (for a script to come)}].
Without a script left it answers 200 with the request's body. GET /next-request waits for the next request that came:
{"connection": n, "isSessionResumed": false, "method": "GET", "path": "/", "headers": {}, "body": ""}. As a proxy it answers itself, and refuses to CONNECT
unless a script says so. A certificate and a key as arguments make it speak TLS.
"""

import http.server
import json
import queue
import socket
import ssl
import sys
import threading

script = queue.Queue()
requests = queue.Queue()
connections = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/script":
            for answer in json.loads(body):
                script.put(answer)
            return self.answer({})
        if self.path == "/next-request":
            return self.answer({"body": json.dumps(requests.get())})
        # Before the request is known of: who waits for it may add a script for another.
        try:
            answer = script.get_nowait()
        except queue.Empty:
            answer = {"status": 502} if self.command == "CONNECT" else {"body": body.decode()}
        with lock:
            connection = connections.setdefault(self.client_address, len(connections) + 1)
        requests.put(
            {
                "connection": connection,
                "isSessionResumed": isinstance(self.connection, ssl.SSLSocket) and self.connection.session_reused,
                "method": self.command,
                "path": self.path,
                "headers": dict(self.headers),
                "body": body.decode(),
            }
        )
        self.answer(answer)

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_CONNECT = do_POST

    def answer(self, answer):
        act = answer.get("act", "answer")
        if act == "wait":
            return self.answer(script.get())
        if act == "hold":
            # Until the client goes away: then there is something to read, or an end.
            self.connection.recv(1)
            self.close_connection = True
            return
        if act == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        content = answer.get("body", "").encode()
        status = answer.get("status", 200)
        if act == "line feeds":
            self.wfile.write(f"HTTP/1.1 {status} Odd\nContent-Length: {len(content)}\n\n".encode())
            return self.truncate(content)
        self.send_response(status)
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD" or status in (204, 304):
            # The length of what another request would be answered: no body follows.
            content = b""
        if act == "truncate":
            return self.truncate(content)
        self.wfile.write(content)
        if act == "leave":
            # Without a word of it in the answer.
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def truncate(self, content):
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def send_response(self, code, message=None):
        # Without the server's own Date, which a script may set.
        self.send_response_only(code, message)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()

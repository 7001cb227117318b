"""Servers that do exactly what a test says."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional, Tuple


class RawServer:
    """Gives each connection to a function, on a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None], context: Optional[ssl.SSLContext] = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._serve = serve
        self._context = context
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._threads: List[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        # What a client does with its end of the connection is what the tests look at, not an error here.
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            connection.settimeout(30)
            self._serve(connection)
        except (OSError, EOFError):
            pass
        finally:
            connection.close()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *_: Any) -> None:
        # A thread that waits in accept() keeps the port open; shutdown wakes it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for thread in self._threads:
            thread.join(10)


def read_head(connection: socket.socket) -> Tuple[str, bytes]:
    """Request line and headers as text, and what has come of the body."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def answer(connection: socket.socket, body: bytes = b"{}", status: str = "200 OK", more: str = "") -> None:
    """Sends an answer."""
    connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)


class Operator:
    """An operator that answers what it is told, and keeps what it was asked."""

    def __init__(self, answers: Optional[Dict[str, Any]] = None) -> None:
        self.answers = answers or {}
        self.requests: List[Tuple[str, str, Dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b""
                    while True:
                        size = int(self.rfile.readline().split(b";")[0], 16)
                        body += self.rfile.read(size)
                        self.rfile.readline()
                        if size == 0:
                            break
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.requests.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body))
                given = outer.answers.get(f"{self.command} {self.path.split('?')[0]}", (404, "404 page not found\n"))
                if callable(given):
                    given = given(self.path)
                status, value = given if isinstance(given, tuple) else (200, given)
                data = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if isinstance(value, (str, bytes)) else "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = handle_any

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that leaves in the middle is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def asked(self) -> List[str]:
        """What was asked, as ``METHOD /path?query``."""
        return [f"{method} {path}" for method, path, _, _ in self.requests]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

"""A replica for the scaling benchmark: it works on each request for WORK seconds, and says in its log when it began and ended with it."""
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORK = float(os.environ.get("WORK", "0.1"))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        name = self.headers.get("X-Id", "-")
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        os.write(1, f"begin {name}\n".encode())
        time.sleep(WORK)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")
        self.wfile.flush()
        os.write(1, f"end {name}\n".encode())

    def log_message(self, format, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Server(("", int(os.environ["CORTEX_PORT"])), Handler).serve_forever()

"""What runs in the containers of the tests: one program for APIs of every kind."""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, "text/plain; charset=utf-8", f"{os.environ.get('GREETING', 'hello')} {self.path}".encode())

    def do_POST(self):
        if self.headers.get("Transfer-Encoding"):
            body = b""
            while True:
                size = int(self.rfile.readline(), 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    break
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/on-job-complete":
            self.answer(200, "text/plain", b"")
        elif b"fail" in body:
            self.answer(500, "text/plain", b"no such model")
        elif b"broken" in body:
            self.answer(200, "application/json", b"no JSON")
        else:
            if b"slow" in body:
                time.sleep(30)
            kind = self.headers.get("Content-Type", "")
            said = json.loads(body) if kind == "application/json" else len(body)
            print("got", json.dumps(said)[:100], flush=True)
            self.answer(200, "application/json", json.dumps({"said": said, "type": kind, "mine": self.headers.get("X-Mine")}).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    print("serving ü", flush=True)
    ThreadingHTTPServer(("", int(sys.argv[1]) if len(sys.argv) > 1 else 8080), Handler).serve_forever()

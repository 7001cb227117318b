"""The smallest API: it answers every request with one line of JSON."""
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open between requests
    wbufsize = -1  # one write per answer

    def do_GET(self):
        body = json.dumps({"message": os.environ.get("GREETING", "hello"), "path": self.path}).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        print(self.command, self.path, args[1])


# The first process of a container has to handle SIGTERM itself, or it is killed when the grace period is over.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", int(os.environ.get("CORTEX_PORT", "8080"))), Handler).serve_forever()

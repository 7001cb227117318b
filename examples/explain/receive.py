"""Takes one callback, checks that it comes from the API, prints it and ends. CALLBACK_KEY is what `cortex describe explain` shows."""
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["CALLBACK_KEY"].removeprefix("whsec_"))
PORT = int(os.environ.get("PORT", "8890"))
SECONDS = 60


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = self.headers["X-Cortex-Timestamp"].encode() + b"." + body
        wanted = "sha256=" + hmac.new(KEY, signed, hashlib.sha256).hexdigest()
        self.server.genuine = hmac.compare_digest(wanted, self.headers["X-Cortex-Signature"])
        self.send_response(204 if self.server.genuine else 403)
        self.end_headers()
        print(json.dumps(json.loads(body)) if self.server.genuine else "a callback with a wrong signature")

    def log_message(self, format, *args):
        pass


server = HTTPServer(("127.0.0.1", PORT), Receiver)
server.genuine = None
server.timeout = 1
end = time.monotonic() + SECONDS
while server.genuine is None and time.monotonic() < end:
    server.handle_request()
sys.exit(0 if server.genuine else f"no callback within {SECONDS} s" if server.genuine is None else 1)

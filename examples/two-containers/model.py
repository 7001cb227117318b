"""The container with the model. It knows nothing of clients: it is told a file in /mnt, reads it and says what it sees."""
import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import joblib
import numpy

PORT = 9000
model = joblib.load("model.joblib")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):  # the readiness probe of cortex.yaml
        self.answer({"ready": True})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pixels = numpy.load(request["file"])
        probabilities = model.predict_proba(pixels.reshape(1, -1))[0]
        best = int(probabilities.argmax())
        self.answer({"digit": int(model.classes_[best]), "probability": float(probabilities[best])})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        if self.command == "POST":
            print(self.command, self.path, args[1])


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
# On all addresses, as the readiness probe comes from outside the pod.
ThreadingHTTPServer(("", PORT), Handler).serve_forever()

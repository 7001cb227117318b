"""Serves the trained classifier: four lengths of a flower in, its species and the probability of each species out."""
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import joblib

FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
trained = joblib.load("model.joblib")


def predict(flower):
    probabilities = trained["model"].predict_proba([[float(flower[name]) for name in FEATURES]])[0]
    by_species = {name: round(float(p), 4) for name, p in zip(trained["species"], probabilities)}
    return {"species": max(by_species, key=by_species.get), "probabilities": by_species}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):  # the readiness probe of cortex.yaml
        self.answer(200, {"ready": True})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self.answer(200, predict(json.loads(body)))
        except (ValueError, KeyError, TypeError) as error:
            self.answer(400, {"error": f"send a JSON object with the numbers {', '.join(FEATURES)}: {error!r}"})

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        if self.command == "POST":
            print(self.command, self.path, args[1])


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", int(os.environ.get("CORTEX_PORT", "8080"))), Handler).serve_forever()

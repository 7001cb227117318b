"""
Says which cultivar a wine is from, and how much each of its thirteen measurements spoke for that: Shapley values, by
drawing random orders of the measurements. That takes a second or two, too long to keep a client waiting: hence an AsyncAPI.
"""
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import joblib
import numpy as np

trained = joblib.load("model.joblib")
model, features, cultivars, background = (trained[key] for key in ("model", "features", "cultivars", "background"))


def explain(wine, rounds):
    x = np.array([float(wine[name]) for name in features])
    probabilities = model.predict_proba([x])[0]
    best = int(probabilities.argmax())
    random = np.random.default_rng(1)
    effects = np.zeros(len(features))
    for _ in range(rounds):
        # From a random other wine to this one, one measurement after the other: what does each step change?
        order = random.permutation(len(features))
        path = np.tile(background[random.integers(len(background))], (len(features) + 1, 1))
        for step, feature in enumerate(order):
            path[step + 1:, feature] = x[feature]
        effects[order] += np.diff(model.predict_proba(path)[:, best])
    ranked = sorted(zip(features, effects / rounds), key=lambda pair: -abs(pair[1]))
    return {
        "cultivar": cultivars[best],
        "probability": round(float(probabilities[best]), 4),
        "because_of": {name: round(float(effect), 4) for name, effect in ranked[:5]},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            request = json.loads(body)
            self.answer(200, explain(request["wine"], min(1000, int(request.get("rounds", 100)))))
            print("explained", self.headers.get("X-Cortex-Request-ID"))
        except (ValueError, KeyError, TypeError) as error:
            self.answer(400, {"error": f"send {{\"wine\": {{...}}}} with the numbers {', '.join(features)}: {error!r}"})

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", int(os.environ.get("CORTEX_PORT", "8080"))), Handler).serve_forever()

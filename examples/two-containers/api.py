"""The container that clients reach. It turns a picture (PGM, 8 by 8) into numbers, has the model look, and answers."""
import json
import os
import signal
import sys
import tempfile
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy

MODEL = "http://localhost:9000"  # the containers of a pod share one network


def read_pgm(text):
    """Parses a plain-text PGM picture: P2, width, height, the value of white, then the grey values row by row."""
    words = [word for line in text.splitlines() for word in line.partition("#")[0].split()]
    if words[:3] != ["P2", "8", "8"]:
        raise ValueError("send a PGM picture of 8 by 8 pixels, as in sample.pgm")
    white, pixels = int(words[3]), [int(word) for word in words[4:]]
    if len(pixels) != 64 or white < 1 or not all(0 <= pixel <= white for pixel in pixels):
        raise ValueError(f"expected 64 grey values from 0 to {white}")
    return numpy.array(pixels, dtype=float) / white


def look(pixels):
    # The two containers also share /mnt, so a large input need not travel over HTTP a second time.
    with tempfile.NamedTemporaryFile(dir="/mnt", suffix=".npy") as file:
        numpy.save(file, pixels)
        file.flush()
        os.chmod(file.name, 0o644)
        request = urllib.request.Request(MODEL, json.dumps({"file": file.name}).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("ascii", "replace")
        try:
            seen = look(read_pgm(text))
        except ValueError as error:
            self.answer(400, {"error": str(error)})
        except OSError as error:
            self.answer(502, {"error": f"the model does not answer: {error}"})
        else:
            self.answer(200, {"digit": seen["digit"], "certainty": f"{seen['probability']:.0%}"})

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        print(self.command, self.path, args[1])


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", int(os.environ.get("CORTEX_PORT", "8080"))), Handler).serve_forever()

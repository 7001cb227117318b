"""Streams its answer word by word as server-sent events, as language models do. The model is a tiny one: it has counted
which word follows which in text.txt, and continues the prompt from there."""
import collections
import json
import os
import random
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

followers = collections.defaultdict(list)
with open("text.txt", encoding="utf-8") as text:
    for line in text:
        words = line.split()
        for word, follower in zip(words, words[1:]):
            followers[word].append(follower)


def continue_text(prompt, limit, seed):
    chance = random.Random(seed)
    words = prompt.lower().split()
    word = words[-1] if words else ""
    for _ in range(limit):
        word = chance.choice(followers.get(word) or list(followers))
        yield word


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        try:
            request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            prompt, limit, seed = str(request["prompt"]), min(int(request.get("max_tokens", 20)), 500), request.get("seed")
        except (ValueError, KeyError, TypeError) as error:
            body = json.dumps({"error": f'send a JSON object such as {{"prompt": "a replica"}}: {error!r}'}).encode() + b"\n"
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return

        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for token in continue_text(prompt, limit, seed):
                self.send_chunk(f"data: {json.dumps({'token': token})}\n\n")
                time.sleep(0.05)  # a model would be thinking here
            self.send_chunk("data: [DONE]\n\n")
            self.send_chunk("")
        except BrokenPipeError:
            self.close_connection = True  # the client left: stop thinking

    def send_chunk(self, text):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, format, *args):
        print(self.command, self.path, args[1])


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", int(os.environ.get("CORTEX_PORT", "8080"))), Handler).serve_forever()

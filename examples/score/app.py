"""
A worker of a batch job. It loads the model that a job of examples/train has left in storage, says of each picture of a batch
which digit it shows, and writes that to storage. One worker puts the results together after the last batch.
"""
import csv
import io
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import joblib

with open("/cortex/spec/job.json") as file:
    job = json.load(file)
config = job["config"]
storage = boto3.client("s3", endpoint_url=os.environ.get("S3_ENDPOINT"))


def split(url):
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def read(bucket, key):
    return storage.get_object(Bucket=bucket, Key=key)["Body"].read()


model = joblib.load(io.BytesIO(read(*split(config["model"]))))
bucket, folder = split(config["results"])
results = f"{folder}/{job['job_id']}"


def score(pictures):
    """One batch: an array of the job's items."""
    table = io.StringIO()
    write = csv.writer(table).writerow
    chances = model.predict_proba([picture["pixels"] for picture in pictures])
    for picture, chance in zip(pictures, chances):
        best = chance.argmax()
        write([picture["id"], model.classes_[best], f"{chance[best]:.3f}", picture["digit"]])
    # Named after the batch's first picture: a batch that comes again, as its worker died, replaces what was written.
    storage.put_object(Bucket=bucket, Key=f"{results}/{pictures[0]['id']}.csv", Body=table.getvalue().encode())


def finish():
    """After the last batch, on one worker."""
    pages = storage.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{results}/")
    table = "".join(read(bucket, found["Key"]).decode() for page in pages for found in page.get("Contents", []))
    rows = list(csv.reader(io.StringIO(table)))
    right = sum(row[1] == row[3] for row in rows)
    storage.put_object(Bucket=bucket, Key=f"{results}.csv", Body=f"id,digit,probability,really\r\n{table}".encode())
    summary = {"pictures": len(rows), "right": right, "share": round(right / max(1, len(rows)), 4), "table": f"s3://{bucket}/{results}.csv"}
    storage.put_object(Bucket=bucket, Key=f"{results}.json", Body=json.dumps(summary).encode() + b"\n")
    print("all batches are done:", json.dumps(summary), flush=True)


class Worker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def handle(self):
        try:
            super().handle()
        except ConnectionResetError:
            pass  # connections that are not needed any more are not closed politely

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/on-job-complete":
            finish()
        else:
            score(json.loads(body))
        self.send_response(200)  # an error before this closes the connection, which fails the batch
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", int(os.environ.get("CORTEX_PORT", "8080"))), Worker).serve_forever()

"""
A folder, served as Amazon S3 serves buckets: as much of the protocol as boto3 needs to read, write, delete and list whole
objects. It checks no keys, so it must listen only where everybody may read and write. To try things out on one machine.
    python3 server.py FOLDER PORT ADDRESS...
"""
import os
import re
import signal
import sys
import tempfile
import threading
from datetime import datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

FOLDER, PORT, ADDRESSES = os.path.realpath(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
PIECE = 1 << 16


class Refused(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(message)
        self.status, self.code = status, code


class Storage(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    timeout = 60  # seconds without a byte

    def handle_expect_100(self):
        super().handle_expect_100()
        self.wfile.flush()  # boto3 waits for it before it sends an object
        return True

    def serve(self):
        try:
            url = urlsplit(self.path)
            name, _, key = unquote(url.path).lstrip("/").partition("/")
            query = parse_qs(url.query, keep_blank_values=True)
            bucket = os.path.join(FOLDER, name)
            path = os.path.join(bucket, key)
            if not re.fullmatch("[a-z0-9][a-z0-9.-]{2,62}", name):
                raise Refused(400, "InvalidBucketName", "a bucket's name has 3 to 63 small letters, digits, dots and dashes")
            if key and os.path.normpath(path) != path:
                raise Refused(400, "InvalidURI", "an object's name has no empty part here, no . and no ..")
            if not os.path.isdir(bucket) and (key or self.command != "PUT"):
                raise Refused(404, "NoSuchBucket")
            if key:
                {"PUT": self.write, "GET": self.read, "HEAD": self.read, "DELETE": self.delete}.get(self.command, self.unknown)(path, query)
            else:
                {"PUT": self.make, "GET": self.list, "HEAD": self.list}.get(self.command, self.unknown)(bucket, query)
        except Refused as refused:
            self.close_connection = True  # its body may not have been read
            self.answer(refused.status, f"<Error><Code>{refused.code}</Code><Message>{escape(str(refused))}</Message></Error>")

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = serve

    def unknown(self, *_):
        raise Refused(501, "NotImplemented", "whole objects are read, written, deleted and listed here, nothing else")

    def make(self, bucket, query):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        os.makedirs(bucket, exist_ok=True)
        self.answer(200)

    def list(self, bucket, query):
        """ListObjectsV2."""
        prefix, most = query.get("prefix", [""])[0], min(1000, int(query.get("max-keys", ["1000"])[0]))
        after = query.get("continuation-token", query.get("start-after", [""]))[0].encode()
        keys = (os.path.relpath(os.path.join(folder, name), bucket) for folder, _, names in os.walk(bucket) for name in names)
        keys = sorted((key for key in keys if key.startswith(prefix) and key.encode() > after), key=str.encode)
        body = f"<Prefix>{escape(prefix)}</Prefix><KeyCount>{len(keys[:most])}</KeyCount><IsTruncated>{str(len(keys) > most).lower()}</IsTruncated>"
        if len(keys) > most > 0:
            body += f"<NextContinuationToken>{escape(keys[most - 1])}</NextContinuationToken>"
        for key in keys[:most]:
            state = os.stat(os.path.join(bucket, key))
            changed = datetime.utcfromtimestamp(state.st_mtime).isoformat(timespec="milliseconds")
            body += f"<Contents><Key>{escape(key)}</Key><LastModified>{changed}Z</LastModified><ETag>{tag(state)}</ETag><Size>{state.st_size}</Size></Contents>"
        self.answer(200, f"<ListBucketResult>{body}</ListBucketResult>")

    def write(self, path, query):
        if query or "x-amz-copy-source" in self.headers or self.headers.get("x-amz-content-sha256", "").startswith("STREAMING"):
            self.unknown()
        length = int(self.headers.get("Content-Length", 0))
        descriptor, part = tempfile.mkstemp(dir=FOLDER, prefix=".")
        try:
            with open(descriptor, "wb") as file:
                while length > 0 and (piece := self.rfile.read(min(length, PIECE))):
                    length -= file.write(piece)
            if length > 0:
                raise Refused(400, "IncompleteBody")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.rename(part, path)  # readers see the old object or the new one, never a part
        except BaseException:
            os.unlink(part)
            raise
        self.answer(200, headers={"ETag": tag(os.stat(path))})

    def read(self, path, query):
        if not os.path.isfile(path):
            raise Refused(404, "NoSuchKey")
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
            start, end, status = 0, state.st_size, 200
            headers = {"ETag": tag(state), "Last-Modified": formatdate(state.st_mtime, usegmt=True), "Accept-Ranges": "bytes"}
            if self.headers.get("If-Match", "*") not in (headers["ETag"], "*"):
                raise Refused(412, "PreconditionFailed")
            if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                start, end, status = int(wanted[1]), min(end, int(wanted[2] or end) + 1), 206
                if start >= end:
                    raise Refused(416, "InvalidRange")
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{state.st_size}"
            self.begin(status, {**headers, "Content-Type": "application/octet-stream", "Content-Length": end - start})
            file.seek(start)
            while self.command == "GET" and start < end and (piece := file.read(min(end - start, PIECE))):
                start += self.wfile.write(piece)

    def delete(self, path, query):
        if os.path.isfile(path):
            os.unlink(path)
        self.answer(204)

    def answer(self, status, body="", headers={}):
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode() if body else b""
        self.begin(status, {**headers, "Content-Type": "application/xml", "Content-Length": len(body)})
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format, *args):
        pass


def tag(state):
    return f'"{state.st_mtime_ns:x}-{state.st_size:x}"'


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
servers = [ThreadingHTTPServer((address, PORT), Storage) for address in ADDRESSES]
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
servers[0].serve_forever()

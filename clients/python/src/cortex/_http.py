"""HTTP/1.1 as a client speaks it, without a socket.

A library for this (httpx, with what it needs) takes longer to import than a whole deploy takes, and sends a fraction of the
requests; see bench/results/python.md. It also would have to be installed in every container that calls others.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Tuple

from cortex._effects import Call
from cortex._version import VERSION

#: The most bytes of status line and headers, and of one line between chunks.
MAX_HEAD = 64 * 1024

_URL = re.compile(r"(https?)://(\[[^\]]+\]|[^/:?#]+)(?::(\d+))?([^#]*)")
_PATH = re.compile(r"[!-~]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN = ("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
_HEX = re.compile(rb"[0-9A-Fa-f]{1,15}")
_DIGITS = re.compile(r"[0-9]{1,18}")

# Where a reader is: in a body of known length, in one that ends with the connection, or in one of the parts of chunks.
_WHOLE, _TO_END, _SIZE, _DATA, _BEHIND, _TRAILERS = range(6)
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?")


class ProtocolError(Exception):
    """What came is not HTTP/1.1."""


class Origin(NamedTuple):
    """What a connection belongs to."""

    scheme: str
    """``http`` or ``https``."""
    host: str
    """A name or an address, that of IPv6 without brackets."""
    port: int

    @property
    def authority(self) -> str:
        """As the header Host has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


def split(url: str) -> Tuple[Origin, str]:
    """The origin of a URL, and the path with the query.

    Raises:
        ValueError: it is no URL of http or https.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(f'"{url}" is no URL of http or https')
    scheme, host, port, rest = found.groups()
    path = rest if rest.startswith("/") else "/" + rest
    return Origin(scheme, host.strip("[]"), int(port) if port else (443 if scheme == "https" else 80)), path


def request_head(call: Call, origin: Origin, path: str) -> bytes:
    """Request line and headers, with those of a body.

    Raises:
        ValueError: a header can't be sent.
    """
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} can't stand in a URL; quote it")
    lines = [f"{call.method} {path} HTTP/1.1", f"Host: {origin.authority}", f"User-Agent: cortex-python/{VERSION}"]
    for name, value in call.headers.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        if name.lower() in _OWN:
            raise ValueError(f"the header {name} belongs to the connection and can't be given; leave it out")
        if _CONTROL.search(value):
            raise ValueError(f"the value of the header {name} has a control character in it")
        lines.append(f"{name}: {value}")
    if isinstance(call.body, (bytes, bytearray)):
        lines.append(f"Content-Length: {len(call.body)}")
    elif call.body is not None:
        lines.append("Transfer-Encoding: chunked")
    elif call.method not in ("GET", "HEAD", "DELETE"):
        lines.append("Content-Length: 0")
    lines.append("\r\n")
    try:
        return "\r\n".join(lines).encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError("a header has a character in it that can't be sent; only those of Latin-1 can") from error


def chunk(data: bytes) -> bytes:
    """A piece of a body whose length is not known."""
    return b"%x\r\n%b\r\n" % (len(data), data)


#: What ends such a body.
LAST_CHUNK = b"0\r\n\r\n"


class AnswerReader:
    """Puts one answer together from bytes as they come."""

    __slots__ = ("status", "headers", "done", "reusable", "_method", "_raw", "_body", "_left", "_place")

    def __init__(self, method: str) -> None:
        self.status = 0
        """0 until the head is there."""
        self.headers: Dict[str, str] = {}
        self.done = False
        """Whether all of it is there."""
        self.reusable = False
        """Whether the connection may serve another request then."""
        self._method = method
        self._raw = b""
        self._body: List[bytes] = []
        self._left = 0
        self._place = _WHOLE

    def feed(self, data: bytes) -> None:
        """Takes what came.

        Raises:
            ProtocolError: it is no HTTP/1.1.
        """
        if self.done:
            # Nobody asked for this.
            self.reusable = False
            return
        self._raw = self._raw + data if self._raw else data
        while not self.status:
            end = self._raw.find(b"\r\n\r\n", 0, MAX_HEAD + 4)
            if end < 0:
                if len(self._raw) > MAX_HEAD:
                    raise ProtocolError(f"the head of the answer has more than {MAX_HEAD} bytes")
                return
            head, self._raw = self._raw[:end], self._raw[end + 4 :]
            self._read_head(head)
        if self._place in (_WHOLE, _TO_END):
            self._read_plain()
        else:
            self._read_chunks()

    def end(self) -> None:
        """The connection was closed by the other side.

        Raises:
            ProtocolError: the answer is not complete.
        """
        if self.done:
            self.reusable = False
        elif self.status and self._place == _TO_END:
            self.done = True
        elif self.status or self._raw:
            raise ProtocolError("the answer broke off")
        else:
            raise ProtocolError("the connection was closed without an answer")

    def take(self) -> bytes:
        """What has come of the body since the last time."""
        body = self._body
        if len(body) == 1:
            self._body = []
            return body[0]
        self._body = []
        return b"".join(body)

    def _read_head(self, head: bytes) -> None:
        lines = head.split(b"\r\n")
        found = _STATUS.fullmatch(lines[0])
        if found is None:
            raise ProtocolError(f"{lines[0][:40]!r} is no status line of HTTP/1.1")
        status = int(found.group(2))
        headers: Dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            key = name.decode("latin-1").lower()
            if not colon or not _TOKEN.fullmatch(key):
                raise ProtocolError(f"{line[:40]!r} is no header")
            text = value.decode("latin-1").strip(" \t")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        if status < 200:
            if status == 101:
                raise ProtocolError("the other side wants to speak another protocol")
            # "Go on": the answer itself is still to come.
            return
        self.status, self.headers = status, headers
        connection = headers.get("connection", "").lower()
        self.reusable = (found.group(1) == b"1" and "close" not in connection) or "keep-alive" in connection
        if self._method == "HEAD" or status in (204, 304):
            self._left = 0
        elif "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked":
                raise ProtocolError(f"the transfer encoding {headers['transfer-encoding'][:40]!r} is not known")
            self._place = _SIZE
        elif "content-length" in headers:
            if not _DIGITS.fullmatch(headers["content-length"]):
                raise ProtocolError(f"{headers['content-length'][:40]!r} is no length")
            self._left = int(headers["content-length"])
        else:
            self._place, self.reusable = _TO_END, False

    def _read_plain(self) -> None:
        data, self._raw = self._raw, b""
        if self._place == _WHOLE:
            if len(data) > self._left:
                data, self.reusable = data[: self._left], False
            self._left -= len(data)
            self.done = self._left == 0
        if data:
            self._body.append(data)

    def _read_chunks(self) -> None:
        raw, at = self._raw, 0
        while not self.done:
            if self._place == _DATA:
                data = raw[at : at + self._left]
                if not data:
                    break
                self._body.append(data)
                self._left -= len(data)
                at += len(data)
                self._place = _DATA if self._left else _BEHIND
                continue
            end = raw.find(b"\r\n", at)
            if end < 0:
                if len(raw) - at > MAX_HEAD:
                    raise ProtocolError("a line between chunks has no end")
                break
            line, at = raw[at:end], end + 2
            if self._place == _BEHIND:
                if line:
                    raise ProtocolError("a chunk is longer than it says")
                self._place = _SIZE
            elif self._place == _TRAILERS:
                # Nobody needs them; an empty line is the end.
                self.done = not line
            else:
                size = line.split(b";")[0].strip()
                if not _HEX.fullmatch(size):
                    raise ProtocolError(f"{line[:40]!r} is no size of a chunk")
                self._left = int(size, 16)
                self._place = _DATA if self._left else _TRAILERS
        self._raw = raw[at:]
        if self.done and self._raw:
            self.reusable = False

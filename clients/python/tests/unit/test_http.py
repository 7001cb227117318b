"""HTTP/1.1 without a socket."""

from __future__ import annotations

import random

import pytest

from cortex import _http
from cortex._effects import Call
from cortex._http import AnswerReader, Origin, ProtocolError


def read(data, pieces=None, method="GET", end=False):
    reader = AnswerReader(method)
    body = b""
    for piece in pieces or [data]:
        reader.feed(piece)
        body += reader.take()
    if end:
        reader.end()
    return reader, body


ANSWERS = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    (b"HTTP/1.1 404\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 404, b"", False),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x", False),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, b"ab", True),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", 200, b"hello world", True),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n", 200, b"0123456789", True),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b"", True),
]


@pytest.mark.parametrize("data, status, body, reusable", ANSWERS)
def test_read_in_any_pieces(data, status, body, reusable):
    chance = random.Random(len(data))
    for _ in range(50):
        cuts = sorted(chance.sample(range(1, len(data)), min(len(data) - 1, chance.randrange(0, 8))))
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
        reader, got = read(data, pieces)
        assert (reader.status, got, reader.done, reader.reusable) == (status, body, True, reusable)
    reader, got = read(data, [data[at : at + 1] for at in range(len(data))])
    assert (got, reader.done) == (body, True)


@pytest.mark.parametrize("data, status, body, reusable", ANSWERS)
def test_read_cut_short_is_an_error(data, status, body, reusable):
    for length in range(1, len(data)):
        reader = AnswerReader("GET")
        reader.feed(data[:length])
        assert not reader.done
        with pytest.raises(ProtocolError):
            reader.end()


def test_read_until_the_connection_ends():
    reader, body = read(b"HTTP/1.1 200 OK\r\n\r\nall of it", end=True)
    assert (body, reader.done, reader.reusable) == (b"all of it", True, False)


def test_read_answer_to_head_has_no_body():
    reader, body = read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method="HEAD")
    assert (body, reader.done, reader.reusable) == (b"", True, True)


def test_read_more_than_the_answer_makes_the_connection_useless():
    for more in (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", ANSWERS[5][0] + b"HTTP/1.1 200 OK\r\n"):
        reader, _ = read(more)
        assert reader.done and not reader.reusable
    reader, _ = read(ANSWERS[0][0], [ANSWERS[0][0], b"more"])
    assert reader.done and not reader.reusable


def test_read_headers_of_one_name_are_joined():
    reader, _ = read(b"HTTP/1.1 200 OK\r\nVia: a\r\nvia:  b \r\nContent-Length: 0\r\n\r\n")
    assert reader.headers["via"] == "a, b"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n\r\n",
        b"HTTP/1.1 999 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * _http.MAX_HEAD,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * (_http.MAX_HEAD + 1),
    ],
)
def test_read_something_else(data):
    with pytest.raises(ProtocolError):
        AnswerReader("GET").feed(data)


@pytest.mark.parametrize(
    "url, origin, path, authority",
    [
        ("http://a", ("http", "a", 80), "/", "a"),
        ("http://a:81/b?c=d", ("http", "a", 81), "/b?c=d", "a:81"),
        ("https://a?b", ("https", "a", 443), "/?b", "a"),
        ("https://[::1]:8443/x", ("https", "::1", 8443), "/x", "[::1]:8443"),
    ],
)
def test_split(url, origin, path, authority):
    assert _http.split(url) == (Origin(*origin), path)
    assert _http.split(url)[0].authority == authority


@pytest.mark.parametrize("url", ["", "a", "ftp://a", "http://", "http:///x"])
def test_split_no_url(url):
    with pytest.raises(ValueError):
        _http.split(url)


def head(**named):
    call = Call("POST", "http://a/b", "somebody", 1, **named)
    return _http.request_head(call, *_http.split(call.url)).decode("latin-1")


def test_request_head():
    text = head(headers={"X-Name": "Grüße"}, body=b"abc")
    assert text.startswith("POST /b HTTP/1.1\r\nHost: a\r\nUser-Agent: cortex-python/")
    assert text.endswith("\r\nX-Name: Grüße\r\nContent-Length: 3\r\n\r\n")
    assert head(body=iter([b"a"])).endswith("Transfer-Encoding: chunked\r\n\r\n")
    assert head().endswith("Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X": "\0"}, {"X Y": "a"}, {"": "a"}, {"X:": "a"}, {"Host": "b"}, {"content-LENGTH": "1"}, {"X": "😀"}])
def test_request_head_refuses(headers):
    with pytest.raises(ValueError):
        head(headers=headers)


def test_request_head_refuses_path_that_is_not_quoted():
    call = Call("GET", "http://a/b c", "somebody", 1)
    with pytest.raises(ValueError, match="quote it"):
        _http.request_head(call, *_http.split(call.url))

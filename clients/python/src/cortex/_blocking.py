"""Runs operations on the calling thread."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Dict, Iterable, Iterator, List, Optional, Tuple, TypeVar, Union, cast

from cortex import _http
from cortex._calling import CONNECT_TIMEOUT, IDLE, LONGEST, Arriving, late, lost, too_large, unreachable
from cortex._effects import MAX_ANSWER, Answer, Call, Operation, Pause
from cortex._http import AnswerReader, Origin, ProtocolError
from cortex.environments import Environment
from cortex.exceptions import ConnectionFailed, CortexTimeout

if TYPE_CHECKING:
    from cortex._tls import Trust

T = TypeVar("T")

_PIECE = 64 * 1024


class Exchange(Arriving):
    """An answer whose body is read while it comes."""

    def __init__(self, connection: socket.socket, reader: AnswerReader, call: Call) -> None:
        super().__init__(reader, call)
        self._socket = connection

    def pieces(self, deadline: Optional[float] = None) -> Iterator[bytes]:
        """The body. Without a deadline (by the monotonic clock), each piece may take the call's timeout."""
        while True:
            piece = self._reader.take()
            if piece:
                yield piece
            if self._reader.done:
                return
            _receive(self._socket, self._reader, self._call, deadline or time.monotonic() + self._call.timeout)

    def read(self, deadline: Optional[float] = None) -> bytes:
        """The whole body."""
        pieces: List[bytes] = []
        size = 0
        for piece in self.pieces(deadline):
            size += len(piece)
            if size > MAX_ANSWER:
                raise too_large(self._call)
            pieces.append(piece)
        return b"".join(pieces)


class Transport:
    """Connections to a cluster, for any number of threads."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._trust: Dict[Origin, Trust] = {}
        self._idle: Dict[Origin, List[Tuple[float, socket.socket]]] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()

    def run(self, operation: Operation[T]) -> T:
        """Does what an operation asks for, and gives what it returns."""
        try:
            effect = next(operation)
            while True:
                try:
                    result = self._perform(effect)
                except BaseException as error:
                    effect = operation.throw(error)
                else:
                    effect = operation.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    @contextmanager
    def open(self, call: Call) -> Iterator[Exchange]:
        """Sends a call; its answer's body is still to be read. The timeout holds until the answer begins, and then for each piece.

        Raises:
            ConnectionFailed: there is no connection, or it was lost.
            CortexTimeout: the time was up.
        """
        with self._exchange(call, time.monotonic() + call.timeout) as exchange:
            yield exchange

    def close(self) -> None:
        """Closes the connections. Another call opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for _, connection in connections:
                connection.close()

    def __del__(self) -> None:
        if hasattr(self, "_idle"):
            self.close()

    def _perform(self, effect: Union[Call, Pause]) -> Optional[Answer]:
        if isinstance(effect, Pause):
            time.sleep(effect.seconds)
            return None
        deadline = time.monotonic() + effect.timeout
        with self._exchange(effect, deadline) as exchange:
            return Answer(exchange.status, exchange.headers, exchange.read(deadline))

    @contextmanager
    def _exchange(self, call: Call, deadline: float) -> Iterator[Exchange]:
        origin, path = _http.split(call.url)
        head = _http.request_head(call, origin, path)
        connection = self._take(origin) or self._connect(origin, call, deadline)
        kept = False
        try:
            reader = AnswerReader(call.method)
            whole = _send(connection, head, reader, call, deadline)
            while not reader.status:
                _receive(connection, reader, call, deadline)
            yield Exchange(connection, reader, call)
            kept = whole and reader.done and reader.reusable
        finally:
            if kept:
                self._keep(origin, connection)
            else:
                connection.close()

    def _take(self, origin: Origin) -> Optional[socket.socket]:
        with self._lock:
            if self._process != os.getpid():
                # A forked process must not speak on its parent's connections.
                self._process, self._idle = os.getpid(), {}
            idle = self._idle.get(origin, [])
            while idle:
                since, connection = idle.pop()
                if time.monotonic() - since < IDLE and not _is_readable(connection):
                    return connection
                connection.close()
        return None

    def _keep(self, origin: Origin, connection: socket.socket) -> None:
        with self._lock:
            self._idle.setdefault(origin, []).append((time.monotonic(), connection))

    def _trust_in(self, origin: Origin) -> Trust:
        # TLS takes its time to import.
        from cortex._tls import Trust

        return self._trust.setdefault(origin, Trust(self._environment))

    def _connect(self, origin: Origin, call: Call, deadline: float) -> socket.socket:
        trust = self._trust_in(origin) if origin.scheme == "https" else None
        while True:
            connection: Optional[socket.socket] = None
            context = trust.context() if trust else None
            try:
                connection = socket.create_connection((origin.host, origin.port), min(CONNECT_TIMEOUT, _left(deadline, call)))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection if context is None else context.wrap_socket(connection, server_hostname=origin.host)
            except CortexTimeout:
                raise
            except (OSError, UnicodeError) as error:
                # A name that no host can have is a UnicodeError.
                if connection is not None:
                    connection.close()
                if trust is not None and context is not None and trust.fall_back(error, context):
                    continue
                raise (trust.refusal(error, call.peer) if trust else None) or unreachable(call, error) from error


def _send(connection: socket.socket, head: bytes, reader: AnswerReader, call: Call, deadline: float) -> bool:
    """Sends a request; False when the other side answered before the end of it, and so needs no more."""
    body = call.body
    if body is None or isinstance(body, (bytes, bytearray)):
        return _put(connection, head + (body or b""), reader, call, deadline)
    if not isinstance(body, Iterable):
        raise TypeError("asynchronous bodies are for cortex.aio")
    if not _put(connection, head, reader, call, deadline):
        return False
    for piece in cast("Iterable[bytes]", body):
        if _is_readable(connection):
            _receive(connection, reader, call, deadline)
            if reader.status:
                return False
        if piece and not _put(connection, _http.chunk(piece), reader, call, deadline):
            return False
    return _put(connection, _http.LAST_CHUNK, reader, call, deadline)


def _put(connection: socket.socket, data: bytes, reader: AnswerReader, call: Call, deadline: float) -> bool:
    left = _left(deadline, call)
    try:
        connection.settimeout(left)
        connection.sendall(data)
        return True
    except socket.timeout as error:
        raise late(call) from error
    except OSError as error:
        # A server that has enough closes; what it said before may still be there to read.
        try:
            while not reader.status:
                _receive(connection, reader, call, deadline)
        except (ConnectionFailed, CortexTimeout):
            # It said nothing, so the first error is the one to tell.
            raise lost(call, error) from error
        return False


def _receive(connection: socket.socket, reader: AnswerReader, call: Call, deadline: float) -> None:
    left = _left(deadline, call)
    try:
        connection.settimeout(left)
        data = connection.recv(_PIECE)
        if data:
            reader.feed(data)
        else:
            reader.end()
    except socket.timeout as error:
        raise late(call) from error
    except (OSError, ProtocolError) as error:
        raise lost(call, error) from error


def _left(deadline: float, call: Call) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise late(call)
    return min(left, LONGEST)


def _is_readable(connection: socket.socket) -> bool:
    # TLS may have read ahead.
    pending = getattr(connection, "pending", None)
    if pending is not None and pending():
        return True
    if not hasattr(select, "poll"):
        # Windows, whose select takes any socket.
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))

"""Runs operations on an event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, AsyncIterable, AsyncIterator, Callable, Deque, Dict, Iterable, List, Optional, Tuple, TypeVar, Union

from cortex import _http
from cortex._calling import CONNECT_TIMEOUT, IDLE, LONGEST, Arriving, late, lost, too_large, unreachable
from cortex._effects import MAX_ANSWER, Answer, Call, Operation, Pause
from cortex._http import AnswerReader, Origin, ProtocolError
from cortex.environments import Environment

if TYPE_CHECKING:
    from cortex._tls import Trust

T = TypeVar("T")

# Bytes of an answer that wait to be taken before no more are read.
_ENOUGH = 1024 * 1024


class _Connection(asyncio.Protocol):
    """One connection, which serves one request at a time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.reader: Optional[AnswerReader] = None
        self.error: Optional[BaseException] = None
        self.is_lost = False
        self.is_late = False
        self.idle_since = 0.0
        self._waiter: Optional[asyncio.Future[None]] = None
        self._is_full = False
        self._waiting_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        reader = self.reader
        if reader is None:
            self.error = ProtocolError("something came that nobody had asked for")
            self.transport.abort()
            return
        try:
            reader.feed(data)
        except ProtocolError as error:
            self.error = error
            self.transport.abort()
        self._waiting_bytes += len(data)
        if self._waiting_bytes > _ENOUGH and not reader.done:
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Optional[BaseException]) -> None:
        self.is_lost = True
        if self.reader is not None and self.error is None:
            try:
                if exc is not None:
                    raise exc
                self.reader.end()
            except (OSError, ProtocolError) as error:
                self.error = None if self.reader.done else error
        self._wake()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    def expire(self) -> None:
        """Ends it, as the time is up."""
        self.is_late = True
        self.transport.abort()
        self._wake()

    async def room(self) -> None:
        """Waits until more can be written, or need not be."""
        while self._is_full and not self.is_lost and self.reader is not None and not self.reader.status:
            await self._next()

    async def step(self, call: Call) -> None:
        """Waits for something to happen.

        Raises:
            CortexTimeout: the time was up.
            ConnectionFailed: the connection was lost before the end of the answer.
        """
        if self._waiting_bytes > _ENOUGH and not self.is_lost:
            self.transport.resume_reading()
        self._waiting_bytes = 0
        self.check(call)
        await self._next()
        self.check(call)

    def check(self, call: Call) -> None:
        """Raises what ended it, if its answer is not complete."""
        if self.is_late:
            raise late(call)
        if self.error is not None:
            raise lost(call, self.error) from self.error
        if self.is_lost and self.reader is not None and not self.reader.done:
            raise lost(call, ConnectionResetError("it was closed"))

    async def _next(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Pool:
    """The connections to one origin: at most ``limit``, whoever waits longest is next."""

    def __init__(self, origin: Origin, trust: Optional[Trust], limit: int) -> None:
        self._origin = origin
        self._trust = trust
        self._free = limit
        self._idle: List[_Connection] = []
        self._waiters: Deque[asyncio.Future[None]] = deque()

    async def take(self, call: Call) -> _Connection:
        """A connection that is there, or a new one. Waiting for one that others use does not count for the timeout."""
        if self._free > 0:
            self._free -= 1
        else:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    # It was its turn already.
                    self._release()
                raise
        try:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_lost and time.monotonic() - connection.idle_since < IDLE:
                    return connection
                connection.transport.abort()
            return await self._connect(call)
        except BaseException:
            self._release()
            raise

    def give_back(self, connection: _Connection, reusable: bool) -> None:
        """Ends the use of a connection."""
        connection.reader = None
        if reusable and not connection.is_lost:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.transport.abort()
        self._release()

    def close(self) -> None:
        """Closes those that nobody uses."""
        for connection in self._idle:
            connection.transport.abort()
        self._idle.clear()

    def _release(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1

    async def _connect(self, call: Call) -> _Connection:
        loop = asyncio.get_running_loop()
        origin, trust = self._origin, self._trust
        while True:
            context = trust.context() if trust else None
            opening = loop.create_connection(_Connection, origin.host, origin.port, ssl=context, server_hostname=origin.host if context else None)
            try:
                _, connection = await asyncio.wait_for(opening, min(CONNECT_TIMEOUT, call.timeout))
                return connection
            except asyncio.TimeoutError as error:
                raise unreachable(call, TimeoutError()) from error
            except (OSError, UnicodeError) as error:
                # Of several addresses none may have answered, each with an error of its own.
                if trust is not None and context is not None and trust.fall_back(error, context):
                    continue
                raise (trust.refusal(error, call.peer) if trust else None) or unreachable(call, error) from error


class Exchange(Arriving):
    """An answer whose body is read while it comes."""

    def __init__(self, connection: _Connection, reader: AnswerReader, call: Call, renew: Callable[[], None]) -> None:
        super().__init__(reader, call)
        self._connection = connection
        self._renew = renew

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body. Each piece may take the call's timeout."""
        while True:
            piece = self._reader.take()
            if piece:
                yield piece
            if self._reader.done:
                return
            self._renew()
            await self._connection.step(self._call)

    async def read(self) -> bytes:
        """The whole body."""
        pieces: List[bytes] = []
        size = 0
        async for piece in self.pieces():
            size += len(piece)
            if size > MAX_ANSWER:
                raise too_large(self._call)
            pieces.append(piece)
        return b"".join(pieces)


class Transport:
    """Connections to a cluster, for any number of tasks of one event loop."""

    def __init__(self, environment: Environment, limit: int) -> None:
        self._environment = environment
        self._limit = limit
        self._trust: Dict[Origin, Trust] = {}
        self._pools: Dict[Origin, _Pool] = {}
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    async def run(self, operation: Operation[T]) -> T:
        """Does what an operation asks for, and gives what it returns."""
        try:
            effect = next(operation)
            while True:
                try:
                    result = await self._perform(effect)
                except BaseException as error:
                    effect = operation.throw(error)
                else:
                    effect = operation.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[Exchange]:
        """Sends a call; its answer's body is still to be read. The timeout holds until the answer begins, and then for each piece.

        Raises:
            ConnectionFailed: there is no connection, or it was lost.
            CortexTimeout: the time was up.
        """
        pool, head = self._prepare(call)
        connection = await pool.take(call)
        loop = asyncio.get_running_loop()
        timer = [_later(loop, call.timeout, connection)]

        def renew() -> None:
            timer[0].cancel()
            timer[0] = _later(loop, call.timeout, connection)

        reusable = False
        try:
            reader = connection.reader = AnswerReader(call.method)
            whole = await _send(connection, reader, head, call)
            while not reader.status:
                await connection.step(call)
            yield Exchange(connection, reader, call, renew)
            reusable = whole and reader.done and reader.reusable
        finally:
            timer[0].cancel()
            pool.give_back(connection, reusable)

    async def close(self) -> None:
        """Closes the connections that nobody uses. Another call opens new ones."""
        for pool in self._pools.values():
            pool.close()
        # Transports close on the loop's next turn.
        await asyncio.sleep(0)

    async def _perform(self, effect: Union[Call, Pause]) -> Optional[Answer]:
        if isinstance(effect, Pause):
            await asyncio.sleep(effect.seconds)
            return None
        call = effect
        pool, head = self._prepare(call)
        connection = await pool.take(call)
        timer = _later(asyncio.get_running_loop(), call.timeout, connection)
        reusable = False
        try:
            reader = connection.reader = AnswerReader(call.method)
            whole = await _send(connection, reader, head, call)
            pieces: List[bytes] = []
            size = 0
            while not reader.done:
                await connection.step(call)
                if not reader.done:
                    piece = reader.take()
                    size += len(piece)
                    if size > MAX_ANSWER:
                        raise too_large(call)
                    pieces.append(piece)
            pieces.append(reader.take())
            reusable = whole and reader.reusable
            return Answer(reader.status, reader.headers, pieces[0] if len(pieces) == 1 else b"".join(pieces))
        finally:
            timer.cancel()
            pool.give_back(connection, reusable)

    def _trust_in(self, origin: Origin) -> Trust:
        # TLS takes its time to import.
        from cortex._tls import Trust

        return self._trust.setdefault(origin, Trust(self._environment))

    def _prepare(self, call: Call) -> Tuple[_Pool, bytes]:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # Connections belong to the loop that opened them.
            self._loop, self._pools = loop, {}
        origin, path = _http.split(call.url)
        pool = self._pools.get(origin)
        if pool is None:
            trust = self._trust_in(origin) if origin.scheme == "https" else None
            pool = self._pools[origin] = _Pool(origin, trust, self._limit)
        return pool, _http.request_head(call, origin, path)


async def _send(connection: _Connection, reader: AnswerReader, head: bytes, call: Call) -> bool:
    """Sends a request; False when the other side answered before the end of it, and so needs no more."""
    write = connection.transport.write
    body = call.body
    if body is None or isinstance(body, (bytes, bytearray)):
        write(head + body if body else head)
        return True
    write(head)
    async for piece in _pieces(body):
        # A turn of the loop for each piece, so that others have theirs, and an answer that comes early is seen.
        await asyncio.sleep(0)
        await connection.room()
        if reader.status:
            return False
        connection.check(call)
        if piece:
            write(_http.chunk(piece))
    write(_http.LAST_CHUNK)
    return True


async def _pieces(body: Union[Iterable[bytes], AsyncIterable[bytes]]) -> AsyncIterator[bytes]:
    if isinstance(body, AsyncIterable):
        async for piece in body:
            yield piece
    else:
        for piece in body:
            yield piece


def _later(loop: asyncio.AbstractEventLoop, seconds: float, connection: _Connection) -> asyncio.TimerHandle:
    return loop.call_later(min(seconds, LONGEST), connection.expire)

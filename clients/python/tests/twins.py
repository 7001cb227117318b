"""Runs one test on both clients: the asyncio client behind the methods of the other one."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, List

import cortex
import cortex.aio
from cortex.environments import Environment


class Awaited:
    """An object of ``cortex.aio`` whose coroutines are run to their end, on a loop of its own."""

    def __init__(self, inner: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return self._wrap_call(value) if callable(value) else value

    def _wrap_call(self, method: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            result = method(*args, **named)
            if inspect.isasyncgen(result):
                return self._iterate(result)
            if inspect.isawaitable(result):
                return self._loop.run_until_complete(result)
            return Awaited(result, self._loop)

        return call

    def _iterate(self, generator: Any) -> Any:
        try:
            while True:
                try:
                    yield self._loop.run_until_complete(generator.__anext__())
                except StopAsyncIteration:
                    return
        finally:
            self._loop.run_until_complete(generator.aclose())


class Twins:
    """Makes clients of one of the two kinds."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._loop = asyncio.new_event_loop()
        self._made: List[Any] = []

    def client(self, environment: Environment, timeout: float = 600.0) -> Any:
        """A client of an environment."""
        made: Any = cortex.Client(environment, timeout) if self.kind == "blocking" else Awaited(cortex.aio.Client(environment, timeout), self._loop)
        self._made.append(made)
        return made

    def named(self, name: Any = None, **more: Any) -> Any:
        """As ``cortex.client()``."""
        made: Any = cortex.client(name, **more) if self.kind == "blocking" else Awaited(cortex.aio.client(name, **more), self._loop)
        self._made.append(made)
        return made

    def new(self, *args: Any, **more: Any) -> Any:
        """As ``cortex.new_client()``."""
        made: Any = cortex.new_client(*args, **more) if self.kind == "blocking" else Awaited(self._loop.run_until_complete(cortex.aio.new_client(*args, **more)), self._loop)
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            made.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

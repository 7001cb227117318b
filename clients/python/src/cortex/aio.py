"""The same client for asyncio: ``cortex.aio.client()`` gives one whose calls are awaited.

    async with cortex.aio.client() as client:
        texts = client.requests("texts")
        ids = await asyncio.gather(*(texts.submit({"n": n}) for n in range(10_000)))

What the methods do, take and raise is what those of :class:`cortex.Client`, :class:`cortex.jobs.Jobs` and
:class:`cortex.queue.RequestQueue` do, take and raise. A task that is cancelled while it waits closes its connection;
whether its request was done then is not known, unless it only asked.
"""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import Any, AsyncIterable, AsyncIterator, Dict, Iterable, List, Mapping, Optional, Sequence, Type, Union

from cortex import _jobs, _looped, _realtime, environments
from cortex import env_delete as env_delete
from cortex import env_list as env_list
from cortex._effects import Answer
from cortex._jobs import JobRoutes, check_timeout, lines_async, settings, submission
from cortex._operator import TIMEOUT, Operator, configuration
from cortex._requests import RequestRoutes, payload
from cortex._requests import headers as _headers
from cortex.client import LineDecoder, read, source
from cortex.environments import Environment
from cortex.results import Api, DeadLetter, DeployResult, Job, JobReport, RequestState, RequestSummary

__all__ = ["Client", "Jobs", "RequestQueue", "client", "env_delete", "env_list", "new_client"]

#: Connections to one address that are open at a time. More submit no faster; further calls wait for one that comes free.
CONNECTIONS = 64


def client(env_name: Optional[str] = None, *, token: Optional[str] = None, timeout: float = TIMEOUT, connections: int = CONNECTIONS) -> Client:
    """As :func:`cortex.client`. At most so many ``connections`` are open to one address at a time; waiting for one does not count for the ``timeout``."""
    return Client(environments.choose(env_name, token), timeout, connections)


async def new_client(
    env_name: str, operator_endpoint: str, *, token: Optional[str] = None, certificate: Optional[str] = None, insecure: bool = False, check: bool = True,
    timeout: float = TIMEOUT, connections: int = CONNECTIONS,
) -> Client:  # fmt: skip
    """As :func:`cortex.new_client`."""
    environment = environments.configure(env_name, operator_endpoint, token, certificate, insecure)
    new = Client(environment, timeout, connections)
    try:
        if check:
            await new._transport.run(new._operator.verify())
        environments.save(environments.load().including(environment))
    except BaseException:
        await new.close()
        raise
    return new


class Client:
    """A cluster. Tasks of one event loop may share one."""

    def __init__(self, environment: Environment, timeout: float = TIMEOUT, connections: int = CONNECTIONS) -> None:
        if connections < 1:
            raise ValueError(f"connections is 1 or more, not {connections}")
        self.env: Dict[str, str] = {"name": environment.name, "operator_endpoint": environment.operator_endpoint}
        """The environment's name and operator."""
        self.env_name: str = environment.name
        self._operator = Operator(environment, check_timeout(timeout))
        self._transport = _looped.Transport(environment, connections)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, type: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections that are kept for the next call."""
        await self._transport.close()

    async def deploy(self, api_spec: Mapping[str, Any], force: bool = True, wait: bool = False, *, timeout: float = TIMEOUT) -> Union[DeployResult, Api]:
        """As :meth:`cortex.Client.deploy`."""
        return await self._finish(await self._deploy("cortex.yaml", configuration([api_spec]), force), wait, timeout)

    async def deploy_from_file(self, config_file: Union[str, os.PathLike[str]], force: bool = False, wait: bool = False, *, timeout: float = TIMEOUT) -> Union[DeployResult, Api]:
        """As :meth:`cortex.Client.deploy_from_file`."""
        return await self._finish(await self._deploy(os.path.basename(os.fspath(config_file)), read(config_file), force), wait, timeout)

    async def get_api(self, api_name: str) -> Api:
        """As :meth:`cortex.Client.get_api`."""
        return await self._transport.run(self._operator.get(api_name))

    async def list_apis(self) -> List[Api]:
        """As :meth:`cortex.Client.list_apis`."""
        return await self._transport.run(self._operator.list())

    async def get_job(self, api_name: str, job_id: str) -> JobReport:
        """As :meth:`cortex.Client.get_job`."""
        return await self.jobs(api_name).get(job_id)

    async def refresh(self, api_name: str, force: bool = False) -> None:
        """As :meth:`cortex.Client.refresh`."""
        await self._transport.run(self._operator.refresh(api_name, force))

    async def delete(self, api_name: str, keep_cache: bool = False) -> None:
        """As :meth:`cortex.Client.delete`."""
        await self._transport.run(self._operator.delete(api_name, keep_cache))

    async def stop_job(self, api_name: str, job_id: str) -> None:
        """Stops a job; prints nothing."""
        await self.jobs(api_name).stop(job_id)

    async def deploy_all(
        self, apis: Union[str, os.PathLike[str], Sequence[Mapping[str, Any]]], force: bool = False, wait: bool = False, *, timeout: float = TIMEOUT
    ) -> List[DeployResult]:
        """As :meth:`cortex.Client.deploy_all`."""
        results = await self._deploy(*source(apis), force)
        if wait:
            await asyncio.gather(*(self.wait_for_api(result.api.name, timeout) for result in results if result.api is not None))
        return results

    async def describe(self, api_name: str) -> Api:
        """As :meth:`cortex.Client.describe`."""
        return await self._transport.run(self._operator.describe(api_name))

    async def rollback(self, api_name: str, api_id: Optional[str] = None, force: bool = False) -> DeployResult:
        """As :meth:`cortex.Client.rollback`."""
        return (await self._transport.run(self._operator.rollback(api_name, api_id, force)))[0]

    async def wait_for_api(self, api_name: str, timeout: float = TIMEOUT) -> Api:
        """As :meth:`cortex.Client.wait_for_api`."""
        return await self._transport.run(self._operator.wait_until_ready(api_name, check_timeout(timeout)))

    async def info(self) -> Dict[str, Any]:
        """As :meth:`cortex.Client.info`."""
        return await self._transport.run(self._operator.info())

    def jobs(self, api_name: str, kind: Optional[str] = None) -> Jobs:
        """As :meth:`cortex.Client.jobs`."""
        return Jobs(self._transport, self._operator, api_name, kind)

    def requests(self, api_name: str, endpoint: Optional[str] = None) -> RequestQueue:
        """As :meth:`cortex.Client.requests`."""
        return RequestQueue(self._transport, self._operator, api_name, endpoint)

    async def call(
        self, api_name: str, payload: Any = None, *, path: str = "", method: str = "POST", headers: Optional[Mapping[str, str]] = None,
        endpoint: Optional[str] = None, timeout: Optional[float] = None,
    ) -> Any:  # fmt: skip
        """As :meth:`cortex.Client.call`."""
        return await self._transport.run(_realtime.call(self._operator, api_name, endpoint, payload, path, method, headers, timeout))

    async def logs(
        self, api_name: str, job_id: Optional[str] = None, *, follow: bool = False, tail: Optional[int] = None, all_replicas: bool = True, timeout: Optional[float] = None
    ) -> AsyncIterator[str]:
        """As :meth:`cortex.Client.logs`: ``async for line in client.logs(...)``."""
        request = self._operator.logs(api_name, job_id, follow, tail, all_replicas, timeout)
        decoder = LineDecoder()
        async with self._transport.open(request) as exchange:
            if exchange.status != 200:
                self._operator.check(Answer(exchange.status, exchange.headers, await exchange.read()), request)
            async for piece in exchange.pieces():
                for line in decoder.feed(piece):
                    yield line
        for line in decoder.end():
            yield line

    async def _deploy(self, file_name: str, content: bytes, force: bool) -> List[DeployResult]:
        return await self._transport.run(self._operator.deploy(file_name, content, force))

    async def _finish(self, results: List[DeployResult], wait: bool, timeout: float) -> Union[DeployResult, Api]:
        api = results[0].api
        if not wait or api is None or api.kind not in ("RealtimeAPI", "AsyncAPI"):
            return results[0]
        return await self.wait_for_api(api.name, timeout)


class Jobs:
    """The jobs of a Batch or Task API, as ``client.jobs(name)`` gives them."""

    def __init__(self, transport: _looped.Transport, operator: Operator, api_name: str, kind: Optional[str] = None) -> None:
        self._transport = transport
        self._routes = JobRoutes(operator, api_name, kind)

    async def submit(
        self,
        job: Optional[Mapping[str, Any]] = None,
        *,
        config: Optional[Mapping[str, Any]] = None,
        timeout: Optional[int] = None,
        priority: Optional[int] = None,
        workers: Optional[int] = None,
    ) -> Job:
        """As :meth:`cortex.jobs.Jobs.submit`."""
        return await self._transport.run(self._routes.submit(submission(job, config, timeout, priority, workers)))

    async def submit_items(
        self,
        items: Union[Iterable[Any], AsyncIterable[Any]],
        *,
        workers: int = 1,
        batch_size: int = 1,
        config: Optional[Mapping[str, Any]] = None,
        timeout: Optional[int] = None,
        max_receive_count: Optional[int] = None,
    ) -> Job:
        """As :meth:`cortex.jobs.Jobs.submit_items`; asynchronous generators will do, too."""
        return await self._transport.run(self._routes.submit_items(lines_async(items), settings(workers, batch_size, config, timeout, max_receive_count)))

    async def dry_run(self, job: Mapping[str, Any]) -> List[str]:
        """As :meth:`cortex.jobs.Jobs.dry_run`."""
        return await self._transport.run(self._routes.dry_run(job))

    async def get(self, job_id: str) -> JobReport:
        """A job as it is now."""
        return await self._transport.run(self._routes.get(job_id))

    async def wait(self, job_id: str, timeout: float = 3600.0, check: bool = False) -> JobReport:
        """As :meth:`cortex.jobs.Jobs.wait`."""
        return await self._transport.run(self._routes.wait(job_id, check_timeout(timeout), check))

    async def stop(self, job_id: str) -> None:
        """As :meth:`cortex.jobs.Jobs.stop`."""
        await self._transport.run(self._routes.stop(job_id))

    async def dead_letters(self, job_id: str) -> AsyncIterator[DeadLetter]:
        """As :meth:`cortex.jobs.Jobs.dead_letters`: ``async for letter in jobs.dead_letters(id)``."""
        cursor: Optional[str] = None
        while True:
            letters, cursor = await self._transport.run(self._routes.dead_letters(job_id, cursor))
            for letter in letters:
                yield letter
            if cursor is None:
                return

    async def retry_dead_letters(self, job_id: str, workers: Optional[int] = None) -> Job:
        """As :meth:`cortex.jobs.Jobs.retry_dead_letters`."""
        return await self._transport.run(self._routes.retry_dead_letters(job_id, workers))


class RequestQueue:
    """The requests of an Async API, as ``client.requests(name)`` gives them."""

    def __init__(self, transport: _looped.Transport, operator: Operator, api_name: str, endpoint: Optional[str] = None) -> None:
        self._transport = transport
        self._routes = RequestRoutes(operator, api_name, endpoint)

    async def submit(
        self,
        value: Any,
        *,
        content_type: Optional[str] = None,
        headers: Optional[Mapping[str, str]] = None,
        idempotency_key: Optional[str] = None,
        priority: Optional[int] = None,
        delay: Union[None, int, str] = None,
        callback_url: Optional[str] = None,
    ) -> str:
        """As :meth:`cortex.queue.RequestQueue.submit`; asynchronous iterators of bytes will do, too."""
        body, kind = payload(value, content_type)
        return await self._transport.run(self._routes.submit(body, _headers(kind, headers, idempotency_key, priority, delay, callback_url)))

    async def submit_many(self, values: Union[Iterable[Any], AsyncIterable[Any]], *, ahead: int = 2 * CONNECTIONS) -> AsyncIterator[str]:
        """Submits any number of requests, and gives their ids in the order of the values.

        Args:
            values: what is submitted, as for :meth:`submit`; asked for one as there is room for it.
            ahead: how many are on their way at a time.

        Raises:
            the error of the first that fails. Those on their way are cancelled; some may have been accepted.
        """
        waiting: List[asyncio.Task[str]] = []
        try:
            async for value in _each(values):
                waiting.append(asyncio.ensure_future(self.submit(value)))
                while len(waiting) >= ahead:
                    yield await waiting[0]
                    del waiting[0]
            while waiting:
                yield await waiting[0]
                del waiting[0]
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def get(self, id: str) -> RequestState:
        """A request as it is now."""
        return await self._transport.run(self._routes.get(id))

    async def wait(self, id: str, timeout: float = TIMEOUT) -> RequestState:
        """As :meth:`cortex.queue.RequestQueue.wait`."""
        return await self._transport.run(self._routes.wait(id, check_timeout(timeout)))

    async def result(self, id: str, timeout: float = TIMEOUT) -> Any:
        """As :meth:`cortex.queue.RequestQueue.result`."""
        return await self._transport.run(self._routes.result(id, check_timeout(timeout)))

    async def answer(self, id: str) -> bytes:
        """As :meth:`cortex.queue.RequestQueue.answer`."""
        return await self._transport.run(self._routes.answer(id))

    async def cancel(self, id: str) -> None:
        """As :meth:`cortex.queue.RequestQueue.cancel`."""
        await self._transport.run(self._routes.cancel(id))

    async def retry(self, id: str) -> None:
        """As :meth:`cortex.queue.RequestQueue.retry`."""
        await self._transport.run(self._routes.retry(id))

    async def list(self, status: Optional[str] = None) -> AsyncIterator[RequestSummary]:
        """As :meth:`cortex.queue.RequestQueue.list`: ``async for request in queue.list()``."""
        cursor: Optional[str] = None
        while True:
            requests, cursor = await self._transport.run(self._routes.list(status, cursor))
            for request in requests:
                yield request
            if cursor is None:
                return


async def _each(values: Union[Iterable[Any], AsyncIterable[Any]]) -> AsyncIterator[Any]:
    if isinstance(values, AsyncIterable):
        async for value in values:
            yield value
    else:
        for value in values:
            yield value

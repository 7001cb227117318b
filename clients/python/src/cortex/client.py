"""The client of one cluster."""

from __future__ import annotations

import codecs
import json
import os
from types import TracebackType
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Type, Union

from cortex import _blocking, _jobs, _realtime
from cortex._effects import Answer
from cortex._operator import TIMEOUT, Operator, configuration
from cortex.environments import Environment
from cortex.exceptions import CortexBinaryException
from cortex.jobs import Jobs
from cortex.queue import RequestQueue
from cortex.results import Api, DeployResult, JobReport


class Client:
    """A cluster, as ``cortex.client()`` gives it. Threads may share one.

    Every method raises :class:`cortex.exceptions.CortexBinaryException` when it fails; its subclasses say more. Every
    call ends within ``timeout`` seconds.
    """

    def __init__(self, environment: Environment, timeout: float = TIMEOUT) -> None:
        self.env: Dict[str, str] = {"name": environment.name, "operator_endpoint": environment.operator_endpoint}
        """The environment's name and operator."""
        self.env_name: str = environment.name
        self._operator = Operator(environment, _jobs.check_timeout(timeout))
        self._transport = _blocking.Transport(environment)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, type: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections that are kept for the next call. The client may be used again."""
        self._transport.close()

    # What Cortex 0.42's client had.

    def deploy(self, api_spec: Mapping[str, Any], force: bool = True, wait: bool = False, *, timeout: float = TIMEOUT) -> Union[DeployResult, Api]:
        """Deploys one API.

        Args:
            api_spec: what a configuration file says about it.
            force: also while an update of it is in progress.
            wait: until its replicas are ready; then the result is that of :meth:`get_api`.
            timeout: how many seconds to wait.

        Raises:
            cortex.exceptions.OperatorError: the specification has errors, which ``errors`` lists.
            cortex.exceptions.ApiFailed: its replicas can't become ready.
            cortex.exceptions.CortexTimeout: they are not ready in time.
        """
        return self._finish(self._deploy("cortex.yaml", configuration([api_spec]), force), wait, timeout)

    def deploy_from_file(self, config_file: Union[str, os.PathLike[str]], force: bool = False, wait: bool = False, *, timeout: float = TIMEOUT) -> Union[DeployResult, Api]:
        """Deploys the APIs of a configuration file, and gives the result of the first; :meth:`deploy_all` gives all. Else as :meth:`deploy`."""
        return self._finish(self._deploy(os.path.basename(os.fspath(config_file)), read(config_file), force), wait, timeout)

    def get_api(self, api_name: str) -> Api:
        """One API."""
        return self._transport.run(self._operator.get(api_name))

    def list_apis(self) -> List[Api]:
        """All APIs."""
        return self._transport.run(self._operator.list())

    def get_job(self, api_name: str, job_id: str) -> JobReport:
        """One job."""
        return self.jobs(api_name).get(job_id)

    def refresh(self, api_name: str, force: bool = False) -> None:
        """Replaces all replicas of a Realtime or Async API; with ``force`` also while it is being updated."""
        self._transport.run(self._operator.refresh(api_name, force))

    def delete(self, api_name: str, keep_cache: bool = False) -> None:
        """Deletes an API; with ``keep_cache`` its history is kept."""
        self._transport.run(self._operator.delete(api_name, keep_cache))

    def stop_job(self, api_name: str, job_id: str, keep_cache: bool = False) -> None:
        """Stops a job, and prints what the operator said, as Cortex's client did. ``keep_cache`` has no effect, there as here."""
        print(json.dumps({"message": self._transport.run(_jobs.JobRoutes(self._operator, api_name).stop(job_id))}, separators=(",", ":")))

    # What it did not have.

    def deploy_all(
        self, apis: Union[str, os.PathLike[str], Sequence[Mapping[str, Any]]], force: bool = False, wait: bool = False, *, timeout: float = TIMEOUT
    ) -> List[DeployResult]:
        """Deploys several APIs, from a file or as a list of specifications, and gives the result of each. Else as :meth:`deploy`."""
        results = self._deploy(*source(apis), force)
        if wait:
            for result in results:
                if result.api is not None:
                    self.wait_for_api(result.api.name, timeout)
        return results

    def describe(self, api_name: str) -> Api:
        """A Realtime or Async API, or a TrafficSplitter, with its replicas by state."""
        return self._transport.run(self._operator.describe(api_name))

    def rollback(self, api_name: str, api_id: Optional[str] = None, force: bool = False) -> DeployResult:
        """Deploys an earlier version of an API: that of the id, or the one before."""
        return self._transport.run(self._operator.rollback(api_name, api_id, force))[0]

    def wait_for_api(self, api_name: str, timeout: float = TIMEOUT) -> Api:
        """Waits until all wanted replicas of an API are ready and of its newest version; other kinds are ready at once.

        Raises:
            cortex.exceptions.ApiFailed: they fail again and again.
            cortex.exceptions.CortexTimeout: they are not ready within ``timeout`` seconds.
        """
        return self._transport.run(self._operator.wait_until_ready(api_name, _jobs.check_timeout(timeout)))

    def info(self) -> Dict[str, Any]:
        """What the operator tells of the cluster: ``cluster_config``, ``health`` and more."""
        return self._transport.run(self._operator.info())

    def jobs(self, api_name: str, kind: Optional[str] = None) -> Jobs:
        """The jobs of a Batch or Task API.

        Args:
            api_name: the API.
            kind: ``BatchAPI`` or ``TaskAPI``. When it is given, the operator is not asked for it, so that no token is needed.
        """
        return Jobs(self._transport, self._operator, api_name, kind)

    def requests(self, api_name: str, endpoint: Optional[str] = None) -> RequestQueue:
        """The requests of an Async API.

        Args:
            api_name: the API.
            endpoint: its address. When it is given, the operator is not asked for it, so that no token is needed. Inside
                a container of the cluster the path is enough, such as ``/texts``.
        """
        return RequestQueue(self._transport, self._operator, api_name, endpoint)

    def call(
        self, api_name: str, payload: Any = None, *, path: str = "", method: str = "POST", headers: Optional[Mapping[str, str]] = None,
        endpoint: Optional[str] = None, timeout: Optional[float] = None,
    ) -> Any:  # fmt: skip
        """Calls a Realtime API or a TrafficSplitter.

        Args:
            api_name: the API.
            payload: sent as JSON; bytes are sent as they are.
            path: what follows the endpoint, such as ``/predict?top=3``.
            method: the HTTP method.
            headers: further headers.
            endpoint: as for :meth:`requests`.
            timeout: seconds; the client's when it is not given.

        Returns:
            The answer: parsed when it is JSON, a text when it is text, else bytes.

        Raises:
            cortex.exceptions.OperatorError: the status is not 2xx; ``status`` is that status.
        """
        return self._transport.run(_realtime.call(self._operator, api_name, endpoint, payload, path, method, headers, timeout))

    def logs(
        self, api_name: str, job_id: Optional[str] = None, *, follow: bool = False, tail: Optional[int] = None, all_replicas: bool = True, timeout: Optional[float] = None
    ) -> Iterator[str]:
        """The lines that the replicas of an API, or the workers of a job, have written.

        Args:
            api_name: the API.
            job_id: the job; needed for Batch and Task APIs.
            follow: go on with what they write from now on; for a job until it ends.
            tail: how many of the last lines of each container to begin with; by default all.
            all_replicas: each line with its replica and container in front; or the lines of the first one found, without.
            timeout: seconds of silence after which this ends with ``CortexTimeout``; the client's when it is not given.
        """
        request = self._operator.logs(api_name, job_id, follow, tail, all_replicas, timeout)
        decoder = LineDecoder()
        with self._transport.open(request) as exchange:
            if exchange.status != 200:
                self._operator.check(Answer(exchange.status, exchange.headers, exchange.read()), request)
            for piece in exchange.pieces():
                yield from decoder.feed(piece)
        yield from decoder.end()

    def _deploy(self, file_name: str, content: bytes, force: bool) -> List[DeployResult]:
        return self._transport.run(self._operator.deploy(file_name, content, force))

    def _finish(self, results: List[DeployResult], wait: bool, timeout: float) -> Union[DeployResult, Api]:
        api = results[0].api
        if not wait or api is None or api.kind not in ("RealtimeAPI", "AsyncAPI"):
            return results[0]
        return self.wait_for_api(api.name, timeout)


class LineDecoder:
    """Puts lines together from bytes as they come."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, piece: bytes) -> List[str]:
        """The lines that are complete now."""
        *lines, self._rest = (self._rest + self._decoder.decode(piece)).split("\n")
        return lines

    def end(self) -> List[str]:
        """What came after the last line."""
        rest = self._rest + self._decoder.decode(b"", True)
        return [rest] if rest else []


def read(path: Union[str, os.PathLike[str]]) -> bytes:
    """A configuration file.

    Raises:
        CortexBinaryException: it can't be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CortexBinaryException(f"{os.fspath(path)} can't be read: {error.strerror or error}") from error


def source(apis: Union[str, os.PathLike[str], Sequence[Mapping[str, Any]]]) -> Tuple[str, bytes]:
    """File name and content of what is to be deployed."""
    if isinstance(apis, (str, os.PathLike)):
        return os.path.basename(os.fspath(apis)), read(apis)
    return "cortex.yaml", configuration(apis)

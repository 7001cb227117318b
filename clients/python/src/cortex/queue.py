"""Requests of one Async API."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional, Union

from cortex._blocking import Transport
from cortex._jobs import check_timeout
from cortex._operator import TIMEOUT, Operator
from cortex._requests import RequestRoutes, headers, payload
from cortex.results import RequestState, RequestSummary


class RequestQueue:
    """The requests of an Async API, as ``client.requests(name)`` gives them."""

    def __init__(self, transport: Transport, operator: Operator, api_name: str, endpoint: Optional[str] = None) -> None:
        self._transport = transport
        self._routes = RequestRoutes(operator, api_name, endpoint)

    def submit(
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
        """Submits a request, and gives its id once it is safely stored.

        Args:
            value: bytes, files opened for reading bytes, and iterators of bytes are sent as they are, the latter two while they are read; everything else as JSON.
            content_type: the payload's type; JSON's for what is sent as JSON.
            headers: further headers that the container gets.
            idempotency_key: 1 to 255 characters. A second request with the same key is not done again: its answer is the
                first one's id. With a key, a submission whose connection breaks is repeated by itself.
            priority: 0 to 9; higher ones go first.
            delay: seconds, or a duration such as ``"10m"``, before which it is not begun.
            callback_url: where the outcome is posted to.
        """
        body, kind = payload(value, content_type)
        return self._transport.run(self._routes.submit(body, _headers(kind, headers, idempotency_key, priority, delay, callback_url)))

    def get(self, id: str) -> RequestState:
        """A request as it is now."""
        return self._transport.run(self._routes.get(id))

    def wait(self, id: str, timeout: float = TIMEOUT) -> RequestState:
        """Waits until a request is completed, failed or cancelled, over a restart of the cluster too.

        Raises:
            cortex.exceptions.CortexTimeout: it is not final within ``timeout`` seconds (``math.inf`` waits as long as it takes).
        """
        return self._transport.run(self._routes.wait(id, check_timeout(timeout)))

    def result(self, id: str, timeout: float = TIMEOUT) -> Any:
        """Waits for the result of a request: what the container answered.

        Raises:
            cortex.exceptions.RequestFailed: it failed or was cancelled.
            cortex.exceptions.CortexTimeout: it is not final within ``timeout`` seconds.
        """
        return self._transport.run(self._routes.result(id, check_timeout(timeout)))

    def answer(self, id: str) -> bytes:
        """What the container answered, byte for byte; also the last answer of a request that failed because it was no JSON."""
        return self._transport.run(self._routes.answer(id))

    def cancel(self, id: str) -> None:
        """Cancels a request, also one in progress."""
        self._transport.run(self._routes.cancel(id))

    def retry(self, id: str) -> None:
        """Puts a failed or cancelled request back into the queue."""
        self._transport.run(self._routes.retry(id))

    def list(self, status: Optional[str] = None) -> Iterator[RequestSummary]:
        """The requests, newest first; of one status, or all. Pages are fetched as they are needed. This needs the token."""
        cursor: Optional[str] = None
        while True:
            requests, cursor = self._transport.run(self._routes.list(status, cursor))
            yield from requests
            if cursor is None:
                return


_headers = headers

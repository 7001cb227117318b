"""Requests of Async APIs, as operations."""

from __future__ import annotations

import json
import math
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union
from urllib.parse import quote

from cortex._calling import BUSY, error_of, parse, send
from cortex._effects import Answer, Body, Call, Operation, Pause
from cortex._operator import Operator, _object, _strange, segment
from cortex.exceptions import CertificateRefused, ConnectionFailed, CortexBinaryException, CortexTimeout, OperatorError, RequestFailed, UnexpectedAnswer
from cortex.results import RequestState, RequestSummary, request_state, request_summary

#: Seconds that one question waits for the end of a request.
_LONG_POLL = 30.0
_PAUSE = 0.5
#: Seconds that the cluster may be away while a request is waited for: it may be restarted.
_ABSENCE = 60.0
#: Seconds for a submission, which may have to be uploaded.
_UPLOAD = 24 * 3600.0

_JSON = json.JSONEncoder(allow_nan=False)

_HINTS = {
    404: "the id may be wrong, or its result may have expired",
    413: "raise `queue: {max_payload: ...}` in the configuration of the API and deploy it again",
    503: "try again shortly",
    507: "free space on the disk of the cluster, and submit it again; nothing was stored",
}

STATUSES = ("in_queue", "in_progress", "completed", "failed", "cancelled")


class RequestRoutes:
    """The requests of one Async API."""

    def __init__(self, operator: Operator, api_name: str, endpoint: Optional[str] = None) -> None:
        self._operator = operator
        self._name = api_name
        self._url = operator.address(endpoint).rstrip("/") if endpoint is not None else None

    def url(self) -> Operation[str]:
        """Where the API is. The first time the operator is asked."""
        if self._url is None:
            api = yield from self._operator.get(self._name)
            if api.kind != "AsyncAPI":
                error = OperatorError(f"{self._name} is a {api.kind}; only an AsyncAPI has requests that are waited for")
                error.kind = "resources.operation_is_only_supported_for_kind"
                raise error
            if not api.endpoint:
                raise _strange(self._operator)
            self._url = self._operator.address(api.endpoint).rstrip("/")
        return self._url

    def submit(self, body: Body, headers: Dict[str, str]) -> Operation[str]:
        """Submits a request; its id."""
        url = self._url or (yield from self.url())
        # With a key it is never done twice. What is sent while it is read can't be sent again.
        again = "Idempotency-Key" in headers and isinstance(body, bytes)
        timeout = self._operator.timeout if isinstance(body, bytes) else max(_UPLOAD, self._operator.timeout)
        call = Call("POST", url, f"{self._name} at {url}", timeout, headers, body, idempotent=again)
        try:
            answer = yield from send(call)
        except ConnectionFailed as failure:
            if failure.sent and not again:
                failure.args = (f"{failure}. Submit it again: with an idempotency_key it is never done twice",)
            raise
        value = self._read(answer, call)
        id = value.get("id")
        if not isinstance(id, str):
            raise UnexpectedAnswer(f"{call.peer} answered without an id; compare versions")
        return id

    def get(self, id: str, wait: Optional[float] = None) -> Operation[RequestState]:
        """A request, at once or when it is final or the wait (in seconds) is over."""
        query = "" if not wait else f"?wait={math.ceil(wait)}s"
        call = yield from self._call("GET", f"/{segment(id)}{query}", (wait or 0) + self._operator.timeout)
        return request_state(self._read((yield from send(call)), call))

    def wait(self, id: str, timeout: float) -> Operation[RequestState]:
        """Waits until a request is final. A cluster that is being restarted is waited for, too."""
        clock = self._operator.clock
        begin = seen = clock()
        while True:
            asked = clock()
            left = timeout - (asked - begin)
            status = "not known"
            try:
                # The last question comes when the time is up, and waits for nothing.
                state = yield from self.get(id, min(_LONG_POLL, left) if left >= 1 else None)
            except CertificateRefused:
                raise
            except (ConnectionFailed, OperatorError) as error:
                if isinstance(error, OperatorError) and error.status not in BUSY or clock() - seen > _ABSENCE:
                    raise
            else:
                seen, status = clock(), state.status
                if state.done:
                    return state
            if left <= 0:
                raise CortexTimeout(f"{id} of {self._name} is {status} after {timeout:g} s")
            pause = min(_PAUSE - (clock() - asked), timeout - (clock() - begin))
            if pause > 0:
                yield Pause(pause)

    def result(self, id: str, timeout: float) -> Operation[Any]:
        """Waits for the result of a request."""
        state = yield from self.wait(id, timeout)
        if not state.completed:
            raise failed(state)
        return state.result

    def answer(self, id: str) -> Operation[bytes]:
        """What the container answered, byte for byte."""
        call = yield from self._call("GET", f"/{segment(id)}/answer", self._operator.timeout)
        answer = yield from send(call)
        if answer.status != 200:
            raise self._error(answer)
        return answer.body

    def cancel(self, id: str) -> Operation[None]:
        """Cancels a request."""
        call = yield from self._call("DELETE", f"/{segment(id)}", self._operator.timeout)
        self._read((yield from send(call)), call)

    def retry(self, id: str) -> Operation[None]:
        """Puts a failed or cancelled request back."""
        call = yield from self._call("POST", f"/{segment(id)}/retry", self._operator.timeout)
        self._read((yield from send(call)), call)

    def list(self, status: Optional[str], cursor: Optional[str]) -> Operation[Tuple[List[RequestSummary], Optional[str]]]:
        """One page of requests, newest first, and what leads to the next. Only the operator tells ids."""
        query = "".join(f"&{key}={quote(value, safe='')}" for key, value in (("status", status), ("cursor", cursor)) if value is not None)
        call = self._operator.call("GET", f"/async/{segment(self._name)}?limit=1000{query}")
        value = _object((yield from self._operator.ask(call)), self._operator)
        requests = value.get("requests")
        if not isinstance(requests, list):
            raise _strange(self._operator)
        return [request_summary(each) for each in requests], value.get("cursor") or None

    def _call(self, method: str, path: str, timeout: float) -> Operation[Call]:
        url = yield from self.url()
        return Call(method, url + path, f"{self._name} at {url}", timeout, idempotent=method == "GET")

    def _read(self, answer: Answer, call: Call) -> Mapping[str, Any]:
        if answer.status != 200:
            raise self._error(answer)
        value = parse(answer, call)
        if not isinstance(value, dict):
            raise UnexpectedAnswer(f"{call.peer} answered with something else than expected; compare versions")
        return value

    def _error(self, answer: Answer) -> OperatorError:
        text = answer.body[:2048].decode("utf-8", "replace").strip()
        text = text[len("error: ") :] if text.startswith("error: ") else f"{self._name} answered with status {answer.status}" + (f": {text}" if text else "")
        hint = _HINTS.get(answer.status)
        return error_of(answer, text + (f"\n\n{hint}" if hint else ""))


def payload(value: Any, content_type: Optional[str]) -> Tuple[Body, str]:
    """What is sent for a payload: bytes, files and iterables of bytes as they are, everything else as JSON."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), content_type or "application/octet-stream"
    if hasattr(value, "read"):
        return iter(lambda: _bytes(value.read(64 * 1024)), b""), content_type or "application/octet-stream"
    if hasattr(value, "__aiter__") or hasattr(value, "__next__"):
        return value, content_type or "application/octet-stream"
    try:
        return _JSON.encode(value).encode("ascii"), content_type or "application/json"
    except (TypeError, ValueError) as error:
        raise CortexBinaryException(f"the payload can't be written as JSON: {error}; give bytes for anything else") from error


def headers(
    content_type: str,
    more: Optional[Mapping[str, str]],
    idempotency_key: Optional[str],
    priority: Optional[int],
    delay: Union[None, int, str],
    callback_url: Optional[str],
) -> Dict[str, str]:
    """The headers of a submission."""
    result = dict(more or {})
    if not any(name.lower() == "content-type" for name in result):
        result["Content-Type"] = content_type
    for name, value in (("Idempotency-Key", idempotency_key), ("X-Cortex-Priority", priority), ("X-Cortex-Delay", delay), ("X-Cortex-Callback-URL", callback_url)):
        if value is not None:
            result[name] = str(value)
    return result


def failed(state: RequestState) -> RequestFailed:
    """The error for a request that has no result."""
    why = f": {state.message or state.reason}" if state.message or state.reason else ""
    text = f"{state.id} was cancelled" if state.status == "cancelled" else f"{state.id} {state.status}{why}"
    answers = [each.answer for each in state.attempts if each.answer][-1:]
    error = RequestFailed(text + "".join(f"\n  it answered: {answer.strip()}" for answer in answers))
    error.state = state
    return error


def _bytes(piece: Any) -> bytes:
    if not isinstance(piece, bytes):
        raise CortexBinaryException("the file of a payload must be opened for reading bytes: open(path, 'rb')")
    return piece

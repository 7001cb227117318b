"""The operator's routes, as operations."""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote, urlsplit

from cortex._calling import error_of, parse, place, send, unexpected
from cortex._effects import Answer, Body, Call, Operation, Pause
from cortex._version import VERSION
from cortex.environments import Environment
from cortex.exceptions import ApiFailed, CortexBinaryException, CortexTimeout, DeployFailed, Unauthorized
from cortex.results import Api, DeployResult

#: Seconds for one answer, as Cortex's command line had it.
TIMEOUT = 600.0
#: Seconds for an answer that is there at once when it comes at all.
SHORT = 10.0

#: The host of the operator, and the address of all APIs, inside containers of the cluster.
CONTAINER_OPERATOR = "operator.default.svc.cluster.local"
CONTAINER_GATEWAY = "http://ingressgateway-apis.istio-system.svc.cluster.local"

_FAILING = ("err_image_pull", "failed", "killed", "killed_oom")
# Seconds that replicas must fail before waiting on is pointless: long enough for a first restart.
_PATIENCE = 10.0
_FIRST_POLL, _SLOWEST_POLL = 0.05, 1.0

Clock = Callable[[], float]


class Operator:
    """What can be asked of one operator."""

    def __init__(self, environment: Environment, timeout: float = TIMEOUT, clock: Clock = time.monotonic) -> None:
        self.environment = environment
        self.timeout = timeout
        self.clock = clock
        """Seconds, from any moment on."""

    @property
    def is_inside(self) -> bool:
        """Whether this is a container of that operator's cluster."""
        return urlsplit(self.environment.operator_endpoint).hostname == CONTAINER_OPERATOR

    def address(self, path_or_url: str) -> str:
        """The URL of an API, from its endpoint.

        Raises:
            CortexBinaryException: only the operator knows where the path is.
        """
        if self.is_inside:
            # The address for clients outside leads nowhere in here.
            parts = urlsplit(path_or_url)
            return CONTAINER_GATEWAY + parts.path + (f"?{parts.query}" if parts.query else "")
        if path_or_url.startswith("/"):
            raise CortexBinaryException(f"outside of a container an endpoint is a whole URL, not {path_or_url}; leave it out to have the operator asked")
        return path_or_url

    def call(self, method: str, path: str, timeout: Optional[float] = None, **more: Any) -> Call:
        """A request to the operator. GET is idempotent."""
        headers = {"CortexAPIVersion": VERSION, **more.pop("headers", {})}
        if self.environment.token is not None:
            headers["Authorization"] = f"Bearer {self.environment.token}"
        return Call(
            method=method,
            url=self.environment.operator_endpoint + path,
            peer=self.environment.operator,
            timeout=self.timeout if timeout is None else timeout,
            headers=headers,
            idempotent=method == "GET",
            hint=f"check that its cluster is running (`cortex cluster up`) and that this machine can reach it; `cortex env configure {self.environment.name}` changes the address",
            **more,
        )

    def ask(self, call: Call) -> Operation[Any]:
        """The JSON of a successful answer.

        Raises:
            OperatorError: the operator refused.
            UnexpectedAnswer: this is not an operator, or of another version.
        """
        answer = yield from send(call)
        return parse(self.check(answer, call), call)

    def check(self, answer: Answer, call: Call) -> Answer:
        """The answer, if it is a success."""
        if answer.status == 200:
            return answer
        try:
            error = json.loads(answer.body)
        except (ValueError, RecursionError):
            error = None
        if not isinstance(error, dict) or not isinstance(error.get("message"), str):
            where = self.environment.operator_endpoint
            raise unexpected(answer, f"unexpected response from {where} (status code {answer.status}); is that address a Cortex operator's?")
        kind, message = str(error.get("kind", "error")), error["message"]
        if answer.status in (401, 403):
            is_valid = kind == "endpoints.client_access"
            refused = Unauthorized(message if is_valid else f"the {self.environment.name} environment has no valid token: {message}")
            refused.kind, refused.status = kind, answer.status
            raise refused
        places = [place(each) for each in error.get("errors") or []]
        failure = error_of(answer, "\nerror: ".join(each.message for each in places) or message, kind)
        failure.errors = places
        raise failure

    def verify(self) -> Operation[None]:
        """Checks that this is an operator which takes the environment's token; the token goes to nobody else."""
        call = self.call("GET", "/verifycortex", min(self.timeout, SHORT))
        call.headers.pop("Authorization", None)
        answer = yield from send(call)
        if answer.status != 200 or not _is_json(answer.body):
            raise unexpected(answer, f"what answers at {self.environment.operator_endpoint} is not a Cortex operator; check the address (`cortex cluster info` prints it)")
        if self.environment.token is not None:
            yield from self.info()

    def info(self) -> Operation[Dict[str, Any]]:
        """What the operator tells of itself."""
        value = yield from self.ask(self.call("GET", "/info", min(self.timeout, SHORT)))
        return _object(value, self)

    def list(self) -> Operation[List[Api]]:
        """All APIs."""
        value = yield from self.ask(self.call("GET", "/get"))
        return [Api(each) for each in _objects(value, self)]

    def get(self, name: str) -> Operation[Api]:
        """One API."""
        value = yield from self.ask(self.call("GET", f"/get/{segment(name)}"))
        return Api(_first(value, self))

    def describe(self, name: str) -> Operation[Api]:
        """One API with its replicas by state."""
        value = yield from self.ask(self.call("GET", f"/describe/{segment(name)}"))
        return Api(_first(value, self))

    def deploy(self, file_name: str, content: bytes, force: bool) -> Operation[List[DeployResult]]:
        """Deploys a configuration.

        Raises:
            DeployFailed: some of its APIs were refused.
            OperatorError: all of it was refused.
        """
        kind, body = multipart(file_name, content)
        call = self.call("POST", f"/deploy?configFileName={quote(file_name, safe='')}&force={flag(force)}", headers={"Content-Type": kind}, body=body)
        value = yield from self.ask(call)
        return _deployed(value, self)

    def rollback(self, name: str, api_id: Optional[str], force: bool) -> Operation[List[DeployResult]]:
        """Deploys an earlier version."""
        value = yield from self.ask(self.call("POST", f"/rollback/{segment(name)}?apiID={quote(api_id or '', safe='')}&force={flag(force)}"))
        return _deployed(value, self)

    def refresh(self, name: str, force: bool) -> Operation[None]:
        """Replaces all replicas."""
        yield from self.ask(self.call("POST", f"/refresh/{segment(name)}?force={flag(force)}"))

    def delete(self, name: str, keep_cache: bool) -> Operation[None]:
        """Deletes an API."""
        yield from self.ask(self.call("DELETE", f"/delete/{segment(name)}?apiName={quote(name, safe='')}&keepCache={flag(keep_cache)}"))

    def logs(self, name: str, job_id: Optional[str], follow: bool, tail: Optional[int], all_replicas: bool, timeout: Optional[float]) -> Call:
        """The request for log lines, whose answer is read while it comes."""
        query = [f"allPods={flag(all_replicas)}", f"follow={flag(follow)}"]
        if job_id is not None:
            query.append(f"jobID={quote(job_id, safe='')}")
        if tail is not None:
            query.append(f"tail={int(tail)}")
        return self.call("GET", f"/streamlogs/{segment(name)}?{'&'.join(query)}", timeout)

    def wait_until_ready(self, name: str, timeout: float) -> Operation[Api]:
        """Waits until all wanted replicas are ready and of the newest version.

        Raises:
            ApiFailed: they fail again and again.
            CortexTimeout: the time was up.
        """
        begin = self.clock()
        api = yield from self.get(name)
        if api.kind not in ("RealtimeAPI", "AsyncAPI"):
            return api
        failing_since = last_failure = None
        pause = _FIRST_POLL
        while True:
            status = (yield from self.describe(name)).status
            if status is None:
                raise _strange(self)
            now, counts = self.clock(), status.counts
            if counts.get("ready", 0) >= counts.get("requested", 0) and not counts.get("ready_out_of_date"):
                return (yield from self.get(name))
            states = ", ".join(f"{count} {state}" for state, count in counts.items() if count and state not in ("ready", "requested"))
            text = f"({counts.get('ready', 0)} of {counts.get('requested', 0)} ready" + (f", {states})" if states else ")") + "".join(f"\n  {reason}" for reason in status.reasons)
            if any(counts.get(state) for state in _FAILING):
                failing_since, last_failure = now if failing_since is None else failing_since, now
                if now - failing_since > _PATIENCE:
                    raise ApiFailed(f"{name} can't become ready {text}")
            elif last_failure is not None and now - last_failure > _PATIENCE:
                # A replica that crashes looks well between its restarts, so one good look proves nothing.
                failing_since = last_failure = None
            left = timeout - (now - begin)
            if left <= 0:
                raise CortexTimeout(f"{name} is not ready after {timeout:g} s {text}")
            yield Pause(min(pause, left))
            pause = min(pause * 1.5, _SLOWEST_POLL)


def segment(name: str) -> str:
    """A name as a part of a path.

    Raises:
        CortexBinaryException: no API can have it.
    """
    if not isinstance(name, str) or not name.strip("."):
        raise CortexBinaryException(f"{name!r} is not the name of an API")
    return quote(name, safe="")


def flag(value: bool) -> str:
    """A boolean in a query."""
    return "true" if value else "false"


def configuration(specs: Sequence[Mapping[str, Any]]) -> bytes:
    """APIs as a configuration file. JSON is YAML, but for a few characters that YAML wants to see escaped."""
    text = json.dumps(list(specs), ensure_ascii=False, allow_nan=False, indent=1)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]", lambda match: f"\\u{ord(match.group()):04x}", text).encode()


def multipart(file_name: str, content: bytes) -> Tuple[str, Body]:
    """A form with one file: its type, and its bytes."""
    boundary = f"cortex{os.urandom(16).hex()}"
    name = re.sub(r'["\r\n\\]', "_", file_name)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="config"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    return f"multipart/form-data; boundary={boundary}", head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def _deployed(value: Any, operator: Operator) -> List[DeployResult]:
    results = [DeployResult(each) for each in _objects(value, operator)]
    failed = [each.error for each in results if each.error]
    if failed:
        error = DeployFailed("\n".join(text[len("error: ") :] if number == 0 and text.startswith("error: ") else text for number, text in enumerate(failed)))
        error.results = results
        raise error
    if not results:
        raise _strange(operator)
    return results


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _object(value: Any, operator: Operator) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise _strange(operator)
    return value


def _objects(value: Any, operator: Operator) -> List[Dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _strange(operator)
    return value


def _first(value: Any, operator: Operator) -> Dict[str, Any]:
    values = _objects(value, operator)
    if not values:
        raise _strange(operator)
    return values[0]


def _strange(operator: Operator) -> Exception:
    return unexpected(Answer(200, {}, b""), f"{operator.environment.operator} answered with something else than expected; compare versions")



"""Calls of Realtime APIs, as an operation."""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional

from cortex._calling import error_of, send
from cortex._effects import Call, Operation
from cortex._operator import Operator
from cortex._requests import payload as encode


def call(
    operator: Operator, api_name: str, endpoint: Optional[str], payload: Any, path: str, method: str, headers: Optional[Mapping[str, str]], timeout: Optional[float]
) -> Operation[Any]:
    """Calls an API and gives its answer: parsed when it is JSON, a text when it is text, else bytes.

    Only GET and HEAD are sent again when the connection breaks: what a container does with the others, only it knows.
    """
    if endpoint is None:
        endpoint = (yield from operator.get(api_name)).endpoint
    url = operator.address(endpoint).rstrip("/") + path
    body, kind = (None, None) if payload is None else encode(payload, None)
    sent = dict(headers or {})
    if kind is not None and not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = kind
    request = Call(method, url, f"{api_name} at {url}", operator.timeout if timeout is None else timeout, sent, body, idempotent=method in ("GET", "HEAD"))
    answer = yield from send(request)
    if not 200 <= answer.status < 300:
        text = answer.body[:2048].decode("utf-8", "replace").strip()
        raise error_of(answer, f"{api_name} answered with status {answer.status}" + (f": {text}" if text else ""))
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise error_of(answer, f"{api_name} answered with something that is no JSON, although it says so: {error}") from error
    return answer.body.decode("utf-8", "replace") if kind.startswith("text/") else answer.body

"""Sends a call, again if need be, and reads what came."""

from __future__ import annotations

import json
from typing import Any

from cortex._effects import Answer, Call, Operation, Pause
from cortex.exceptions import CertificateRefused, ConnectionFailed, ErrorPlace, OperatorError, UnexpectedAnswer

#: Seconds before each further try.
PAUSES = (0.1, 0.4, 1.0)

#: Statuses that say "not now": what is idempotent is tried again.
BUSY = (502, 503)


def send(call: Call) -> Operation[Answer]:
    """Sends a call up to four times: when nothing was sent, or when sending it twice does no harm.

    Raises:
        ConnectionFailed: there is no connection, or it was lost when the call must not be repeated.
        CortexTimeout: the time was up; this is not tried again.
    """
    for pause in PAUSES:
        try:
            answer: Answer = yield call
        except CertificateRefused:
            raise
        except ConnectionFailed as failure:
            if failure.sent and not call.idempotent:
                raise
        else:
            if not (call.idempotent and answer.status in BUSY):
                return answer
        yield Pause(pause)
    last: Answer = yield call
    return last


def parse(answer: Answer, call: Call) -> Any:
    """The JSON of an answer.

    Raises:
        UnexpectedAnswer: it is none.
    """
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise unexpected(answer, f"{call.peer} answered with something else than JSON ({error}); compare versions") from error


def unexpected(answer: Answer, text: str) -> UnexpectedAnswer:
    """What was answered is not Cortex's."""
    error = UnexpectedAnswer(text)
    error.status = answer.status
    return error


def error_of(answer: Answer, text: str, kind: str = "error") -> OperatorError:
    """An error in the cluster's words."""
    error = OperatorError(text)
    error.kind, error.status = kind, answer.status
    return error


def place(value: Any) -> ErrorPlace:
    """One entry of ``errors``."""
    value = value if isinstance(value, dict) else {}
    return ErrorPlace(
        kind=str(value.get("kind", "error")),
        line=int(value.get("line") or 0),
        column=int(value.get("column") or 0),
        api=str(value.get("api") or ""),
        path=str(value.get("path") or ""),
        message=str(value.get("message") or "").rstrip(),
    )

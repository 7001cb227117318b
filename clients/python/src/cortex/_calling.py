"""Sends a call, again if need be, and reads what came; the bounds of connections, and the errors that end them."""

from __future__ import annotations

import json
from typing import Any, Dict

from cortex._effects import MAX_ANSWER, Answer, Call, Operation, Pause
from cortex._http import AnswerReader
from cortex.exceptions import CertificateRefused, ConnectionFailed, CortexTimeout, ErrorPlace, OperatorError, UnexpectedAnswer

#: Seconds to wait for a connection.
CONNECT_TIMEOUT = 10.0

#: The most seconds that the clock of a socket can count; what is longer ends then.
LONGEST = 2e6

#: Seconds that a connection without use is kept; servers close theirs later.
IDLE = 20.0

#: Seconds before each further try.
PAUSES = (0.1, 0.4, 1.0)

#: Statuses that say "not now": what is idempotent is tried again.
BUSY = (502, 503)


class Arriving:
    """An answer whose head is there."""

    def __init__(self, reader: AnswerReader, call: Call) -> None:
        self._reader = reader
        self._call = call

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._reader.status

    @property
    def headers(self) -> Dict[str, str]:
        """By lower-case name."""
        return self._reader.headers


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


def unreachable(call: Call, error: BaseException) -> ConnectionFailed:
    """There is no connection, and nothing was sent."""
    return ConnectionFailed(f"failed to connect to {call.peer}: {reason(error)}" + (f"\n\n{call.hint}" if call.hint else ""))


def lost(call: Call, error: BaseException) -> ConnectionFailed:
    """There was a connection, and a part of the request may have arrived."""
    failure = ConnectionFailed(
        f"the connection to {call.peer} was lost: {reason(error)}" + ("" if call.idempotent else "; whether the request was done is not known")
    )
    failure.sent = True
    return failure


def late(call: Call) -> CortexTimeout:
    """The time was up."""
    return CortexTimeout(f"{call.peer} did not answer within {call.timeout:g} s" + ("" if call.idempotent else "; the request may be done all the same"))


def too_large(call: Call) -> UnexpectedAnswer:
    """The answer does not fit into memory."""
    return UnexpectedAnswer(f"the answer of {call.peer} has more than {MAX_ANSWER} bytes")


def reason(error: BaseException) -> str:
    """An error in a few words."""
    if isinstance(error, TimeoutError) or not str(error):
        return "no connection within the time" if isinstance(error, TimeoutError) else type(error).__name__
    return getattr(error, "strerror", None) or str(error)

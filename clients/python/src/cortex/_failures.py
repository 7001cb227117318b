"""What both kinds of connections have in common: their bounds, and the errors that end them."""

from __future__ import annotations

from cortex._effects import MAX_ANSWER, Call
from cortex.exceptions import ConnectionFailed, CortexTimeout, UnexpectedAnswer

#: Seconds to wait for a connection.
CONNECT_TIMEOUT = 10.0

#: Seconds that a connection without use is kept; servers close theirs later.
IDLE = 20.0


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

"""What can go wrong. Everything is a :class:`CortexException`.

Cortex 0.42's client ran the command line and raised :class:`CortexBinaryException` when that failed. This client runs no
binary, but whatever failed there is still of that class here, so that ``except CortexBinaryException`` keeps its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Sequence

if TYPE_CHECKING:
    from cortex.results import DeployResult, Job, RequestState


class CortexException(Exception):
    """The base of all errors of this package."""


class NotFound(CortexException):
    """There is no environment of that name, or none was named and there is no default."""


class CortexBinaryException(CortexException):
    """An operation failed. The name is Cortex 0.42's, where a binary did the work."""


class ConfigError(CortexBinaryException):
    """The environments file can't be read or written, or an address or a certificate in it is none."""


class ConnectionFailed(CortexBinaryException):
    """The other side could not be reached, or the connection was lost."""

    #: Whether a part of the request may have arrived. When False, nothing was sent, and trying again does nothing twice.
    sent: bool = False


class CertificateRefused(ConnectionFailed):
    """The other side of a TLS connection is not who it should be. Nothing was sent to it."""


class CortexTimeout(CortexBinaryException, TimeoutError):
    """The time was up. What was waited for may still happen."""


class UnexpectedAnswer(CortexBinaryException):
    """What answered is not a Cortex cluster, or one of a version that this client does not understand."""

    #: The HTTP status.
    status: int = 0


@dataclass(frozen=True)
class ErrorPlace:
    """One error of a configuration, with its place."""

    kind: str
    """Cortex's name of the rule, such as ``spec.unsupported_key``."""
    line: int
    """Counted from 1; 0 without a place."""
    column: int
    """Counted from 1; 0 without a place."""
    api: str
    """The API's name, or an empty text."""
    path: str
    """Where in the API, such as ``pod.containers[0].image``."""
    message: str
    """The whole, as one line."""


class OperatorError(CortexBinaryException):
    """The cluster refused, and said why: that is the text of the exception."""

    #: Cortex's name of the error, such as ``resources.api_not_deployed``; ``error`` when it has none.
    kind: str = "error"
    #: The HTTP status.
    status: int = 0
    #: Every error of a configuration with its place; empty for other errors.
    errors: Sequence[ErrorPlace] = ()


class Unauthorized(OperatorError):
    """The operator asks for a token, does not take this one, or this one does not open what was asked for."""


class DeployFailed(CortexBinaryException):
    """Some of the APIs of a configuration were refused."""

    #: The outcome of every API, those that were deployed included.
    results: Sequence[DeployResult] = ()


class ApiFailed(CortexBinaryException):
    """The replicas of an API can't become ready. The text has the reasons."""


class JobFailed(CortexBinaryException):
    """A job ended, and not well. The text has its last words."""

    #: The job.
    job: Optional[Job] = None


class RequestFailed(CortexBinaryException):
    """A request of an Async API failed or was cancelled."""

    #: Its last state, with the reason and the attempts.
    state: Optional[RequestState] = None

"""What an operation asks of the outside world.

Operations are generators: they yield a :class:`Call` or a :class:`Pause` and are sent what came of it. So each is
written once, runs on a thread (``_blocking``) and on an event loop (``_looped``) alike, and is tested without either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, AsyncIterable, Dict, Generator, Iterable, Optional, TypeVar, Union

T = TypeVar("T")

#: A body of bytes, or one that is sent while it is read. Only the asyncio client takes asynchronous ones.
Body = Union[bytes, Iterable[bytes], AsyncIterable[bytes]]

#: The largest answer that is read into memory, in bytes.
MAX_ANSWER = 1024 * 1024 * 1024


@dataclass
class Call:
    """One HTTP request, answered by an :class:`Answer`."""

    method: str
    url: str
    peer: str
    """Who is called, for errors: ``the operator of the prod environment at https://...``."""
    timeout: float
    """Seconds for the whole of it, from the connection to the last byte."""
    headers: Dict[str, str] = field(default_factory=dict)
    body: Optional[Body] = None
    idempotent: bool = False
    """Whether sending it twice does no more than sending it once."""
    hint: str = ""
    """What to do when the other side can't be reached."""


@dataclass
class Answer:
    """The answer to a :class:`Call`, whatever its status."""

    status: int
    headers: Dict[str, str]
    """By lower-case name; of several with one name, all, separated by commas."""
    body: bytes


@dataclass(frozen=True)
class Pause:
    """A wait, in seconds."""

    seconds: float


#: Yields effects, is sent an :class:`Answer` for each call and nothing for a pause, and returns a ``T``.
Operation = Generator[Union[Call, Pause], Any, T]

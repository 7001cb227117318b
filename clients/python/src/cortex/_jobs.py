"""Jobs, as operations."""

from __future__ import annotations

import json
import math
from typing import Any, AsyncIterable, AsyncIterator, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union
from urllib.parse import quote

from cortex._calling import error_of, send
from cortex._effects import Body, Call, Operation, Pause
from cortex._operator import Operator, _object, _strange, segment
from cortex.exceptions import CertificateRefused, ConnectionFailed, CortexBinaryException, CortexTimeout, JobFailed
from cortex.results import DeadLetter, Job, JobReport, dead_letter

#: Seconds that one question waits for the end of a job.
_LONG_POLL = 30.0
#: Seconds between questions to an operator that does not wait.
_PAUSE = 1.0
#: Seconds that an operator may be away while a job is waited for: it may be restarted.
_ABSENCE = 120.0
#: Seconds for a submission, which may have to be uploaded.
_UPLOAD = 24 * 3600.0
#: Bytes of items that are sent together.
_PIECE = 64 * 1024

KINDS = ("BatchAPI", "TaskAPI")


class JobRoutes:
    """The jobs of one API."""

    def __init__(self, operator: Operator, api_name: str, kind: Optional[str] = None) -> None:
        if kind is not None and kind not in KINDS:
            raise ValueError(f"jobs are of the kinds {' and '.join(KINDS)}, not {kind}")
        self._operator = operator
        self._name = api_name
        self._kind = kind

    def path(self, **query: Union[None, str, int, float]) -> Operation[str]:
        """Path and query. The first time the operator is asked for the API's kind."""
        if self._kind is None:
            self._kind = (yield from self._operator.get(self._name)).kind
        # An API that has no jobs is asked about as a task, so that the operator says what is wrong.
        route = "batch" if self._kind == "BatchAPI" else "tasks"
        parameters = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in query.items() if value is not None)
        return f"/{route}/{segment(self._name)}{'?' if parameters else ''}{parameters}"

    def submit(self, submission: Mapping[str, Any]) -> Operation[Job]:
        """Submits a job."""
        call = yield from self._submission({}, json.dumps(submission, allow_nan=False).encode("ascii"), "application/json")
        return Job(_object((yield from self._operator.ask(call)), self._operator))

    def submit_items(self, items: Body, settings: Mapping[str, Any]) -> Operation[Job]:
        """Submits a batch job whose items are sent while they are read."""
        if self._kind is None:
            # An unknown API is better found out before the items are asked for.
            yield from self.path()
        call = yield from self._submission(settings, items, "application/x-ndjson")
        return Job(_object((yield from self._operator.ask(call)), self._operator))

    def dry_run(self, submission: Mapping[str, Any]) -> Operation[List[str]]:
        """Has a submission checked. Gives the names of the files that its source has."""
        call = yield from self._submission({"dryRun": "true"}, json.dumps(submission, allow_nan=False).encode("ascii"), "application/json")
        answer = yield from send(call)
        if answer.status == 400 and answer.headers.get("content-type", "").startswith("text/plain"):
            raise error_of(answer, answer.body.decode("utf-8", "replace").strip())
        self._operator.check(answer, call)
        return answer.body.decode("utf-8", "replace").splitlines()[:-1]

    def get(self, job_id: str, wait: Optional[float] = None) -> Operation[JobReport]:
        """A job, at once or when it has ended or the wait (in seconds, at most 5 minutes) is over."""
        path = yield from self.path(jobID=job_id, wait=None if wait is None else f"{wait:.3f}")
        call = self._operator.call("GET", path, (wait or 0) + self._operator.timeout)
        return JobReport(_object((yield from self._operator.ask(call)), self._operator))

    def wait(self, job_id: str, timeout: float, check: bool) -> Operation[JobReport]:
        """Waits for the end of a job. An operator that is being restarted is waited for, too."""
        clock = self._operator.clock
        begin = seen = clock()
        while True:
            asked = clock()
            left = timeout - (asked - begin)
            try:
                report = yield from self.get(job_id, max(0.0, min(_LONG_POLL, left)))
            except CertificateRefused:
                raise
            except ConnectionFailed:
                if clock() - seen > _ABSENCE:
                    raise
            else:
                seen = clock()
                if report.ended:
                    if check and not report.succeeded:
                        raise failed(report.job)
                    return report
                if left <= 0:
                    raise CortexTimeout(f"job {job_id} of {self._name} is {report.status} after {timeout:g} s" + (f": {report.job.message}" if report.job.message else ""))
            pause = min(_PAUSE - (clock() - asked), timeout - (clock() - begin))
            if pause > 0:
                yield Pause(pause)

    def stop(self, job_id: str) -> Operation[str]:
        """Stops a job; the operator's words."""
        path = yield from self.path(apiName=self._name, jobID=job_id)
        value = _object((yield from self._operator.ask(self._operator.call("DELETE", path))), self._operator)
        return str(value.get("message", ""))

    def dead_letters(self, job_id: str, cursor: Optional[str]) -> Operation[Tuple[List[DeadLetter], Optional[str]]]:
        """One page of the batches that a job gave up, and what leads to the next."""
        path = yield from self.path(jobID=job_id, deadLetters="true", limit=100, cursor=cursor)
        value = _object((yield from self._operator.ask(self._operator.call("GET", path))), self._operator)
        letters = value.get("dead_letters")
        if not isinstance(letters, list):
            raise _strange(self._operator)
        return [dead_letter(each) for each in letters], value.get("cursor") or None

    def retry_dead_letters(self, job_id: str, workers: Optional[int]) -> Operation[Job]:
        """Submits a job of the batches that another one gave up."""
        path = yield from self.path(jobID=job_id, retryDeadLetters="true", workers=workers)
        return Job(_object((yield from self._operator.ask(self._operator.call("POST", path))), self._operator))

    def _submission(self, query: Mapping[str, Any], body: Body, kind: str) -> Operation[Call]:
        path = yield from self.path(**query)
        return self._operator.call("POST", path, max(_UPLOAD, self._operator.timeout), headers={"Content-Type": kind}, body=body)


def submission(
    given: Optional[Mapping[str, Any]], config: Optional[Mapping[str, Any]], timeout: Optional[int], priority: Optional[int], workers: Optional[int]
) -> Dict[str, Any]:
    """The body of a submission: what is given as a whole, and over it what is given by itself."""
    body = dict(given or {})
    for key, value in (("config", config), ("timeout", timeout), ("priority", priority), ("workers", workers)):
        if value is not None:
            body[key] = value
    return body


def settings(
    workers: int, batch_size: int, config: Optional[Mapping[str, Any]], timeout: Optional[int], max_receive_count: Optional[int]
) -> Dict[str, Union[None, str, int]]:
    """What a streamed submission says beside its items."""
    return {
        "workers": workers,
        "batch_size": batch_size,
        "timeout": timeout,
        "max_receive_count": max_receive_count,
        "config": None if config is None else json.dumps(config, ensure_ascii=False, allow_nan=False),
    }


class _Gatherer:
    """Puts items as JSON lines together to pieces worth sending."""

    def __init__(self) -> None:
        self._lines: List[str] = []
        self._size = 0

    def add(self, item: Any) -> bytes:
        """Takes an item; a piece when there is enough for one, else nothing."""
        line = _encode(item)
        self._lines.append(line)
        self._size += len(line)
        return self.take() if self._size >= _PIECE else b""

    def take(self) -> bytes:
        """What has come together."""
        piece = "".join(self._lines).encode("ascii")
        self._lines, self._size = [], 0
        return piece


def lines(items: Iterable[Any]) -> Iterator[bytes]:
    """Items as JSON, one on a line, in pieces worth sending."""
    gatherer = _Gatherer()
    for item in items:
        piece = gatherer.add(item)
        if piece:
            yield piece
    rest = gatherer.take()
    if rest:
        yield rest


async def lines_async(items: Union[Iterable[Any], AsyncIterable[Any]]) -> AsyncIterator[bytes]:
    """The same, from an asynchronous source."""
    if not isinstance(items, AsyncIterable):
        for piece in lines(items):
            yield piece
        return
    gatherer = _Gatherer()
    async for item in items:
        piece = gatherer.add(item)
        if piece:
            yield piece
    rest = gatherer.take()
    if rest:
        yield rest


def failed(job: Job) -> JobFailed:
    """The error for a job that did not end well."""
    exit_code = "" if job.exit_code is None else f" (exit code {job.exit_code})"
    text = f"job {job.job_id} of {job.api_name} ended as {job.status}{exit_code}" + (f": {job.message}" if job.message else "")
    error = JobFailed(text + "".join(f"\n  {line}" for line in job.last_log_lines))
    error.job = job
    return error


def check_timeout(timeout: float) -> float:
    """A time that somebody is willing to wait, in seconds.

    Raises:
        ValueError: it is none.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or math.isnan(timeout) or timeout < 0:
        raise ValueError(f"a timeout is a number of seconds, 0 or more (math.inf for as long as it takes), not {timeout!r}")
    return timeout


def _encode(item: Any) -> str:
    try:
        # ASCII, so that half a surrogate pair in a text does no harm.
        return json.dumps(item, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise CortexBinaryException(f"an item of a batch job can't be written as JSON: {error}") from error

"""What the cluster answers.

Where Cortex 0.42's client gave a dict, there is a dict here too, whole and unchanged, with typed properties besides:
``api["status"]["ready"]`` and ``api.status.ready`` are the same. What Cortex's client did not have is a dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional

#: Statuses of a job that has not ended.
UNFINISHED = ("pending", "enqueuing", "running")

#: Statuses of an Async API's request that will not change by themselves.
FINAL = ("completed", "failed", "cancelled")


class Document(Dict[str, Any]):
    """An answer of the cluster."""

    def _map(self, key: str) -> Mapping[str, Any]:
        value = self.get(key)
        return value if isinstance(value, dict) else {}

    def _list(self, key: str) -> List[Any]:
        value = self.get(key)
        return value if isinstance(value, list) else []

    def _text(self, key: str) -> str:
        return _text(self.get(key))


@dataclass(frozen=True)
class ReplicaStatus:
    """The replicas of a Realtime or Async API."""

    ready: int
    """Those that take requests, of any version."""
    requested: int
    """Those that exist, of any version."""
    up_to_date: int
    """Those of the newest version, in any state."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """By state; only in the answer of ``describe``."""
    reasons: List[str] = field(default_factory=list)
    """Why replicas are not ready."""


@dataclass(frozen=True)
class ApiVersion:
    """One version in the history of an API."""

    api_id: str
    last_updated: int
    """Unix seconds."""


class Api(Document):
    """An API, as ``get_api``, ``list_apis`` and ``describe`` give it. What is not in that answer is empty or None."""

    @property
    def name(self) -> str:
        """Its name."""
        return _text(self._map("metadata").get("name") or self.spec.get("name"))

    @property
    def kind(self) -> str:
        """``RealtimeAPI``, ``AsyncAPI``, ``BatchAPI``, ``TaskAPI`` or ``TrafficSplitter``."""
        return _text(self._map("metadata").get("kind") or self.spec.get("kind"))

    @property
    def id(self) -> str:
        """The id of this version."""
        return _text(self._map("metadata").get("id") or self.spec.get("id"))

    @property
    def last_updated(self) -> int:
        """When this version was deployed, in Unix seconds; 0 when the answer does not say."""
        return _number(self._map("metadata").get("last_updated") or self.spec.get("last_updated"))

    @property
    def endpoint(self) -> str:
        """The URL that clients call; not in lists."""
        return self._text("endpoint")

    @property
    def spec(self) -> Mapping[str, Any]:
        """The whole specification; not in lists."""
        return self._map("spec")

    @property
    def status(self) -> Optional[ReplicaStatus]:
        """The replicas of a Realtime or Async API; None for other kinds."""
        if "status" not in self:
            return None
        status = self._map("status")
        counts = status.get("replica_counts")
        return ReplicaStatus(
            ready=_number(status.get("ready")),
            requested=_number(status.get("requested")),
            up_to_date=_number(status.get("up_to_date")),
            counts={key: value for key, value in counts.items() if isinstance(value, int)} if isinstance(counts, dict) else {},
            reasons=[str(reason) for reason in status.get("reasons") or []],
        )

    @property
    def jobs(self) -> List[Job]:
        """The latest jobs of a Batch or Task API, newest first."""
        return [Job(job) for job in self._list("batch_job_statuses") or self._list("task_job_statuses")]

    @property
    def versions(self) -> List[ApiVersion]:
        """The newest versions, newest first, this one included; not in lists."""
        return [ApiVersion(_text(each.get("api_id")), _number(each.get("last_updated"))) for each in self._list("api_versions")]


class DeployResult(Document):
    """What came of one API of a deployment: ``{"api": {"spec", "endpoint"}, "message", "error"}``."""

    @property
    def api(self) -> Optional[Api]:
        """Its specification and endpoint; None when it was refused."""
        return Api(self["api"]) if isinstance(self.get("api"), dict) else None

    @property
    def message(self) -> str:
        """Such as ``creating hello (RealtimeAPI)``; empty when it was refused."""
        return self._text("message")

    @property
    def error(self) -> str:
        """Why it was refused; empty when it was not."""
        return self._text("error")


class Job(Document):
    """A job: the answer to its submission, and ``job_status`` of :class:`JobReport`."""

    @property
    def job_id(self) -> str:
        """Its id."""
        return self._text("job_id")

    @property
    def api_name(self) -> str:
        """The API that it was submitted to."""
        return self._text("api_name")

    @property
    def kind(self) -> str:
        """``BatchAPI`` or ``TaskAPI``."""
        return self._text("kind")

    @property
    def status(self) -> str:
        """``pending``, ``running``, ``succeeded``, ... (see the guide); ``pending`` in the answer to a submission, which has none."""
        return self._text("status") or "pending"

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.status not in UNFINISHED

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status == "succeeded"

    @property
    def workers(self) -> int:
        """How many workers it has."""
        return _number(self.get("workers"))

    @property
    def config(self) -> Any:
        """What the submission said."""
        return self.get("config")

    @property
    def start_time(self) -> str:
        """When it was submitted, such as ``2026-11-21T22:31:07.5Z``."""
        return self._text("start_time")

    @property
    def end_time(self) -> Optional[str]:
        """When it ended; None before."""
        return self._text("end_time") or None

    @property
    def message(self) -> str:
        """What it waits for, or why it ended as it did; empty when there is nothing to say."""
        return self._text("message")

    @property
    def exit_code(self) -> Optional[int]:
        """Of the container that failed first; None when none did."""
        code = self.get("exit_code")
        return code if isinstance(code, int) else None

    @property
    def last_log_lines(self) -> List[str]:
        """Of a job that did not succeed."""
        return [str(line) for line in self._list("last_log_lines")]

    @property
    def total_batch_count(self) -> int:
        """Batches that were put into the queue of a batch job so far."""
        return _number(self.get("total_batch_count"))

    @property
    def batches_in_queue(self) -> int:
        """Batches of a batch job that wait or are worked on."""
        return _number(self.get("batches_in_queue"))


@dataclass(frozen=True)
class BatchMetrics:
    """The batches of a batch job."""

    succeeded: int
    failed: int
    """Those that were given up."""
    average_time_per_batch: Optional[float]
    """Seconds; None before the first has succeeded."""


class JobReport(Document):
    """A job with what it runs, as ``get_job`` gives it: ``{"api_spec", "job_status", "metrics", "endpoint"}``."""

    @property
    def job(self) -> Job:
        """The job with its status."""
        return Job(self._map("job_status"))

    @property
    def status(self) -> str:
        """The job's status."""
        return self.job.status

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.job.ended

    @property
    def succeeded(self) -> bool:
        """Whether the job ended well."""
        return self.job.succeeded

    @property
    def endpoint(self) -> str:
        """The URL that tells of this job."""
        return self._text("endpoint")

    @property
    def metrics(self) -> Optional[BatchMetrics]:
        """Of a batch job; None for a task."""
        metrics = self.get("metrics")
        if not isinstance(metrics, dict):
            return None
        average = metrics.get("average_time_per_batch")
        return BatchMetrics(_number(metrics.get("succeeded")), _number(metrics.get("failed")), float(average) if isinstance(average, (int, float)) else None)


@dataclass(frozen=True)
class Attempt:
    """One try that came to nothing: of a request, or of a batch."""

    started: str
    ended: str
    worker: str
    """The replica."""
    reason: str
    """Such as ``bad_status``."""
    message: str
    status_code: Optional[int] = None
    """What the container answered with, if it did."""
    answer: str = ""
    """The beginning of what it answered."""


@dataclass(frozen=True)
class DeadLetter:
    """A batch that a job gave up."""

    id: str
    batch: List[Any]
    """Its items."""
    attempts: List[Attempt]
    end_time: Optional[str] = None


@dataclass(frozen=True)
class RequestState:
    """A request of an Async API."""

    id: str
    status: str
    """``in_queue``, ``in_progress``, ``completed``, ``failed`` or ``cancelled``."""
    result: Any = None
    """What the container answered, once it is completed."""
    timestamp: Optional[str] = None
    """When it became final, such as ``2026-11-21T22:31:07Z``."""
    not_before: Optional[str] = None
    """When it waits for its time, that time."""
    reason: str = ""
    """Why it failed, as a word such as ``timeout``."""
    message: str = ""
    """Why it failed, as a sentence."""
    attempts: List[Attempt] = field(default_factory=list)
    """The latest attempts that came to nothing."""
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The whole answer."""

    @property
    def done(self) -> bool:
        """Whether the status is final."""
        return self.status in FINAL

    @property
    def completed(self) -> bool:
        """Whether there is a result."""
        return self.status == "completed"


@dataclass(frozen=True)
class RequestSummary:
    """A request in a list."""

    id: str
    status: str
    priority: int
    created: str
    timestamp: Optional[str] = None
    """When it became final."""


def request_state(value: Mapping[str, Any]) -> RequestState:
    """Reads the document of a request."""
    error = value.get("error")
    error = error if isinstance(error, dict) else {}
    return RequestState(
        id=_text(value.get("id")),
        status=_text(value.get("status")),
        result=value.get("result"),
        timestamp=_text(value.get("timestamp")) or None,
        not_before=_text(value.get("not_before")) or None,
        reason=_text(error.get("reason")),
        message=_text(error.get("message")),
        attempts=[attempt(each) for each in value.get("attempts") or [] if isinstance(each, dict)],
        document=value,
    )


def request_summary(value: Mapping[str, Any]) -> RequestSummary:
    """Reads one entry of a list of requests."""
    return RequestSummary(
        _text(value.get("id")), _text(value.get("status")), _number(value.get("priority")), _text(value.get("created")), _text(value.get("timestamp")) or None
    )


def dead_letter(value: Mapping[str, Any]) -> DeadLetter:
    """Reads one entry of a list of batches that were given up."""
    batch = value.get("batch")
    return DeadLetter(
        id=_text(value.get("id")),
        batch=batch if isinstance(batch, list) else [batch],
        attempts=[attempt(each) for each in value.get("attempts") or [] if isinstance(each, dict)],
        end_time=_text(value.get("end_time")) or None,
    )


def attempt(value: Mapping[str, Any]) -> Attempt:
    """Reads an attempt; those of requests and of batches name some things differently."""
    status = value.get("status_code", value.get("status"))
    return Attempt(
        started=_text(value.get("started") or value.get("start_time")),
        ended=_text(value.get("ended") or value.get("end_time")),
        worker=_text(value.get("worker")),
        reason=_text(value.get("reason")),
        message=_text(value.get("message")),
        status_code=status if isinstance(status, int) else None,
        answer=_text(value.get("answer")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0

"""Jobs of one API."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, List, Mapping, Optional

from cortex._blocking import Transport
from cortex._jobs import JobRoutes, check_timeout, lines, settings, submission
from cortex._operator import Operator
from cortex.results import DeadLetter, Job, JobReport


class Jobs:
    """The jobs of a Batch or Task API, as ``client.jobs(name)`` gives them."""

    def __init__(self, transport: Transport, operator: Operator, api_name: str, kind: Optional[str] = None) -> None:
        self._transport = transport
        self._routes = JobRoutes(operator, api_name, kind)

    def submit(
        self,
        job: Optional[Mapping[str, Any]] = None,
        *,
        config: Optional[Mapping[str, Any]] = None,
        timeout: Optional[int] = None,
        priority: Optional[int] = None,
        workers: Optional[int] = None,
    ) -> Job:
        """Submits a job.

        Args:
            job: the whole submission, such as ``{"workers": 2, "item_list": {"items": [...], "batch_size": 10}}``; may be left out for a task.
            config: any JSON object, which the containers find in ``/cortex/spec/job.json``.
            timeout: seconds after which the job is ended.
            priority: 0 to 9; higher ones start first.
            workers: how many; needed for a batch job.

        The last four come in the place of what ``job`` says.
        """
        return self._transport.run(self._routes.submit(submission(job, config, timeout, priority, workers)))

    def submit_items(
        self,
        items: Iterable[Any],
        *,
        workers: int = 1,
        batch_size: int = 1,
        config: Optional[Mapping[str, Any]] = None,
        timeout: Optional[int] = None,
        max_receive_count: Optional[int] = None,
    ) -> Job:
        """Submits a batch job of any number of items. They are sent while they are read, and never held in memory together.

        Args:
            items: JSON values; a generator will do.
            workers: how many.
            batch_size: how many items a worker gets at a time.
            config: as for :meth:`submit`.
            timeout: as for :meth:`submit`.
            max_receive_count: how often a batch that fails is tried.

        When ``items`` raises an error, nothing is submitted.
        """
        return self._transport.run(self._routes.submit_items(lines(items), settings(workers, batch_size, config, timeout, max_receive_count)))

    def dry_run(self, job: Mapping[str, Any]) -> List[str]:
        """Has a submission of a batch job checked without submitting it. Gives the names of the files that its source has.

        Raises:
            cortex.exceptions.OperatorError: it would be refused.
        """
        return self._transport.run(self._routes.dry_run(job))

    def get(self, job_id: str) -> JobReport:
        """A job as it is now."""
        return self._transport.run(self._routes.get(job_id))

    def wait(self, job_id: str, timeout: float = 3600.0, check: bool = False) -> JobReport:
        """Waits for the end of a job, over a restart of the cluster too.

        Args:
            job_id: the job.
            timeout: seconds; ``math.inf`` for as long as it takes.
            check: whether a job that did not succeed is an error.

        Raises:
            cortex.exceptions.CortexTimeout: it has not ended in time. It goes on.
            cortex.exceptions.JobFailed: it did not succeed, and ``check`` was given.
        """
        return self._transport.run(self._routes.wait(job_id, check_timeout(timeout), check))

    def stop(self, job_id: str) -> None:
        """Stops a job.

        Raises:
            cortex.exceptions.OperatorError: there is none, or it has ended.
        """
        self._transport.run(self._routes.stop(job_id))

    def dead_letters(self, job_id: str) -> Iterator[DeadLetter]:
        """The batches that a job gave up, the last ones first."""
        cursor: Optional[str] = None
        while True:
            letters, cursor = self._transport.run(self._routes.dead_letters(job_id, cursor))
            yield from letters
            if cursor is None:
                return

    def retry_dead_letters(self, job_id: str, workers: Optional[int] = None) -> Job:
        """Submits a new job of the batches that an ended job gave up; ``workers`` changes how many work on them."""
        return self._transport.run(self._routes.retry_dead_letters(job_id, workers))

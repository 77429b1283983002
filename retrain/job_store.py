"""APScheduler's job store in SQLite, without pickles: only when a job runs next has to outlive a process.

APScheduler's own store unpickles whatever the file holds, so that whoever may write the file may run code. This one
keeps JSON, and takes what a job does from the process that asks for it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import structlog
from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.util import datetime_to_utc_timestamp
from msgspec import Meta, Struct
from sqlalchemy.exc import SQLAlchemyError

from retrain.cron import trigger_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# How soon the disk is tried again.
_PAUSE = timedelta(seconds=30)

_log = structlog.get_logger(__name__)


class _Kept(Struct, frozen=True, kw_only=True):
    """A job as it lies on the disk."""

    id: str
    cron: str
    next_run: Annotated[datetime, Meta(tz=True)] | None
    misfire_grace_seconds: int


class CronJobStore(SQLAlchemyJobStore):
    """Keeps jobs that run by cron; each is ``add_job(..., id=..., kwargs={"cron": ...})``.

    While the disk takes nothing, what it should keep is kept in memory: an error in the midst of its round would end
    APScheduler's thread, and no cron would be due any more.

    Args:
        path: SQLite's file; its folder must exist.
        action: What every job does, with its line of cron as the argument ``cron``.
    """

    def __init__(self, path: Path, action: Callable[..., None]) -> None:
        super().__init__(url=f"sqlite:///{path}")
        self._action = action
        self._unkept: dict[str, Job] = {}
        """Jobs that the disk has not taken as they are by now."""

    def add_job(self, job: Job) -> None:
        """Keep a job; called by the scheduler."""
        with self.engine.begin() as connection:
            connection.execute(self.jobs_t.insert().values(id=job.id, **_columns(job)))

    def update_job(self, job: Job) -> None:
        """Keep when a job runs next; called by the scheduler."""
        try:
            self._update(job)
        except SQLAlchemyError as error:
            _log.warning(
                "it is not kept when cron is due next: it is tried again", due=job.next_run_time, problem=str(error)
            )
            self._unkept[job.id] = job
        else:
            self._unkept.pop(job.id, None)

    def lookup_job(self, job_id: str) -> Job | None:
        """A job as it is by now; called by the scheduler."""
        return self._unkept.get(job_id) or super().lookup_job(job_id)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """The jobs that are to run; called by the scheduler."""
        self._try_again()
        # On the disk a job may be due that has run: it would run again and again.
        due = (self._unkept.get(job.id, job) for job in super().get_due_jobs(now))
        return [job for job in due if job.next_run_time <= now]

    def get_next_run_time(self) -> datetime | None:
        """When the scheduler is to look again; called by the scheduler."""
        soon = datetime.now(UTC) + _PAUSE
        try:
            kept: datetime | None = super().get_next_run_time()
        except SQLAlchemyError as error:
            _log.warning("it cannot be read when cron is due next: it is tried again", problem=str(error))
            return soon
        return min([soon, *(job.next_run_time for job in self._unkept.values())]) if self._unkept else kept

    def _try_again(self) -> None:
        for job in list(self._unkept.values()):
            try:
                self._update(job)
            except SQLAlchemyError:
                continue
            except JobLookupError:
                pass  # it was removed meanwhile
            del self._unkept[job.id]

    def _update(self, job: Job) -> None:
        update = self.jobs_t.update().values(**_columns(job)).where(self.jobs_t.c.id == job.id)
        with self.engine.begin() as connection:
            if connection.execute(update).rowcount == 0:
                raise JobLookupError(job.id)

    def _reconstitute_job(self, job_state: bytes) -> Job:
        kept = msgspec.json.decode(job_state, type=_Kept)
        job = Job(
            self._scheduler,
            id=kept.id,
            func=self._action,
            args=(),
            kwargs={"cron": kept.cron},
            name=kept.id,
            trigger=trigger_of(kept.cron),
            executor="default",
            misfire_grace_time=kept.misfire_grace_seconds,
            coalesce=True,
            max_instances=1,
            next_run_time=kept.next_run,
        )
        job._jobstore_alias = self._alias  # noqa: SLF001  as the store's own does it
        return job


def _columns(job: Job) -> dict[str, Any]:
    kept = _Kept(
        id=job.id,
        cron=job.kwargs["cron"],
        next_run=job.next_run_time,
        misfire_grace_seconds=job.misfire_grace_time,
    )
    return {"next_run_time": datetime_to_utc_timestamp(job.next_run_time), "job_state": msgspec.json.encode(kept)}

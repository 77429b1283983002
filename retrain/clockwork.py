"""The schedule's clock: runs are due by cron, and those that were due while nobody was there are made up for once."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING, Self

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from retrain.cron import trigger_of
from retrain.job_store import CronJobStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

_FILE = "schedule.sqlite"
_JOB = "retrain"


class Clockwork:
    """Calls an action whenever a line of cron is due, in a thread of its own. A context manager.

    Of runs that were missed, those within the grace are made up for, all by one.

    Args:
        cron: The line of cron; empty for never.
        grace: How late the action may still be called, in seconds.
        folder: Where the schedule outlives the process; it must exist.
        action: What is called; the clock waits for it.
        setting: Where the line stands, for errors.

    Raises:
        SettingsError: It is no line of cron.
    """

    def __init__(
        self, cron: str, grace: float, folder: Path, action: Callable[[], None], *, setting: str = "retrain.cron"
    ) -> None:
        self._cron = cron
        self._grace = max(1, round(grace))
        self._trigger = trigger_of(cron, setting) if cron else None

        def act(cron: str) -> None:  # noqa: ARG001  it stands in the store alone
            action()

        self._act = act
        self._next_run: datetime | None = None
        self._scheduler = BackgroundScheduler(
            jobstores={"default": CronJobStore(folder / _FILE, act)},
            # In the clock's own thread: what the action keeps is kept before the store takes it for done.
            executors={"default": DebugExecutor()},
            timezone=UTC,
        )

    @property
    def next_run(self) -> datetime | None:
        """When the cron is due next; None where it never is."""
        # Where the disk cannot be read, what it said before holds; the store tells of it.
        with suppress(SQLAlchemyError):
            job = self._scheduler.get_job(_JOB)
            self._next_run = None if job is None else job.next_run_time
        return self._next_run

    @property
    def is_alive(self) -> bool:
        """Whether its thread lives, once it is entered."""
        thread = self._scheduler._thread  # noqa: SLF001  told in no other way
        return thread is None or bool(thread.is_alive())

    def __enter__(self) -> Self:
        # Paused, since a job of another line of cron must not run once more before it is replaced.
        self._scheduler.start(paused=True)
        kept = self._scheduler.get_job(_JOB)
        same = kept is not None and kept.kwargs["cron"] == self._cron and kept.misfire_grace_time == self._grace
        if kept is not None and not same:
            self._scheduler.remove_job(_JOB)
        # One of the same line stays as it is: to add it anew would forget the run that was missed.
        if self._trigger is not None and not same:
            self._scheduler.add_job(
                self._act,
                self._trigger,
                id=_JOB,
                kwargs={"cron": self._cron},
                coalesce=True,
                max_instances=1,
                misfire_grace_time=self._grace,
            )
        self._scheduler.resume()
        return self

    def __exit__(self, *_: object) -> None:
        self._scheduler.shutdown(wait=False)

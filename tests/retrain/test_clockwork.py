"""The schedule's clock: cron's own reading, and what happens to runs that were missed."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from sqlalchemy.exc import OperationalError
from support.processes import wait_for

from retrain.clockwork import Clockwork
from retrain.cron import trigger_of
from streams.contract.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

# A Wednesday.
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def next_runs(cron: str, count: int) -> list[str]:
    trigger, times = trigger_of(cron), []
    last, now = None, NOW
    for _ in range(count):
        last = trigger.get_next_fire_time(last, now)
        times.append(f"{last:%a %d %H:%M}")
        now = last + timedelta(seconds=1)
    return times


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 3 * * *", ["Thu 02 03:00", "Fri 03 03:00"]),
        ("0 3 * * 0", ["Sun 05 03:00", "Sun 12 03:00"]),
        ("0 3 * * 7", ["Sun 05 03:00", "Sun 12 03:00"]),
        ("0 3 * * 1", ["Mon 06 03:00", "Mon 13 03:00"]),
        ("0 3 * * 5-7", ["Fri 03 03:00", "Sat 04 03:00", "Sun 05 03:00", "Fri 10 03:00"]),
        ("0 3 * * 0-1", ["Sun 05 03:00", "Mon 06 03:00"]),
        ("0 3 * * */3", ["Sat 04 03:00", "Sun 05 03:00", "Wed 08 03:00"]),
        ("0 3 * * mon,wed", ["Mon 06 03:00", "Wed 08 03:00"]),
        ("*/30 13 * * 3", ["Wed 01 13:00", "Wed 01 13:30"]),
        # Either, where both are given.
        ("0 3 10 * 1", ["Mon 06 03:00", "Fri 10 03:00", "Mon 13 03:00"]),
    ],
)
def test_reads_cron_as_cron_does(cron: str, expected: list[str]) -> None:
    assert next_runs(cron, len(expected)) == expected


@pytest.mark.parametrize("cron", ["0 3 * *", "0 3 * * 8", "61 3 * * *", "0 3 * * 5-2", "daily"])
def test_names_the_setting_where_it_is_no_cron(cron: str) -> None:
    with pytest.raises(SettingsError, match=r"retrain\.cron"):
        trigger_of(cron)


class Calls:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def clockwork(folder: Path, calls: Calls, cron: str = "0 3 1 1 *", grace: float = 3600.0) -> Clockwork:
    return Clockwork(cron, grace, folder, calls)


def put_next_run(folder: Path, when: datetime) -> None:
    """As if the schedule had been left when that run was the next one."""
    with sqlite3.connect(folder / "schedule.sqlite") as database:
        (state,) = database.execute("select job_state from apscheduler_jobs").fetchone()
        changed = msgspec.json.encode(msgspec.json.decode(state) | {"next_run": when})
        database.execute("update apscheduler_jobs set next_run_time = ?, job_state = ?", (when.timestamp(), changed))
    database.close()


def test_runs_when_it_is_due(tmp_path: Path) -> None:
    calls = Calls()
    with clockwork(tmp_path, calls):
        pass
    put_next_run(tmp_path, datetime.now(UTC) + timedelta(seconds=0.3))
    with clockwork(tmp_path, calls) as clock:
        wait_for(lambda: calls.count == 1)
        wait_for(lambda: clock.next_run is not None and clock.next_run > datetime.now(UTC))


def test_makes_up_once_for_what_was_missed_while_nobody_was_there(tmp_path: Path) -> None:
    calls = Calls()
    # Each minute: sixty were missed.
    with clockwork(tmp_path, calls, "* * * * *"):
        pass
    put_next_run(tmp_path, datetime.now(UTC) - timedelta(minutes=59))
    with clockwork(tmp_path, calls, "* * * * *") as clock:
        wait_for(lambda: calls.count >= 1)
        wait_for(lambda: clock.next_run is not None and clock.next_run > datetime.now(UTC))
    assert calls.count <= 2  # the second where the minute was about to end


def test_lets_go_what_was_missed_too_long_ago(tmp_path: Path) -> None:
    calls = Calls()
    with clockwork(tmp_path, calls):
        pass
    put_next_run(tmp_path, datetime.now(UTC) - timedelta(hours=2))
    with clockwork(tmp_path, calls) as clock:
        wait_for(lambda: clock.next_run is not None and clock.next_run > datetime.now(UTC))
    assert calls.count == 0


def test_another_cron_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    calls = Calls()
    with clockwork(tmp_path, calls, "0 3 1 1 *"):
        pass
    put_next_run(tmp_path, datetime.now(UTC) - timedelta(minutes=1))
    with clockwork(tmp_path, calls, "0 4 1 2 *") as clock:
        assert clock.next_run is not None
        assert (clock.next_run.month, clock.next_run.hour) == (2, 4)
    assert calls.count == 0


def test_an_empty_cron_never_runs(tmp_path: Path) -> None:
    calls = Calls()
    with clockwork(tmp_path, calls):
        pass
    with clockwork(tmp_path, calls, "") as clock:
        assert clock.next_run is None


def test_the_store_holds_no_pickle(tmp_path: Path) -> None:
    with clockwork(tmp_path, Calls()):
        pass
    with sqlite3.connect(tmp_path / "schedule.sqlite") as database:
        (state,) = database.execute("select job_state from apscheduler_jobs").fetchone()
    database.close()
    assert msgspec.json.decode(state)["cron"] == "0 3 1 1 *"


def on_the_disk(folder: Path, command: str = "select next_run_time from apscheduler_jobs") -> datetime | None:
    """When the store says that cron is due next, or nothing of another command."""
    with closing(sqlite3.connect(folder / "schedule.sqlite", isolation_level=None)) as database:
        row = database.execute(command).fetchone()
    return None if row is None else datetime.fromtimestamp(row[0], UTC)


def is_ahead(when: datetime | None) -> bool:
    return when is not None and when > datetime.now(UTC)


def test_a_disk_that_is_full_when_cron_is_due_stops_no_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.job_store._PAUSE", timedelta(seconds=0.05))
    calls = Calls()
    with clockwork(tmp_path, calls):
        pass
    put_next_run(tmp_path, datetime.now(UTC) - timedelta(seconds=1))
    on_the_disk(
        tmp_path, "create trigger full before update on apscheduler_jobs begin select raise(abort, 'full'); end"
    )
    with clockwork(tmp_path, calls) as clock:
        wait_for(lambda: calls.count == 1)
        wait_for(lambda: is_ahead(clock.next_run))
        time.sleep(0.3)  # some rounds
        assert clock.is_alive
        assert calls.count == 1
        assert not is_ahead(on_the_disk(tmp_path))
        on_the_disk(tmp_path, "drop trigger full")
        wait_for(lambda: is_ahead(on_the_disk(tmp_path)))
        assert on_the_disk(tmp_path) == clock.next_run
    assert calls.count == 1


def test_a_disk_that_cannot_be_read_stops_no_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.job_store._PAUSE", timedelta(seconds=0.05))
    read, calls = SQLAlchemyJobStore.get_next_run_time, Calls()
    errors = iter([OperationalError("select", None, OSError("disk I/O error"))])

    def fail_once(store: SQLAlchemyJobStore) -> datetime | None:
        if (error := next(errors, None)) is not None:
            raise error
        return read(store)

    with clockwork(tmp_path, calls):
        pass
    put_next_run(tmp_path, datetime.now(UTC) + timedelta(seconds=0.3))
    monkeypatch.setattr(SQLAlchemyJobStore, "get_next_run_time", fail_once)
    with clockwork(tmp_path, calls) as clock:
        wait_for(lambda: calls.count == 1)
        wait_for(lambda: is_ahead(clock.next_run))
        known = clock.next_run
        on_the_disk(tmp_path, "alter table apscheduler_jobs rename to elsewhere")
        assert clock.next_run == known
        assert clock.is_alive


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_says_that_its_thread_has_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_store: object) -> None:
        raise RuntimeError("nobody expects it")

    monkeypatch.setattr("retrain.job_store.CronJobStore.get_next_run_time", die)
    clock = clockwork(tmp_path, Calls())
    assert clock.is_alive
    with clock:
        wait_for(lambda: not clock.is_alive)


def test_what_is_called_has_returned_before_the_disk_takes_it_for_done(tmp_path: Path) -> None:
    # So that a process that dies in between rings once more, and not once too few.
    with clockwork(tmp_path, Calls()):
        pass
    put_next_run(tmp_path, datetime.now(UTC) - timedelta(seconds=1))
    found: list[datetime | None] = []

    def look() -> None:
        time.sleep(0.3)
        found.append(on_the_disk(tmp_path))

    with Clockwork("0 3 1 1 *", 3600.0, tmp_path, look) as clock:
        wait_for(lambda: is_ahead(clock.next_run))
    assert [is_ahead(when) for when in found] == [False]

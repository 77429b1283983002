"""Which subjects ring when in the real week of tweets to airlines, by the labels that people gave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from kafka.partitioner.default import murmur2

from benchmarks.support.surge.alarms import alarms
from benchmarks.support.surge.bell import alarms_of
from benchmarks.support.surge.traffic import WINDOW_SECONDS, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.support.surge.alarms import Alarm
    from benchmarks.support.surge.replay import RealWeek
    from benchmarks.support.surge.rivals import Rival
    from streams.contract.settings import SurgeSettings

# As the data tells its times.
_PACIFIC = timezone(timedelta(hours=-8))


def ring_week(
    week: RealWeek, settings: SurgeSettings, partitions: int, rivals: Mapping[Rival, float]
) -> dict[str, Any]:
    """Let Tocsin and its rivals watch the week from a cold start.

    Args:
        week: The week.
        settings: Of surge detection.
        partitions: Of the signals topic; airlines fall to them by their keys' hash, as on Kafka.
        rivals: Those that a week's past is enough for, with their thresholds.

    Returns:
        Counts of each day (negatives, all), and of each detector and airline the local times of its alarms.
    """
    traffic = week.traffic
    of_tocsin: list[Alarm] = []
    for partition in range(partitions):
        columns = [n for n, name in enumerate(traffic.names) if partition_of(name, partitions) == partition]
        if columns:
            part = Traffic(
                tuple(traffic.names[n] for n in columns),
                traffic.first,
                traffic.negative[:, columns],
                traffic.volume[:, columns],
            )
            of_tocsin += [
                alarm._replace(subject=columns[alarm.subject]) for alarm in alarms_of(part, settings, partitions)
            ]
    rings = {"tocsin": _times(week, of_tocsin)}
    for rival, threshold in rivals.items():
        rings[rival.name] = _times(week, alarms(rival.prepare(traffic)(threshold)))
    return {"days": week.days, "rings": rings}


def partition_of(key: str, partitions: int) -> int:
    """Where Kafka's clients put a key."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def _times(week: RealWeek, found: Iterable[Alarm]) -> dict[str, list[str]]:
    times: dict[str, list[str]] = {airline: [] for airline in week.airlines}
    for alarm in sorted(found):
        close = datetime.fromtimestamp((week.traffic.first + alarm.row + 1) * WINDOW_SECONDS, UTC)
        times[week.airlines[alarm.subject]].append(f"{close.astimezone(_PACIFIC):%Y-%m-%d %H:%M}")
    return times

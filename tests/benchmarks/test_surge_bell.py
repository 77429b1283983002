import numpy as np

from benchmarks.support.surge.bell import alarms_of
from benchmarks.support.surge.planted import Surge, known_desk, plant, watch
from benchmarks.support.surge.real_week import partition_of, ring_week
from benchmarks.support.surge.replay import RealWeek
from benchmarks.support.surge.rivals import FixedThreshold
from benchmarks.support.surge.traffic import DAY, HOUR, MONDAY, Traffic, names
from streams.contract.settings import SurgeSettings

_SETTINGS = SurgeSettings()


def _steady(days: int, *, surge: int | None = None) -> Traffic:
    rng = np.random.default_rng(6)
    negative = rng.poisson(4.0, (days * DAY, 2)).astype(np.int32)
    other = rng.poisson(8.0, (days * DAY, 2)).astype(np.int32)
    if surge is not None:
        negative[surge : surge + 2 * HOUR, 1] *= 6
    return Traffic(names(2), MONDAY, negative, negative + other)


def test_tocsin_rings_in_a_great_surge() -> None:
    row = 3 * DAY + 6 * HOUR
    found = [alarm for alarm in alarms_of(_steady(4, surge=row), _SETTINGS, 1) if alarm.row >= row]
    assert [alarm.subject for alarm in found] == [1]
    assert found[0].row < row + 3


def test_copies_with_surges_leave_the_desk_as_it_was() -> None:
    desk = known_desk(3, 1, 1e6, seed=3)
    surges = [surge for surge in plant(desk, after=4 * DAY, moments=1, each=1, seed=3) if surge.factor == 5.0]
    assert surges
    rung, delays = watch(desk.traffic, surges, _SETTINGS, 1)
    assert rung == [alarm.row for alarm in alarms_of(desk.traffic, _SETTINGS, 1)]
    of_great = [delay for surge, delay in zip(surges, delays, strict=True) if surge.base == 100]
    assert all(delay is not None and delay < 30 for delay in of_great)


def test_the_real_week_is_told_in_its_own_time() -> None:
    row = 3 * DAY + 6 * HOUR
    traffic = _steady(4, surge=row)
    week = RealWeek(("Here", "There"), traffic, {"Here": {"2026-01-05": (1, 2)}, "There": {"2026-01-05": (3, 4)}})
    told = ring_week(week, _SETTINGS, 1, {FixedThreshold(): 150.0})
    assert told["days"] == week.days
    # Six hours after midnight UTC on Thursday is ten in the evening of Wednesday, Pacific time.
    assert [time[:13] for time in told["rings"]["fixed_threshold"]["There"]] == ["2026-01-07 22"]
    assert told["rings"]["tocsin"]["There"][-1].startswith("2026-01-07 22:")
    assert told["rings"]["fixed_threshold"]["Here"] == []


def test_keys_fall_to_partitions_as_kafka_s_clients_put_them() -> None:
    assert {partition_of(name, 4) for name in names(50)} == {0, 1, 2, 3}
    assert partition_of("entity/made0001", 4) == partition_of("entity/made0001", 4)


def test_a_surge_is_no_other_one_s_past() -> None:
    desk = known_desk(3, 1, 1e6, seed=5)
    surges = plant(desk, after=4 * DAY, moments=2, each=1, seed=5)
    one: list[Surge] = [surge for surge in surges if surge.factor == 3.0]
    alone, together = watch(desk.traffic, one, _SETTINGS, 1)[1], watch(desk.traffic, surges, _SETTINGS, 1)[1]
    assert alone == [delay for surge, delay in zip(surges, together, strict=True) if surge.factor == 3.0]

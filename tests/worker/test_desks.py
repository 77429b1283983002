"""Desks as the worker runs them, fed by the clocks of enrich, without a broker: event time, replays, checkpoints."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from support.talk import HOUR, MONDAY, PARTITIONS, SUBJECTS, Desk, Said, Stream, live, replay, rest, week

from streams.contract.alerts import Alert, Trend, Verdict
from streams.contract.incoming import Record
from streams.contract.records import encode
from streams.contract.settings import Settings, SurgeSettings
from streams.contract.signals import Heartbeat, SurgeState, UpstreamPartition
from streams.logic.surge.state import FORM
from streams.worker.desks import Desks

if TYPE_CHECKING:
    from streams.contract.outgoing import Output


def rang(stream: Stream) -> list[tuple[str, str, str, datetime, datetime | None]]:
    return [
        (alert.id, alert.status, alert.level, alert.startsAt, alert.endsAt)
        for alert in stream.found
        if isinstance(alert, Alert)
    ]


def counted(stream: Stream) -> dict[tuple[str, datetime], tuple[int, int]]:
    return {
        (trend.subject, trend.start): (trend.volume, trend.negative)
        for trend in stream.found
        if isinstance(trend, Trend)
    }


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(surge=SurgeSettings(warm_up_hours=12.0))


@pytest.fixture(scope="module")
def lived(settings: Settings) -> Stream:
    return rest(live(Stream(settings), week()))


def test_the_lived_week_rings_for_what_happened_and_is_over(lived: Stream) -> None:
    told = [alert for alert in lived.found if isinstance(alert, Alert)]
    assert {alert.labels["subject"] for alert in told} == {SUBJECTS[2]}
    assert [told[0].status, told[-1].status] == ["firing", "resolved"]
    assert not any(alert.past for alert in told)


@pytest.mark.parametrize(("chunk", "together"), [(37, 1), (37, 60), (5000, 128)])
def test_a_replay_at_full_speed_gives_the_alerts_of_the_week_as_it_was_lived(
    settings: Settings, lived: Stream, chunk: int, together: int
) -> None:
    again = replay(settings, week(), chunk, together)
    assert counted(again) == counted(lived)
    assert rang(again) == rang(lived)
    assert sum(findings.late.total() for findings in again.findings) == 0
    assert all(alert.past for alert in again.found if isinstance(alert, Alert))


def test_how_records_are_batched_changes_nothing(settings: Settings, lived: Stream) -> None:
    again = rest(live(Stream(settings), week(), batch=700))
    assert again.found == lived.found


def test_a_worker_that_takes_over_goes_on_as_if_nothing_had_happened(settings: Settings, lived: Stream) -> None:
    said = week()
    # In the midst of the surge.
    half = next(number for number, each in enumerate(said) if each.time > MONDAY + (5 * 24 + 10.7) * HOUR)
    first = live(Stream(settings), said[:half])
    second = Stream(settings, [state for state in first.states.values() if state is not None])
    second.clocks, second._offsets, second._offset, second.now = first.clocks, first._offsets, first._offset, first.now
    rest(live(second, said[half:]))
    assert [alert.labels["subject"] for alert in second.findings[0].resumed] == [SUBJECTS[2]]
    assert first.found + second.found == lived.found


def test_what_is_read_again_after_a_kill_is_found_again_and_counted_once(settings: Settings, lived: Stream) -> None:
    said = week()
    half = next(number for number, each in enumerate(said) if each.time > MONDAY + (5 * 24 + 10.7) * HOUR)
    first = live(Stream(settings), said[:half])
    second = Stream(settings, [state for state in first.states.values() if state is not None])
    second.clocks, second._offsets, second.now = first.clocks, first._offsets, first.now
    # The signals of the last batches come again: they were counted, and their acknowledgement was lost.
    second._batch = first.history[-100:]
    second._offset = first._offset
    rest(live(second, said[half:]))
    assert first.found + second.found == lived.found
    assert sum(findings.duplicates for findings in second.findings) > 50


SURGE = MONDAY + (5 * 24 + 10) * HOUR
"""When the surge of the week begins; it lasts an hour."""


def caught_up(settings: Settings, until: float, now: float) -> Stream:
    """A worker that begins at ``now`` where one ended an hour before the surge, and reads what was said since."""
    said = [each for each in week() if each.time < until]
    missed = next(number for number, each in enumerate(said) if each.time > SURGE - HOUR)
    first = live(Stream(settings), said[:missed])
    second = Stream(settings, [state for state in first.states.values() if state is not None])
    second._offsets, second._offset, second.now = first._offsets, first._offset, now
    for number, each in enumerate(said[missed:]):
        second.now += 0.002
        second.read(each, each.time + 0.5)
        if number % 10 == 0:
            second.beat(dict.fromkeys(PARTITIONS, 1))
            second.take_in()
    return rest(second)


def due(stream: Stream) -> list[tuple[str, str]]:
    return [(alert.labels["subject"], alert.status) for findings in stream.findings for alert in findings.due]


def test_nobody_is_paged_of_what_was_over_before_the_worker_had_caught_up(settings: Settings) -> None:
    late = caught_up(settings, SURGE + 5 * HOUR, SURGE + 5 * HOUR)
    told = [alert for alert in late.found if isinstance(alert, Alert)]
    assert {(alert.labels["subject"], alert.past) for alert in told} == {(SUBJECTS[2], False)}
    assert [told[0].status, told[-1].status] == ["firing", "resolved"]
    assert "firing" not in [status for _, status in due(late)]


def test_of_what_fires_still_when_the_worker_has_caught_up_people_are_paged_then(settings: Settings) -> None:
    late = caught_up(settings, SURGE + HOUR, SURGE + 1.25 * HOUR)
    found = next(number for number, findings in enumerate(late.findings) if findings.alerts)
    paged = next(number for number, findings in enumerate(late.findings) if findings.due)
    assert paged > found
    assert due(late)[0] == (SUBJECTS[2], "firing")
    assert due(late)[-1] == (SUBJECTS[2], "resolved")


def test_a_worker_that_takes_over_far_behind_tells_what_fires_once_it_has_caught_up(settings: Settings) -> None:
    said = week()
    half = next(number for number, each in enumerate(said) if each.time > SURGE + 0.7 * HOUR)
    first = live(Stream(settings), said[:half])
    second = Stream(settings, [state for state in first.states.values() if state is not None])
    second._offsets, second._offset, second.now = first._offsets, first._offset, first.now + 3 * HOUR
    rest(second)
    assert [alert for findings in second.findings for alert in findings.resumed] == []


def test_a_verdict_on_an_alarm_that_rings_once_more_after_a_kill_holds(settings: Settings, lived: Stream) -> None:
    rang = next(alert for alert in lived.found if isinstance(alert, Alert) and alert.status == "firing")
    again = Stream(settings)
    again.steering.verdicts = {
        rang.fingerprint: Verdict(
            fingerprint=rang.fingerprint,
            startsAt=rang.startsAt,
            subject=rang.labels["subject"],
            verdict="false_alarm",
            by="ann",
            time=rang.time,
        )
    }
    live(again, week())
    assert sum(findings.verdicts for findings in again.findings) == 1


def test_what_is_no_signal_is_left_out(settings: Settings) -> None:
    stream = Stream(settings)
    stream._batch.append(Record("tocsin.signals", 0, 0, MONDAY, b"k", b"not a signal", ()))
    stream._batch.append(Record("tocsin.signals", 0, 1, MONDAY, b"k", None, ()))
    stream.take_in()
    assert stream.findings[0].unreadable == 2
    assert stream.findings[0].outputs == []


def test_state_of_another_form_is_left_out(settings: Settings) -> None:
    stream = Stream(settings, [SurgeState(key="entity/x", form=99, state=b"")])
    stream.read(Said(MONDAY, PARTITIONS[0], SUBJECTS[0], "neutral"), MONDAY)
    stream.take_in()
    assert stream.desks.figures()[0].subjects == 1


def test_state_of_the_form_before_this_one_is_read(settings: Settings) -> None:
    first = live(Stream(settings), week()[:300])
    before = [msgspec.structs.replace(state, form=2) for state in first.states.values() if state is not None]
    second = Stream(settings, before)
    second.read(Said(MONDAY + 8 * 24 * HOUR, PARTITIONS[0], SUBJECTS[0], "neutral"), MONDAY)
    second.take_in()
    assert second.desks.figures()[0].subjects == first.desks.figures()[0].subjects


@pytest.mark.parametrize("state", [b"", b"no state", b"\x93\x01\x02\x03", b"\xc1"])
@pytest.mark.parametrize("key", ["entity/x", "", "clock"])
def test_state_that_is_none_is_left_out_and_ends_nothing(settings: Settings, key: str, state: bytes) -> None:
    stream = Stream(settings, [SurgeState(key=key, form=FORM, state=state)])
    stream.read(Said(MONDAY, PARTITIONS[0], SUBJECTS[0], "neutral"), MONDAY)
    stream.take_in()
    assert SUBJECTS[0] in stream.states


def test_what_one_input_has_told_is_kept_while_others_hold_its_windows_open(settings: Settings) -> None:
    # Whoever takes over may hear no more of it: then its last windows would stay open for ever.
    quick, slow = PARTITIONS[0], PARTITIONS[1:]

    def tell_of_others(stream: Stream, *, done: bool) -> None:
        told = [
            UpstreamPartition(
                topic=topic, partition=number, watermark=None if done else MONDAY, caught_up=done, idle=done
            )
            for topic, number in slow
        ]
        stream._tell(Heartbeat(worker="test", time=datetime.fromtimestamp(stream.now, UTC), partitions=told))

    first = Stream(settings)
    for hours in (1.0, 1.0, 3.0, 3.0):
        first.now = MONDAY + hours * 3600.0
        tell_of_others(first, done=False)
        first.read(Said(first.now, quick, SUBJECTS[0], "neutral"), first.now)
        first.take_in()
    assert first.found == []
    second = Stream(settings, filter(None, first.states.values()))
    for seconds in range(120):
        second.now = first.now + seconds
        tell_of_others(second, done=True)
        second.take_in()
    assert [found.start.timestamp() - MONDAY for found in second.found] == [3600.0]


@pytest.mark.parametrize("together", [1, 1000])
def test_after_hours_without_any_worker_no_input_closes_the_windows_of_the_others(
    settings: Settings, together: int
) -> None:
    hours = [
        Said(MONDAY + minute * 60.0, place, SUBJECTS[0], "neutral") for minute in range(60) for place in PARTITIONS
    ]
    first = Stream(settings)
    for said in hours:
        first.now = said.time
        first.read(said, said.time)
        first.beat({})
    first.take_in()
    # The last record was not acknowledged; the backlog of an hour is read by input, and the first is told of alone.
    second = Stream(settings, filter(None, first.states.values()), together=together)
    second.clocks, second._offsets, second._offset = first.clocks, first._offsets, first._offset
    second._batch = [first.history[-1]]
    second.now = MONDAY + 2 * 3600.0
    for place in PARTITIONS:
        for minute in range(61, 120):
            second.now += 0.01
            second.read(Said(MONDAY + minute * 60.0, place, SUBJECTS[0], "neutral"), MONDAY + minute * 60.0)
        second._send_signals()
        second.take_in()
    assert sum(findings.late.total() for findings in second.findings) == 0


def test_what_comes_too_late_is_told_by_input(settings: Settings) -> None:
    stream = Stream(settings)
    for place in PARTITIONS:
        stream.read(Said(MONDAY, place, SUBJECTS[0], "neutral"), MONDAY)
        stream.read(Said(MONDAY + 1.0, place, SUBJECTS[0], "neutral"), MONDAY + 1.0)
    rest(stream)
    for place in PARTITIONS[:2]:
        stream.read(Said(MONDAY + 2.0, place, SUBJECTS[0], "neutral"), stream.now)
    stream.take_in()
    late = sum((findings.late for findings in stream.findings), Counter[str]())
    assert late == Counter(topic for topic, _ in PARTITIONS[:2])


def test_not_all_partitions_close_their_windows_at_once(settings: Settings) -> None:
    seconds = settings.surge.window_seconds
    steering: Any = Desk()
    desks = Desks(
        settings, upstream=PARTITIONS, partitions=4, steering=steering, read_state=lambda _: [], clock=lambda: MONDAY
    )

    def closed(time: float) -> list[float]:
        """Up to where each partition's windows are closed, in windows, once all inputs have come so far."""
        told = [
            UpstreamPartition(topic=topic, partition=number, watermark=time, caught_up=False, idle=False)
            for topic, number in PARTITIONS
        ]
        heartbeat = encode(Heartbeat(worker="test", time=datetime.fromtimestamp(time, UTC), partitions=told))
        desks.apply([Record("tocsin.signals", partition, 0, time, b"", heartbeat, ()) for partition in range(4)])
        return [((desks.figures()[partition].closed or 0.0) - MONDAY) / seconds for partition in range(4)]

    assert [closed(MONDAY + seconds + passed) for passed in (-0.1, 0.0, 2.5, 5.0, 7.4, 7.5)] == [
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 1, 0],
        [1, 1, 1, 0],
        [1, 1, 1, 1],
    ]


def test_a_partition_that_is_given_up_is_forgotten(settings: Settings) -> None:
    stream = Stream(settings)
    stream.read(Said(MONDAY, PARTITIONS[0], SUBJECTS[0], "neutral"), MONDAY)
    stream.take_in()
    assert stream.desks.forget([("tocsin.signals", 0), ("news", 0)]) == []
    assert stream.desks.figures() == {}


def key_of(output: Output) -> str:
    return output.key.decode()


def test_what_belongs_to_the_partition_is_kept_last(settings: Settings) -> None:
    stream = live(Stream(settings), week()[:2000])
    keys = [key_of(output) for output in stream.findings[-1].states]
    assert keys[-1] == "clock"
    assert "" in keys[-2:] or "" not in keys
    assert all(output.partition == 0 for output in stream.findings[-1].states)

"""The desks of the partitions that this worker has: each restored before its first signal, dropped when it is given up.

Runs in one thread, that of the surge pipeline. It knows no Kafka: state comes through a function that is given, and
what is to be published is handed back.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from streams.contract.alerts import Alert
from streams.contract.cloudevents import headers
from streams.contract.decoding import JsonDecoder
from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.signals import CLOCK_KEY, Heartbeat, Signals, SurgeState
from streams.contract.topics import alerts_topic, signals_topic, surge_state_topic, trends_topic
from streams.logic.surge.desk import Desk
from streams.logic.surge.state import FORM, READABLE
from streams.logic.watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from streams.contract.alerts import Trend, Verdict, Watch
    from streams.contract.incoming import Record
    from streams.contract.settings import Settings
    from streams.contract.signals import Signal
    from streams.worker.steering import Steering

log = structlog.get_logger(__name__)

# What begins and ends further back than this is over by the time that anybody could look.
_CATCHES_UP_SECONDS = 3600.0

# For all subjects at once, a window's end would take both cores of a busy machine for a second.
_SPREAD_SECONDS = 10.0
_SPREAD_SHARE = 1 / 30

_told: JsonDecoder[Signals | Heartbeat] = JsonDecoder(Signals | Heartbeat)


@dataclass(slots=True)
class Findings:
    """What came of a batch of signals."""

    outputs: list[Output] = field(default_factory=list)
    """Alerts and trends, in order."""
    states: list[Output] = field(default_factory=list)
    """The checkpoint: to be published once the outputs are acknowledged."""
    alerts: list[Alert] = field(default_factory=list)
    """The alerts among the outputs."""
    due: list[Alert] = field(default_factory=list)
    """Alerts for people to be paged of: those found while a desk catches up wait until it has, and fire still."""
    resumed: list[Alert] = field(default_factory=list)
    """Alerts that fire by the state of a partition that was restored just now."""
    unreadable: int = 0
    """Records that were neither signals nor a heartbeat."""
    late: Counter[str] = field(default_factory=Counter)
    """Signals whose window was over when they came, by input topic."""
    duplicates: int = 0
    """Syndicated copies, and signals that came again."""
    crowded: int = 0
    """Signals of subjects that were new while there were too many."""
    verdicts: int = 0
    """Verdicts on alarms of these desks that were new."""


@dataclass(frozen=True, slots=True)
class DeskFigures:
    """What one partition's desk shows to metrics."""

    closed: float | None
    """Event time up to which windows are closed, seconds since the epoch; None before the first."""
    subjects: int


@dataclass(slots=True)
class _Place:
    desk: Desk
    clock: Watermark
    heard: float
    """When the latest record was written."""
    behind: float
    """Seconds for which a window stays open beyond its end, so that not all partitions close theirs at once."""
    closed: float | None = None
    """Event time, in whole windows, up to which the desk was told to close."""
    catches_up: bool = False
    """Whether its event time trails the wall clock by so much that what rings may well be over."""
    kept: tuple[float | None, float | None] = (None, None)
    """As of the latest checkpoint of the clock: the same, and the furthest that any input partition had come."""


class Desks:
    """Every desk of this worker.

    Args:
        settings: All of them.
        upstream: Every input partition, whose clocks are waited for.
        partitions: Partitions of the signals topic.
        steering: What the desk has said: silences, the watchlist, verdicts.
        read_state: Reads the state of a partition that is new here, as its last owner left it.
        clock: Seconds since the epoch; given in tests.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        upstream: Collection[tuple[str, int]],
        partitions: int,
        steering: Steering,
        read_state: Callable[[int], Iterable[SurgeState]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._upstream = list(upstream)
        self._partitions = partitions
        self._steering = steering
        self._read_state = read_state
        self._clock = clock
        self._signals = signals_topic(settings.topics)
        self._state = surge_state_topic(settings.topics)
        self._alerts = alerts_topic(settings.topics)
        self._trends = trends_topic(settings.topics)
        self._watched: Mapping[str, Watch] = {}
        self._verdicts: Mapping[str, Verdict] = {}
        self._places: dict[int, _Place] = {}

    def apply(self, records: Sequence[Record]) -> Findings:
        """Count a batch of the signals topic's records, and tell what is found.

        Raises:
            RecoveryError: The state of a partition that is new here cannot be read (raised by ``read_state``).
        """
        findings = Findings()
        self._follow_steering(findings)
        for record in records:
            place = self._places.get(record.partition)
            if place is None:
                place = self._places[record.partition] = self._restore(record.partition, record.timestamp)
                findings.verdicts += place.desk.hold_to(self._verdicts.values())
                # Whoever fell so far behind has not told of them for long.
                place.catches_up = self._trails(place.desk.closed_until)
                if not place.catches_up:
                    findings.resumed += _fresh(place.desk.firing)
            before = place.desk.duplicates, place.desk.crowded
            self._take(place, record, findings)
            findings.duplicates += place.desk.duplicates - before[0]
            findings.crowded += place.desk.crowded - before[1]
        for partition in sorted({record.partition for record in records}):
            findings.states += self._checkpoint(partition)
        return findings

    def forget(self, places: Collection[tuple[str, int]]) -> list[Alert]:
        """Drop the desks of partitions that are given up; called while nothing is in hand.

        Returns:
            The alerts that fire in them.
        """
        dropped = [self._places.pop(partition, None) for topic, partition in places if topic == self._signals]
        return [alert for place in dropped if place is not None for alert in place.desk.firing]

    def figures(self) -> dict[int, DeskFigures]:
        """What each partition's desk shows; from any thread."""
        return {
            partition: DeskFigures(place.closed, place.desk.subjects) for partition, place in list(self._places.items())
        }

    def _follow_steering(self, findings: Findings) -> None:
        """Tell the desks what has been said since the last batch; each mapping is another one once it changes."""
        watched, verdicts = self._steering.watched, self._steering.verdicts
        for place in self._places.values():
            if watched is not self._watched:
                place.desk.watch(watched.keys())
            if verdicts is not self._verdicts:
                findings.verdicts += place.desk.hold_to(verdicts.values())
        self._watched, self._verdicts = watched, verdicts

    def _take(self, place: _Place, record: Record, findings: Findings) -> None:
        try:
            told = _told.decode(record.value or b"")
        except msgspec.DecodeError as error:
            log.warning("left out: neither signals nor a heartbeat", place=record.place, error=str(error))
            findings.unreadable += 1
            return
        heard = record.timestamp
        if heard - place.heard > self._settings.surge.idle_seconds:
            # Some worker speaks each second: there was none. Without this one input, heard first, would close the
            # windows of all the others, which have a backlog.
            place.clock.resume(heard)
        place.heard = max(place.heard, heard)
        if isinstance(told, Signals):
            self._take_signals(place, told.signals, heard, findings)
            return
        for part in told.partitions:
            place.clock.update(
                part.topic, part.partition, part.watermark, caught_up=part.caught_up, idle=part.idle, heard=heard
            )
        self._close(place, heard, findings)

    def _take_signals(self, place: _Place, signals: list[Signal], heard: float, findings: Findings) -> None:
        """Message by message, since that is how time goes on: all its signals bear the same."""
        last = len(signals) - 1
        for number, signal in enumerate(signals):
            late = place.desk.late
            place.desk.observe(signal, heard)
            if place.desk.late > late:
                findings.late[signal.topic] += 1
            if number < last and _is_of_one_message(signal, signals[number + 1]):
                continue
            place.clock.update(
                signal.topic, signal.partition, signal.watermark, caught_up=False, idle=False, heard=heard
            )
            self._close(place, heard, findings)

    def _close(self, place: _Place, heard: float, findings: Findings) -> None:
        """Close what is over.

        It is looked at after every message, and time is that of the records, not of the wall: so neither how records
        are batched nor how late they are read changes what is found. One partition's windows end after the other's, by
        event time too.
        """
        time = place.clock.value(heard)
        closed = None if time is None else self._window(time - place.behind)
        if closed is None or (place.closed is not None and closed <= place.closed):
            return
        place.closed = closed
        caught_up = place.catches_up and not self._trails(closed)
        place.catches_up = self._trails(closed)
        rang = False
        for found in place.desk.advance(closed, self._clock()):
            if isinstance(found, Alert):
                told = msgspec.structs.replace(found, silenced_by=self._steering.silenced_by(found.labels))
                findings.alerts.append(told)
                findings.outputs.append(self._alert(told))
                rang |= told.status == "firing"
                if told.status == "resolved" or not place.catches_up:
                    findings.due.append(told)
            else:
                findings.outputs.append(self._trend(found))
        if caught_up:
            findings.due += _fresh(place.desk.firing)
        if rang:
            # A verdict may be older than the alarm is here: where a worker was killed before it kept that it rang.
            findings.verdicts += place.desk.hold_to(self._verdicts.values())

    def _trails(self, until: float | None) -> bool:
        return until is not None and self._clock() - until > _CATCHES_UP_SECONDS

    def _window(self, time: float | None) -> float | None:
        """Up to where windows are over by then."""
        seconds = self._settings.surge.window_seconds
        return None if time is None else time // seconds * seconds

    def _alert(self, alert: Alert) -> Output:
        return Output(
            self._alerts,
            alert.fingerprint.encode(),
            encode(alert),
            headers(id=alert.id, type="tocsin.alert", time=alert.time),
        )

    def _trend(self, trend: Trend) -> Output:
        return Output(
            self._trends,
            trend.subject.encode(),
            encode(trend),
            headers(id=trend.id, type="tocsin.trend", time=trend.end),
        )

    def _checkpoint(self, partition: int) -> list[Output]:
        place = self._places[partition]
        states = place.desk.dirty()
        told = place.closed, self._window(place.clock.furthest)
        if told != place.kept:
            # Once a window: without it, time would stand still where a worker starts into silence. What one input
            # partition has told is worth it while others still hold the window open: it may never say it again.
            place.kept = told
            states.append((CLOCK_KEY, place.clock.dump()))
        return [
            Output(
                self._state,
                key.encode(),
                None if state is None else encode(SurgeState(key=key, form=FORM, state=state)),
                partition=partition,
            )
            for key, state in states
        ]

    def _restore(self, partition: int, heard: float) -> _Place:
        """The desk of a partition as its last owner left it.

        Args:
            partition: Of the signals topic.
            heard: When the first record was written that it is to take in.
        """
        settings = self._settings.surge
        started = self._clock()
        desk = Desk(
            settings,
            domain=self._settings.domain,
            signals_topic=self._signals,
            partition=partition,
            partitions=self._partitions,
            generator_url=self._settings.alertmanager.generator_url,
        )
        clock = Watermark(
            self._upstream, idle_seconds=settings.idle_seconds, max_skew=settings.max_skew_seconds, started=heard
        )
        for known in self._read_state(partition):
            if known.form not in READABLE:
                log.warning("state of another version is left out", key=known.key, form=known.form, partition=partition)
                continue
            try:
                if known.key == CLOCK_KEY:
                    clock.load(known.state)
                else:
                    desk.restore(known.key, known.state)
            except (msgspec.DecodeError, ValueError) as error:
                # To end here would be to end here again at every start: what cannot be read begins anew.
                log.error("state that is none is left out", key=known.key, partition=partition, error=str(error))  # noqa: TRY400
        desk.watch(self._watched.keys())
        seconds = self._clock() - started
        log.info("surge state restored", partition=partition, subjects=desk.subjects, seconds=round(seconds, 2))
        spread = min(_SPREAD_SECONDS, settings.window_seconds * _SPREAD_SHARE)
        return _Place(desk, clock, heard, behind=spread * partition / self._partitions)


def _fresh(alerts: Iterable[Alert]) -> list[Alert]:
    return [alert for alert in alerts if not alert.past]


def _is_of_one_message(one: Signal, other: Signal) -> bool:
    return one.offset == other.offset and one.partition == other.partition and one.topic == other.topic

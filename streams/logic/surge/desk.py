"""A desk over one partition of signals: each message counted once, windows closed in event time, alerts with evidence.

Pure: no Kafka and no clock. The same signals give the same alerts and trends however they are batched, live or in a
replay, and a desk that was restored from its state goes on exactly as one that was never disturbed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import structlog

from streams.logic.surge import crowding, evidence
from streams.logic.surge.history import mark_past
from streams.logic.surge.judging import Judge
from streams.logic.surge.panel import Counts, Panel
from streams.logic.surge.seen import short_print
from streams.logic.surge.state import (
    Measure,
    OtherMeasureError,
    decode_partition,
    decode_subject,
    encode_partition,
    encode_subject,
)
from streams.logic.surge.subject import Gathered, Open, Subject
from streams.logic.surge.telling import Teller

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from streams.contract.alerts import Alert, Trend, Verdict
    from streams.contract.settings import SurgeSettings
    from streams.contract.signals import Signal
    from streams.logic.surge.transition import Transition

_DAY = 86_400.0
# Nobody vouches for a message dated so long after its partition's clock, or after it was read where that has none yet:
# its window would stay open until then.
_FARTHEST_AHEAD = _DAY

log = structlog.get_logger(__name__)


class Desk:
    """Counts signals, and tells what surges.

    Args:
        settings: Of surge detection.
        domain: Name of the domain; a label of each alert.
        signals_topic: The topic that it reads, for logs.
        partition: The partition that it reads.
        partitions: How many partitions share the false-alarm budget.
        generator_url: Put before a subject's key to make an alert's generatorURL.
    """

    def __init__(
        self,
        settings: SurgeSettings,
        *,
        domain: str,
        signals_topic: str,
        partition: int,
        partitions: int,
        generator_url: str = "",
    ) -> None:
        self._settings = settings
        self._seconds = settings.window_seconds
        self._measure = Measure(settings.window_seconds, settings.kinds)
        self._begins_anew = False
        self._hour = max(1, 3600 // settings.window_seconds)
        self._log = log.bind(topic=signals_topic, partition=partition)
        self._panel = Panel(settings, partitions=partitions)
        self._teller = Teller(domain, settings.window_seconds, generator_url, settings.evidence_messages)
        self._judge = Judge(self._panel, self._teller, settings.kinds)
        self._subjects: dict[str, Subject] = {}
        self._windows: dict[int, set[str]] = {}
        self._closed: int | None = None
        # Whether the windows that were closed last lie in the past.
        self._history = False
        self._watched: frozenset[str] = frozenset()
        self._dirty: dict[str, None] = {}
        self._full_at: int | None = -1
        self._crowded_in = -1
        self._remembered = round(_DAY / settings.window_seconds)
        self._forget = round(settings.forget_hours * 3600 / settings.window_seconds)
        # No longer than the subject itself: when exactly it is forgotten must change nothing.
        self._recalled = min(self._remembered, self._forget)
        self.late = 0
        """Signals whose window was closed already, or that are dated where no clock has been; not counted."""
        self.duplicates = 0
        """Signals that were counted already, or copies of one text; not counted."""
        self.crowded = 0
        """Signals of subjects that were new while there were too many; not counted."""

    @property
    def subjects(self) -> int:
        """How many subjects are known."""
        return len(self._subjects)

    @property
    def closed_until(self) -> float | None:
        """Event time up to which windows are closed, seconds since the epoch; None before the first."""
        return None if self._closed is None else (self._closed + 1.0) * self._seconds

    @property
    def firing(self) -> list[Alert]:
        """What fires now, as it was told last, in order of the subjects."""
        return [
            msgspec.structs.replace(alert, past=self._history)
            for subject in self._firing().values()
            for alert in subject.alerts.values()
        ]

    def watch(self, subjects: Collection[str]) -> None:
        """These subjects, and no others, are on the watchlist."""
        self._watched = frozenset(subjects)
        self._panel.watch(subjects)

    def hold_to(self, verdicts: Collection[Verdict]) -> int:
        """These verdicts hold and no others: an alarm that one calls false is false, and no other is any more.

        One on another alarm than a subject's latest, or on one that is judged already, changes nothing. That one was
        taken back shows by its absence alone: nobody may have had this desk in memory when it was.

        Args:
            verdicts: All that were given and not taken back, of whatever subjects.

        Returns:
            How many were new.
        """
        new, is_changed = self._judge.hold_to(verdicts, self._subjects)
        if is_changed:
            self._dirty[""] = None
        return new

    def observe(self, signal: Signal, heard: float) -> None:
        """Count a signal, once, however often it is read or was published: its input's place tells.

        Args:
            signal: The signal.
            heard: When it was written, seconds since the epoch.
        """
        key = signal.subject
        subject = self._subjects.get(key)
        if subject is None:
            if not self._has_room(key):
                self.crowded += 1
                return
            subject = self._subjects[key] = Subject()
        self._dirty[key] = None
        place = (signal.topic, signal.partition)
        time = signal.time.timestamp()
        bucket = int(time // self._seconds)
        # Later than all that was counted it is no repetition, whatever its offset: the topic was deleted and made anew.
        if signal.offset <= subject.places.get(place, -1) and bucket <= subject.last:
            self.duplicates += 1
            return
        subject.places[place] = signal.offset
        closed, clock = self._closed, heard if signal.watermark is None else signal.watermark
        if (closed is not None and bucket <= closed) or time > clock + _FARTHEST_AHEAD:
            self.late += 1
            return
        if bucket > subject.last:  # noqa: PLR1730  max() costs four times as much, for each signal
            subject.last = bucket
        message, text = short_print(signal.message_id), short_print(signal.fingerprint)
        seen, within = subject.seen, self._recalled
        if seen.has_id(message, bucket, within):
            self.duplicates += 1
            return
        window = subject.open.get(bucket)
        if window is None:
            window = subject.open[bucket] = Open()
            self._windows.setdefault(bucket, set()).add(key)
        is_copy = seen.has_text(text, bucket, within)
        seen.add(message, text, bucket)
        if is_copy:
            self.duplicates += 1
            _leave_out(window, signal, text)
            return
        self._count(window, signal, time, text)

    def _count(self, window: Open, signal: Signal, time: float, text: bytes) -> None:
        window.total += 1
        sentiment = signal.sentiment
        if sentiment == "negative":
            window.negative += 1
        elif sentiment == "positive":
            window.positive += 1
        window.model = signal.model
        for kind in self._settings.kinds:
            if kind in (sentiment, "volume"):
                gathered = window.gathered.get(kind)
                if gathered is None:
                    gathered = window.gathered[kind] = Gathered()
                evidence.gather(gathered, signal, time, text, self._settings.evidence_messages)

    def advance(self, watermark: float, now: float) -> list[Alert | Trend]:
        """Close every window that ends at or before the watermark.

        Args:
            watermark: Event time that all inputs have reached, seconds since the epoch.
            now: Wall clock, seconds since the epoch; tells history from news, and what lies far ahead.

        Returns:
            Trends and alerts, window by window, and in each by subject.
        """
        end = math.floor(watermark / self._seconds)
        if self._closed is not None and end <= self._closed + 1:
            return []
        before = self._closed
        told_before = {alert.fingerprint for subject in self._firing().values() for alert in subject.alerts.values()}
        records: list[Alert | Trend] = []
        for bucket in sorted(each for each in self._windows if each < end):
            records += self._close_silent(bucket)
            records += self._close(bucket)
        records += self._close_silent(end)
        self._closed = end - 1
        self._dirty[""] = None
        if before is None or before // self._hour != self._closed // self._hour:
            self._forget_ahead(math.floor((now + _FARTHEST_AHEAD) / self._seconds))
            self._forget_silent(self._closed)
        self._history = end * self._seconds < now - _DAY
        return mark_past(records, told_before, now - _DAY)

    def dirty(self) -> list[tuple[str, bytes | None]]:
        """What changed since the last call.

        Returns:
            Keys of subjects with their states, None for one that was forgotten; and "" for what belongs to none, which
            comes last: where it was written, all before it was.
        """
        changed = [key for key in self._dirty if key]
        known = [key for key in changed if key in self._panel]
        panels = dict(zip(known, self._panel.dump_all(known), strict=True))
        states: list[tuple[str, bytes | None]] = []
        for key in changed:
            subject = self._subjects.get(key)
            states.append(
                (key, None if subject is None else encode_subject(subject, panels.get(key, b""), self._measure))
            )
        if "" in self._dirty:
            shared = self._panel.dump_shared()
            states.append(("", encode_partition(shared, self._closed, self._measure, history=self._history)))
        self._dirty.clear()
        return states

    def restore(self, key: str, state: bytes) -> None:
        """Take in a state that ``dirty`` gave, the latest one of each key, into a desk that has seen nothing yet.

        One that was counted in windows of another length, or for other kinds of surge, is left out.

        Args:
            key: Key of the subject; "" for what belongs to none.
            state: Its state.

        Raises:
            ValueError: It is no such state; nothing of it is taken in.
        """
        try:
            self._take_in(key, state)
        except OtherMeasureError as error:
            if not self._begins_anew:  # told once, of what may be all subjects
                self._begins_anew = True
                self._log.warning(
                    "state of other settings is left out: what is usual is learned anew",
                    settings="surge.window_seconds, surge.kinds",
                    state=str(error),
                )

    def _take_in(self, key: str, state: bytes) -> None:
        if not key:
            partition = decode_partition(state, self._measure)
            self._panel.load_shared(partition.panel)
            self._closed, self._history = partition.closed, partition.history
            return
        subject, panel = decode_subject(state, self._measure)
        if panel:
            self._panel.load(key, panel)
        self._subjects[key] = subject
        for bucket in subject.open:
            self._windows.setdefault(bucket, set()).add(key)

    def _firing(self) -> dict[str, Subject]:
        return {key: self._subjects[key] for key in sorted(self._panel.firing)}

    def _close_silent(self, end: int) -> Iterator[Alert | Trend]:
        """Close the windows before ``end`` that nobody was heard in, as long as something fires: silence is calm."""
        while self._panel.firing and self._closed is not None and self._closed + 1 < end:
            yield from self._close(self._closed + 1)

    def _close(self, bucket: int) -> Iterator[Alert | Trend]:
        """Close one window."""
        keys = sorted(self._windows.pop(bucket, ()))
        self._closed = bucket
        heard = {key: self._subjects[key].open.pop(bucket) for key in keys}
        changes: dict[str, list[Transition]] = {}
        for change in self._panel.close(
            bucket, {key: _counts(window) for key, window in heard.items() if window.total or window.copies}
        ):
            changes.setdefault(change.subject, []).append(change)
        most, seconds = self._settings.evidence_messages, self._seconds
        alerts: list[Alert] = []
        for key in sorted({*keys, *self._panel.firing, *changes}):
            subject = self._subjects[key]
            self._dirty[key] = None
            window = heard.get(key)
            evidence.fold(subject, bucket, window)
            for change in changes.get(key, ()):
                alert = self._teller.alert(change, subject, watched=key in self._watched)
                if change.status == "firing":
                    subject.alerts[change.kind] = alert
                else:
                    subject.alerts.pop(change.kind, None)
                alerts.append(alert)
            evidence.trim(subject, bucket, most, seconds)
            if window is not None and window.total:
                yield self._teller.trend(
                    key,
                    bucket,
                    window,
                    before=self._panel.volume(key, bucket - 1),
                    expected=self._panel.expected(key, bucket),
                )
        yield from alerts

    def _has_room(self, key: str) -> bool:
        """Whether one more can be known; others are forgotten for it where they can be."""
        if len(self._subjects) < self._settings.max_subjects or crowding.is_let_in(key, self._watched):
            return True
        # Who is heard of changes when windows close: until then the answer is the same.
        if self._full_at == self._closed:
            return False
        gone = crowding.to_go(
            self._subjects,
            born=self._panel.born,
            firing=self._panel.firing,
            watched=self._watched,
            bucket=self._closed or 0,
            windows_a_day=self._remembered,
            most=self._settings.max_subjects,
        )
        if not gone:
            self._full_at = self._closed
        hour = (self._closed or 0) // self._hour
        if self._crowded_in != hour:  # told once an hour
            self._crowded_in = hour
            self._log.warning("too many subjects: the youngest make room", setting="surge.max_subjects")
        self._drop(gone)
        return bool(gone)

    def _forget_ahead(self, end: int) -> None:
        """Drop windows from ``end`` on, which a state of before may hold: they would be kept until their time comes."""
        for bucket in [each for each in self._windows if each > end]:
            for key in self._windows.pop(bucket):
                self.late += self._subjects[key].open.pop(bucket).total
                self._dirty[key] = None

    def _forget_silent(self, bucket: int) -> None:
        """Forget who was silent for long: memory is for the living."""
        gone = [
            key
            for key, subject in self._subjects.items()
            if subject.last < bucket - self._forget and not subject.open and key not in self._panel.firing
        ]
        self._drop(gone)

    def _drop(self, gone: Collection[str]) -> None:
        self._panel.forget(gone)
        for key in gone:
            del self._subjects[key]
            self._dirty[key] = None


def _leave_out(window: Open, signal: Signal, text: bytes) -> None:
    window.copies[text] = window.copies.get(text, 0) + 1
    if signal.sentiment == "negative":
        window.negative_copies += 1
    elif signal.sentiment == "positive":
        window.positive_copies += 1


def _counts(window: Open) -> Counts:
    return Counts(
        window.negative,
        window.positive,
        window.total,
        window.negative_copies,
        window.positive_copies,
        sum(window.copies.values()),
    )

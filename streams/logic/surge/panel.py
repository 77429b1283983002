"""The statistics of surges, on counts alone: which subjects ring, grow stronger, and fall silent.

A desk gives it the counts of each window as it closes; it learns each subject's baseline, scans the latest windows
for what the baseline does not explain, and rings by chance no more often than the false-alarm budget affords.
Deterministic: the same windows give the same transitions, and a panel that was dumped and loaded goes on exactly as one
that was not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np

from streams.logic.surge.alarms import Alarms
from streams.logic.surge.baseline import LEVEL_HALF_LIFE_HOURS, SCALES, Baseline, ring_size
from streams.logic.surge.calendar import Calendar
from streams.logic.surge.firing import Firing
from streams.logic.surge.learning import Learner
from streams.logic.surge.pool import Pool
from streams.logic.surge.scan import Scanner
from streams.logic.surge.spans import SPANS, Spans
from streams.logic.surge.store import Figures, Store
from streams.logic.surge.transition import Counts, Transition

if TYPE_CHECKING:
    from collections.abc import Collection, KeysView, Mapping, Sequence

    from streams.contract.alerts import SurgeKind
    from streams.contract.settings import SurgeSettings

__all__ = ["Counts", "Panel", "Transition"]

_NONE = Counts()


class Panel:
    """Baselines, tests, budget and alerts of one partition's subjects.

    Args:
        settings: Kinds of surge, lengths of windows, budgets.
        partitions: How many partitions share the budget.
    """

    def __init__(self, settings: SurgeSettings, *, partitions: int) -> None:
        tracks: list[SurgeKind] = ["volume", "negative"]
        if "positive" in settings.kinds:
            tracks.append("positive")
        self._tracks = len(tracks)
        self._calendar = Calendar(settings.window_seconds, LEVEL_HALF_LIFE_HOURS)
        self._pool = Pool(
            self._calendar, tracks=len(tracks), kinds=len(settings.kinds), scales=len(SCALES), spans=len(SPANS)
        )
        self._store = Store(
            tracks=len(tracks),
            kinds=len(settings.kinds),
            scales=len(SCALES),
            spans=len(SPANS),
            ring=ring_size(self._calendar.windows_an_hour),
            hours=max(SPANS) + ring_size(self._calendar.windows_an_hour) // self._calendar.windows_an_hour,
        )
        baseline = Baseline(self._calendar, self._store, self._pool)
        places = np.array([tracks.index(kind) for kind in settings.kinds])
        spans = Spans(self._calendar, self._store, self._pool, places)
        self._learner = Learner(
            calendar=self._calendar,
            store=self._store,
            pool=self._pool,
            baseline=baseline,
            spans=spans,
            warm_up_hours=settings.warm_up_hours,
            warm_up_messages=settings.warm_up_messages,
            tracks=places,
        )
        self._scanner = Scanner(
            settings,
            calendar=self._calendar,
            store=self._store,
            pool=self._pool,
            baseline=baseline,
            spans=spans,
            tracks=places,
        )
        self._forget = settings.forget_hours * 3600 / settings.window_seconds
        self._alarms = Alarms(settings, self._calendar, self._store, partitions)

    def __len__(self) -> int:
        return len(self._store.row)

    def watch(self, subjects: Collection[str]) -> None:
        """These subjects, and no others, are on the watchlist and share its budget."""
        self._alarms.watched = frozenset(subjects)

    def last_began(self, subject: str, kind: SurgeKind) -> int | None:
        """First window of a subject's latest alert of a kind; None where it never rang."""
        return self._alarms.last_began(subject, kind)

    def judge_false(self, subject: str, kind: SurgeKind) -> bool:
        """The latest alarm on a subject was false: scores like its own are chance from now on.

        Returns:
            Whether there was such an alarm that was not judged yet.
        """
        return self._alarms.judge_false(subject, kind)

    def judge_real(self, subject: str, kind: SurgeKind) -> bool:
        """The latest alarm on a subject was not false after all; whether it had been judged so."""
        return self._alarms.judge_real(subject, kind)

    @property
    def judged_false(self) -> list[tuple[str, SurgeKind]]:
        """Subjects and kinds of the alarms that are judged false."""
        return self._alarms.judged_false

    def __contains__(self, subject: object) -> bool:
        return subject in self._store.row

    @property
    def firing(self) -> KeysView[str]:
        """The subjects that fire: time must not pass them unseen."""
        return self._alarms.firing.keys()

    def expected(self, subject: str, bucket: int) -> tuple[float, float]:
        """Negatives and messages that a subject's past lets expect in one of its latest windows."""
        expected = self._store.expected
        volume, negative = expected[self._store.row[subject], :2, bucket % expected.shape[-1]].tolist()
        return negative, volume

    def born(self, subject: str) -> int | None:
        """Hour in which a subject was first heard of; None before a window with it was closed."""
        row = self._store.row.get(subject)
        return None if row is None else int(self._store.born[row])

    def volume(self, subject: str, bucket: int) -> int:
        """Messages on a subject in one of its latest windows."""
        ring = self._store.ring
        return int(ring[self._store.row[subject], 0, bucket % ring.shape[-1]])

    def forget(self, subjects: Collection[str]) -> None:
        """Forget subjects that were silent for long; none of them may fire."""
        for subject in subjects:
            if subject in self._store.row:
                self._store.remove(subject)

    def dump(self, subject: str) -> bytes:
        """A subject's state, exactly."""
        return self.dump_all([subject])[0]

    def dump_all(self, subjects: Sequence[str]) -> list[bytes]:
        """The states of some subjects, in order; sooner made together than one by one."""
        firing = self._alarms.firing
        return [
            msgspec.msgpack.encode((figures, firing.get(subject, {})))
            for subject, figures in zip(subjects, self._store.dump(subjects), strict=True)
        ]

    def load(self, subject: str, state: bytes) -> None:
        """The state that ``dump`` gave."""
        figures, firing = msgspec.msgpack.decode(state, type=tuple[Figures, dict[str, Firing]])
        self._store.load(subject, figures)
        self._alarms.firing.pop(subject, None)
        if firing:
            self._alarms.firing[subject] = cast("dict[SurgeKind, Firing]", firing)

    def dump_shared(self) -> bytes:
        """The state that belongs to no subject, exactly."""
        return msgspec.msgpack.encode((self._pool.dump(), self._alarms.dump()))

    def load_shared(self, state: bytes) -> None:
        """The state that ``dump_shared`` gave."""
        pool, alarms = msgspec.msgpack.decode(state, type=tuple[bytes, bytes])
        self._pool.load(pool)
        self._alarms.load(alarms)

    def close(self, bucket: int, counts: Mapping[str, Counts]) -> list[Transition]:
        """Close one window: look at every subject with counts, and at every one that fires.

        Args:
            bucket: The window; later than any before.
            counts: Of the subjects that were heard of. One that was silent for ``forget_hours`` is a new one.

        Returns:
            What changed, in order of the subjects' keys.
        """
        store = self._store
        keys = sorted({*counts, *self._alarms.firing})
        rows = store.rows(keys)
        store.reset(rows[store.last[rows] < bucket - self._forget])
        # After a crash half of the states may be of a later time: those have this window in them.
        due = store.last[rows] < bucket
        if not due.all():
            keys, rows = [key for key, is_due in zip(keys, due.tolist(), strict=True) if is_due], rows[due]
        if not keys:
            return []
        self._pool.turn(self._calendar.hour(bucket))
        table = np.array([_row(counts.get(key, _NONE)) for key in keys], np.int32).reshape(len(keys), 2, -1)
        table, copies = table[:, 0, : self._tracks], table[:, 1, : self._tracks]
        self._alarms.end_runs(rows[bucket - store.last[rows] > max(SCALES)], bucket)
        self._learner.take(rows, bucket, table, copies)
        scan = self._scanner.scan(rows, bucket, self._alarms.fires(keys))
        self._pool.count(table)
        return self._alarms.look(keys, rows, bucket, scan)


def _row(counts: Counts) -> tuple[int, ...]:
    return (
        counts.total,
        counts.negative,
        counts.positive,
        counts.copies,
        counts.negative_copies,
        counts.positive_copies,
    )

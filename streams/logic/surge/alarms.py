"""From scores to alarms: what rings, within the budget; what grows stronger; what is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from streams.logic.surge.baseline import SCALES
from streams.logic.surge.budget import Budget, Thresholds
from streams.logic.surge.firing import Finding, Firing
from streams.logic.surge.scan import RUN_SCORE, Scan
from streams.logic.surge.store import NEVER
from streams.logic.surge.tail import Tail
from streams.logic.surge.transition import Transition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from streams.contract.alerts import Level, Status, SurgeKind
    from streams.contract.settings import SurgeSettings
    from streams.logic.surge.calendar import Calendar
    from streams.logic.surge.store import Store

_TAIL_HALF_LIFE_WEEKS = 2.0
# Within the cool-down a subject rings again only if it is ten times as unusual.
_COOL_DOWN_SCORE = 1.0
# And ten times more for each alarm that it gave lately: what comes again and again is usual for it.
_AGAIN_SCORE = 1.0
_AGAIN_HALF_LIFE_WEEKS = 1.0
_RED_RATIO = 3.0
# A window is calm if neither it nor the three of them to its end have a score of this.
_CALM_SCORE = 1.3
_CALM_SCALES = [SCALES.index(1), SCALES.index(3)]


class Alarms:
    """What fires, and what it takes to fire.

    Args:
        settings: Budgets, calm windows, cool-down.
        calendar: Windows.
        store: The subjects' figures.
        partitions: How many partitions share the budget.
    """

    def __init__(self, settings: SurgeSettings, calendar: Calendar, store: Store, partitions: int) -> None:
        week = calendar.windows_a_week
        self._kinds = settings.kinds
        self._store = store
        self._needed = settings.resolve_windows
        self._forget_alarm = 0.5 ** (1.0 / (_AGAIN_HALF_LIFE_WEEKS * week))
        self._cool_down = settings.cool_down_seconds / settings.window_seconds
        # Scores of counts, and those of the shares of young subjects.
        self._tail, self._young_tail = (Tail(_TAIL_HALF_LIFE_WEEKS * week) for _ in range(2))
        self._budget = Budget(settings.false_alarms_per_week / partitions, week)
        self._watch_budget = Budget(settings.watchlist_false_alarms_per_week / partitions, week)
        self.watched: frozenset[str] = frozenset()
        """Subjects that spend the watchlist's budget."""
        self.firing: dict[str, dict[SurgeKind, Firing]] = {}
        """What fires, by subject and kind."""

    def fires(self, keys: Sequence[str]) -> NDArray[np.bool_]:
        """What fires of some subjects, [n, kinds]."""
        if not self.firing:
            return np.zeros((len(keys), len(self._kinds)), np.bool_)
        return np.array([[kind in self.firing.get(key, ()) for kind in self._kinds] for key in keys], np.bool_)

    def last_began(self, subject: str, kind: SurgeKind) -> int | None:
        """First window of a subject's latest alert of a kind; None where it never rang."""
        row = self._store.row.get(subject)
        began = NEVER if row is None else int(self._store.started[row, self._kinds.index(kind)])
        return None if began == NEVER else began

    def judge_false(self, subject: str, kind: SurgeKind) -> bool:
        """The latest alarm on a subject was false: runs like its own are chance from now on.

        Returns:
            Whether there was such an alarm that was not judged yet.
        """
        tail = self._rang_last_in(subject, kind)
        return tail is not None and tail.judge_false(subject, kind)

    def judge_real(self, subject: str, kind: SurgeKind) -> bool:
        """The latest alarm on a subject was not false after all; whether it had been judged so."""
        tail = self._rang_last_in(subject, kind)
        return tail is not None and tail.judge_real(subject, kind)

    @property
    def judged_false(self) -> list[tuple[str, SurgeKind]]:
        """Subjects and kinds of the alarms that are judged false."""
        return [found for tail in (self._tail, self._young_tail) for found in tail.judged_false]

    def end_runs(self, rows: NDArray[np.intp], bucket: int) -> None:
        """These subjects were silent for so long that their runs are over."""
        runs = self._store.run[rows]
        for score in runs[runs > 0.0].tolist():
            self._tail.add(score, bucket)
        self._store.run[rows] = 0.0

    def look(self, keys: Sequence[str], rows: NDArray[np.intp], bucket: int, scan: Scan) -> list[Transition]:
        """Look at the scores of one closed window.

        Args:
            keys: The subjects, in order.
            rows: Their rows of the store.
            bucket: The window.
            scan: Their scores.

        Returns:
            What changed, in the order of the subjects.
        """
        self._spend(keys, bucket, scan.young)
        notable = (scan.best >= RUN_SCORE) | (self._store.run[rows] > 0.0) | self.fires(keys)
        changes = []
        limits: dict[tuple[bool, bool], Thresholds] = {}
        for at, which in np.argwhere(notable).tolist():
            watched, young = keys[at] in self.watched, bool(scan.young[at])
            budget = self._watch_budget if watched else self._budget
            tail = self._young_tail if young else self._tail
            if (watched, young) not in limits:
                limits[watched, young] = budget.thresholds(tail)
            case = _Case(
                subject=keys[at],
                kind=self._kinds[which],
                run=(int(rows[at]), which),
                bucket=bucket,
                tail=tail,
                limit=limits[watched, young],
                finding=_finding(scan, at, which, bucket),
            )
            firing = self.firing.get(case.subject, {}).get(case.kind)
            change = self._begin(case) if firing is None else self._go_on(case, firing, scan, at)
            if change is not None:
                changes.append(change)
        return changes

    def _spend(self, keys: Sequence[str], bucket: int, young: NDArray[np.bool_]) -> None:
        """Each look is a chance of a false alarm, at the cost of the budget that the subject falls under."""
        looks = len(self._kinds)
        watched = sum(key in self.watched for key in keys) if self.watched else 0
        self._tail.evaluate(bucket, looks * int((~young).sum()))
        self._young_tail.evaluate(bucket, looks * int(young.sum()))
        self._budget.evaluate(bucket, looks * (len(keys) - watched))
        self._watch_budget.evaluate(bucket, looks * watched)

    def _begin(self, case: _Case) -> Transition | None:
        """Ring, or follow a run of scores that may yet ring."""
        store, score = self._store, case.finding.score
        cooling = case.bucket - int(store.resolved[case.run]) <= self._cool_down
        again = self._rung_lately(case)
        if score >= case.limit.yellow + (_COOL_DOWN_SCORE if cooling else 0.0) + _AGAIN_SCORE * again:
            finding = msgspec.structs.replace(
                case.finding, p_value=case.limit.probability(score), threshold=case.limit.probability(case.limit.yellow)
            )
            firing = Firing(_level(finding, case.limit), finding.window[0], finding)
            self.firing.setdefault(case.subject, {})[case.kind] = firing
            case.tail.add_fired(case.subject, case.kind, case.bucket, threshold=case.limit.yellow, peak=score)
            store.run[case.run] = 0.0
            store.started[case.run] = firing.start_bucket
            store.rung[case.run] = 1.0 + again
            return _transition(case, "firing", firing)
        peak = float(store.run[case.run])
        if score >= RUN_SCORE:
            store.run[case.run] = max(peak, score)
        elif peak > 0.0:
            case.tail.add(peak, case.bucket)
            store.run[case.run] = 0.0
        return None

    def _rung_lately(self, case: _Case) -> float:
        """Alarms of a subject, the earlier ones forgotten."""
        rung = float(self._store.rung[case.run])
        return rung * self._forget_alarm ** (case.bucket - int(self._store.started[case.run])) if rung else 0.0

    def _go_on(self, case: _Case, firing: Firing, scan: Scan, at: int) -> Transition | None:
        """Grow stronger, or be over, or neither."""
        which = case.run[1]
        first, last = firing.finding.window
        # What rose slowly shows in no short window, whose baseline has learned it by now: it is calm once a span is.
        scales = _CALM_SCALES if last - first < max(SCALES) else [*_CALM_SCALES, len(SCALES)]
        calm = bool((scan.scores[at, which, scales] < _CALM_SCORE).all())
        over = firing.relieve(
            float(scan.observed[at, which, 0]),
            float(scan.expected[at, which, 0]),
            float(scan.dispersion[at, which, _CALM_SCALES[-1]]),
            calm=calm,
            needed=self._needed,
        )
        if over:
            del self.firing[case.subject][case.kind]
            if not self.firing[case.subject]:
                del self.firing[case.subject]
            self._store.resolved[case.run] = case.bucket
            return _transition(case, "resolved", firing)
        finding = msgspec.structs.replace(case.finding, p_value=case.limit.probability(case.finding.score))
        for tail in (self._tail, self._young_tail):
            tail.raise_fired(case.subject, case.kind, finding.score)
        if firing.strengthen(finding, _level(finding, case.limit)):
            return _transition(case, "firing", firing)
        return None

    def _rang_last_in(self, subject: str, kind: SurgeKind) -> Tail | None:
        """The tail that knows a subject's latest alarm: it may have rung while it was young, and again since."""
        began = self.last_began(subject, kind)
        if began is None:
            return None
        rang = [(tail.rang_last(subject, kind), tail) for tail in (self._tail, self._young_tail)]
        # A tail knows some alarms only: where the latest is none of them, an earlier one is not meant.
        known = [(bucket, tail) for bucket, tail in rang if bucket is not None and bucket >= began]
        return max(known, key=lambda each: each[0])[1] if known else None

    def dump(self) -> bytes:
        """State that belongs to no subject, exactly."""
        return msgspec.msgpack.encode([each.dump() for each in self._parts()])

    def load(self, state: bytes) -> None:
        """The state that ``dump`` gave."""
        for each, part in zip(self._parts(), msgspec.msgpack.decode(state, type=list[bytes]), strict=True):
            each.load(part)

    def _parts(self) -> tuple[Tail | Budget, ...]:
        return self._tail, self._young_tail, self._budget, self._watch_budget


@dataclass(frozen=True, slots=True)
class _Case:
    """One subject's score that is worth a look."""

    subject: str
    kind: SurgeKind
    run: tuple[int, int]
    """Row of the store and index of the kind."""
    bucket: int
    tail: Tail
    """Of scores of its sort."""
    limit: Thresholds
    finding: Finding


def _finding(scan: Scan, at: int, which: int, bucket: int) -> Finding:
    scale = int(scan.scale[at, which])
    return Finding(
        window=(bucket - int(scan.lengths[scale]) + 1, bucket),
        observed=int(scan.observed[at, which, scale]),
        expected=float(scan.expected[at, which, scale]),
        volume=int(scan.volume[at, scale]),
        expected_share=float(scan.share[at, which]),
        score=float(scan.best[at, which]),
    )


def _level(finding: Finding, limit: Thresholds) -> Level:
    if finding.score >= limit.red and finding.observed >= _RED_RATIO * finding.expected:
        return "red"
    return "orange" if finding.score >= limit.orange else "yellow"


def _transition(case: _Case, status: Status, firing: Firing) -> Transition:
    finding = firing.finding
    return Transition(
        subject=case.subject,
        kind=case.kind,
        status=status,
        level=firing.level,
        bucket=case.bucket,
        start_bucket=firing.start_bucket,
        window=finding.window,
        observed=finding.observed,
        expected=finding.expected,
        volume=finding.volume,
        share=finding.observed / finding.volume if finding.volume else 0.0,
        expected_share=finding.expected_share,
        p_value=finding.p_value,
        threshold=finding.threshold,
    )

"""When a difference is drift: certain enough for the month's budget of false alarms, and large enough to matter.

Each kind of message is compared by itself, since a stream's mix of kinds is nothing that a model must be taught. A
comparison is made of a fresh sample, at most once in ``drift.every_hours``; so the comparisons of a month are counted
before they are made, and each gets an equal part of the budget. Within one, Holm's procedure holds the chance of any
false alarm, over all its measures together, to that part, however they depend on each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.logic.drift.comparison import compare, measures

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from models.training_reference import KindReference, TrainingReference
    from models.yardstick import Measures
    from streams.contract.model_settings import DriftSettings
    from streams.contract.records import SourceKind
    from streams.logic.drift.comparison import Difference

LEAST_REFERENCE = 50
"""Texts of a kind without which it is not compared: with fewer, hardly a difference could be told from chance."""
_HOURS_PER_MONTH = 720.0
_SECONDS_PER_HOUR = 3600.0
# Where the budget is ample: a comparison must still mean something.
_MOST_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one comparison found."""

    kind: SourceKind
    size: int
    """Messages in the sample."""
    alpha: float
    """Chance of a false alarm in it that the budget allows."""
    differences: list[Difference]
    drifted: list[Difference]
    """Those that are drift."""
    news: list[Difference]
    """Those of them that no comparison with this reference had found before."""


@dataclass(slots=True)
class _Sample:
    """Messages by lot from all that were offered since it began, copies left out (Vitter's algorithm R)."""

    since: float
    offered: int = 0
    members: list[Measures] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


class DriftDetector:
    """Compares the stream with one version's reference. Pure: it is told the time, and the lots it draws by.

    Args:
        reference: Of the version that serves.
        settings: Sizes, budget and floor.
        lots: What is drawn by.
        now: Any clock's time in seconds, as in all methods.
    """

    def __init__(self, reference: TrainingReference, settings: DriftSettings, lots: random.Random, now: float) -> None:
        self._settings = settings
        self._lots = lots
        self._references: dict[SourceKind, KindReference] = {
            kind: known for kind, known in reference.kinds.items() if known.size >= LEAST_REFERENCE
        }
        self._samples = {kind: _Sample(now) for kind in self._references}
        self._told: dict[SourceKind, set[str]] = {kind: set() for kind in self._references}

    @property
    def measures(self) -> dict[SourceKind, list[str]]:
        """What is compared, by kind of message."""
        return {kind: measures(reference) for kind, reference in self._references.items()}

    def sample_size(self, kind: SourceKind) -> int:
        """Messages in hand for the next comparison of a kind."""
        return len(self._samples[kind].members)

    def offer(self, kind: SourceKind, measures: Measures, fingerprint: str) -> None:
        """Take a message of the stream, drawn by lot; a copy of one that was offered is left out.

        Syndicated copies are one text to the tests, which would take them for many that agree.
        """
        sample = self._samples.get(kind)
        if sample is None or fingerprint in sample.seen:
            return
        sample.seen.add(fingerprint)
        sample.offered += 1
        if len(sample.members) < self._settings.sample:
            sample.members.append(measures)
        elif (place := self._lots.randrange(sample.offered)) < self._settings.sample:
            sample.members[place] = measures

    def forget(self, kind: SourceKind, now: float) -> None:
        """Begin a new sample of a kind, and compare nothing of what is in hand. What was told stays told."""
        self._samples[kind] = _Sample(now)

    def due(self, now: float) -> list[SourceKind]:
        """Kinds of which a sample is full and old enough."""
        hours = self._settings.every_hours
        return [
            kind
            for kind, sample in self._samples.items()
            if len(sample.members) >= self._settings.sample and now - sample.since >= hours * _SECONDS_PER_HOUR
        ]

    def compare(self, kind: SourceKind, now: float, share: float = 1.0) -> Comparison:
        """Compare what is in hand of a kind, and begin a new sample.

        Args:
            kind: One that is due.
            now: The time.
            share: This worker's share of the stream, and so of the budget, above 0.
        """
        sample, self._samples[kind] = self._samples[kind], _Sample(now)
        alpha = self._alpha(share)
        differences = compare(self._references[kind], sample.members)
        drifted = [
            difference for difference in holm(differences, alpha) if difference.effect >= self._settings.min_effect
        ]
        news = [difference for difference in drifted if difference.measure not in self._told[kind]]
        self._told[kind].update(difference.measure for difference in news)
        return Comparison(kind, len(sample.members), alpha, differences, drifted, news)

    def _alpha(self, share: float) -> float:
        """This comparison's part of the month's budget."""
        comparisons = _HOURS_PER_MONTH / self._settings.every_hours * len(self._references)
        return min(_MOST_ALPHA, self._settings.false_alarms_per_month * share / comparisons)


def holm(differences: Sequence[Difference], alpha: float) -> list[Difference]:
    """Differences that are significant together, the most certain first (Holm, 1979).

    Args:
        differences: All that were tested.
        alpha: Allowed chance that any of those returned is none.
    """
    rejected: list[Difference] = []
    ordered = sorted(differences, key=lambda difference: difference.p_value)
    for rank, difference in enumerate(ordered):
        if difference.p_value > alpha / (len(ordered) - rank):
            break
        rejected.append(difference)
    return rejected

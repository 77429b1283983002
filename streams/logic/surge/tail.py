"""How often chance alone gives so high a score: the tail of the scores themselves, learned as they come.

p-values under a model are never exact far out, where alarms are. So the score at which an alarm is affordable is read
from the greatest scores seen (peaks over threshold: Pickands 1975; with a tail exponential in log p, Weissman 1978; for
anomalies in streams Siffer et al. 2017), and before there are any, from what the model promises.

Scores rise and fall in runs; the peak of a run is one observation. A run that rang is most likely a real surge and says
only that its score passed the threshold: it is censored there, and no more of them count than the budget explains. A
desk's verdict of a false alarm turns it into an ordinary observation.

Peaks fade: each is worth less by a steady step as time goes on, and of all the greatest few are kept. In an exponential
tail that is the same as weights that halve with time, and the few that are kept are always the right ones.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

import msgspec

from streams.contract.alerts import SurgeKind

BASE_SCORE = 2.0
"""Peaks below this are not kept."""
_KEPT = 48
# What the model promises weighs as much as so many evaluations, for the rate, and peaks, for the slope.
_PRIOR_EVALUATIONS = 1_000.0
_SLOPE_PRIOR = 10.0
# So many times more runs may have rung by chance than the budget has it.
_EXPLAINED = 2.0
# So many standard errors are added, since a budget is the most that is to be spent.
_CAUTION = 1.25
_IDEAL_EXCESS = 1.0 / math.log(10.0)
# Peaks fade as it is right for this one.
_TYPICAL_EXCESS = 0.5
_LEAST_EXCESS, _MOST_EXCESS = 0.75 * _IDEAL_EXCESS, 5.0 * _IDEAL_EXCESS


@dataclass(frozen=True, slots=True)
class Fit:
    """An exponential tail: P(peak > s) = rate * exp(-(s - base) / excess) for each evaluation."""

    base: float
    rate: float
    excess: float
    seen: float
    """How many observations it rests on."""

    def probability(self, score: float) -> float:
        """Probability, for each evaluation, of a run with at least this peak."""
        return min(1.0, self.rate * math.exp(-(score - self.base) / self.excess))

    def score(self, probability: float) -> float:
        """The score that is exceeded with this probability, with some caution."""
        far = math.log(self.rate / probability)
        return self.base + self.excess * (far + _CAUTION * math.sqrt((1.0 + far * far) / self.seen))


class Fired(msgspec.Struct, array_like=True):
    """A run that rang."""

    subject: str
    kind: SurgeKind
    bucket: int
    threshold: float
    peak: float
    false: bool = False
    """A desk has judged it false: it counts among the peaks."""
    displaced: float | None = None
    """The peak that made room for it there, should the verdict be taken back."""


class Tail:
    """The greatest peaks of the last weeks, and how many evaluations gave them.

    Args:
        half_life: After so many windows an observation has half its weight.
    """

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._fade = _TYPICAL_EXCESS * math.log(2.0) / half_life
        # Each plus what a peak of now has not faded yet, so that they need not be touched as time goes on.
        self._peaks: list[float] = []
        self._fired: list[Fired] = []
        self._evaluations = 0.0
        self._at = 0

    def evaluate(self, bucket: int, evaluations: int) -> None:
        """So many scores were looked at at the close of a window."""
        # Before the first look nothing fades: it may lie so far before 1970 that what it had faded by has no number.
        passed = bucket - self._at if self._evaluations else 0
        self._evaluations = self._evaluations * 0.5 ** (passed / self._half_life) + evaluations
        self._at = bucket

    def add(self, score: float, bucket: int) -> None:
        """A run is over that rang no bell."""
        if score >= BASE_SCORE:
            bisect.insort(self._peaks, score + self._fade * bucket)
            del self._peaks[:-_KEPT]

    def add_fired(self, subject: str, kind: SurgeKind, bucket: int, *, threshold: float, peak: float) -> None:
        """A run rang."""
        self._fired.append(Fired(subject, kind, bucket, threshold, peak))
        self._fired = self._fired[-_KEPT:]

    def raise_fired(self, subject: str, kind: SurgeKind, peak: float) -> None:
        """The latest run of a subject that rang has grown."""
        fired = self._latest(subject, kind)
        if fired is not None and not fired.false:
            fired.peak = max(fired.peak, peak)

    def rang_last(self, subject: str, kind: SurgeKind) -> int | None:
        """Window in which a subject's latest alarm began; None where none is known."""
        fired = self._latest(subject, kind)
        return None if fired is None else fired.bucket

    @property
    def judged_false(self) -> list[tuple[str, SurgeKind]]:
        """Subjects and kinds of the alarms that are judged false."""
        return [(fired.subject, fired.kind) for fired in self._fired if fired.false]

    def judge_false(self, subject: str, kind: SurgeKind) -> bool:
        """The latest alarm on a subject was false: its run is an ordinary one.

        Returns:
            Whether there was one that was not judged yet.
        """
        fired = self._latest(subject, kind)
        if fired is None or fired.false:
            return False
        fired.false = True
        fired.displaced = self._peaks[0] if len(self._peaks) == _KEPT else None
        self.add(fired.peak, fired.bucket)
        return True

    def judge_real(self, subject: str, kind: SurgeKind) -> bool:
        """The latest alarm on a subject was not false after all: what ``judge_false`` did is taken back.

        Returns:
            Whether it had been judged false.
        """
        fired = self._latest(subject, kind)
        if fired is None or not fired.false:
            return False
        fired.false = False
        peak = fired.peak + self._fade * fired.bucket
        # Greater ones may have taken its place meanwhile.
        if peak in self._peaks:
            self._peaks.remove(peak)
            if fired.displaced is not None:
                bisect.insort(self._peaks, fired.displaced)
        fired.displaced = None
        return True

    def fit(self, affordable: float) -> Fit:
        """The tail as it is known now.

        Args:
            affordable: Probability, for each evaluation, of a false alarm: so many of the runs that rang may be chance.
        """
        faded = self._fade * self._at
        peaks = [peak - faded for peak in self._peaks if peak - faded >= BASE_SCORE]
        base = peaks[0] if len(peaks) == _KEPT else BASE_SCORE
        rung = [each for each in self._fired if not each.false]
        rang = [each.threshold + self._fade * each.bucket - faded - base for each in rung]
        rang = [beyond for beyond in rang if beyond >= 0.0]
        chance = min(1.0, _EXPLAINED * affordable * self._evaluations / len(rang)) if rang else 0.0
        beyond = sum(peaks) - base * len(peaks) + chance * sum(rang)
        mean = (beyond + _SLOPE_PRIOR * _IDEAL_EXCESS) / (len(peaks) + _SLOPE_PRIOR)
        count = len(peaks) + chance * len(rang) + _PRIOR_EVALUATIONS * 10.0**-base
        return Fit(
            base=base,
            rate=count / (self._evaluations + _PRIOR_EVALUATIONS),
            excess=min(max(mean, _LEAST_EXCESS), _MOST_EXCESS),
            seen=len(peaks) + _SLOPE_PRIOR,
        )

    def dump(self) -> bytes:
        """State, exactly."""
        return msgspec.msgpack.encode((self._peaks, self._fired, self._evaluations, self._at))

    def load(self, state: bytes) -> None:
        """The state that ``dump`` gave."""
        self._peaks, self._fired, self._evaluations, self._at = msgspec.msgpack.decode(
            state, type=tuple[list[float], list[Fired], float, int]
        )

    def _latest(self, subject: str, kind: SurgeKind) -> Fired | None:
        return next((each for each in reversed(self._fired) if (each.subject, each.kind) == (subject, kind)), None)

"""Whether a fine-tuned generator takes the champion's place. Pure: figures in, a decision and its reasons out.

It must be surely better at something: nearer to the answers that were given, by letters (chrF) or by meaning (cosine),
or refused by the check less often. And it must be worse at none of them: in nearness by no more than the margin or
chance, in refusals not at all. Near-duplicates are drawn together, as in ``retrain.gate``.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrain.gate import MIN_CONTROL, Check, Decision
from retrain.generator.chrf import COLUMNS, chrf
from retrain.paired_bootstrap import Difference, cluster_sums, difference, resample

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from retrain.generator.judging import JudgedReplies
    from streams.contract.model_settings import RetrainSettings

    _Columns = NDArray[np.float64]


class _Measure(NamedTuple):
    name: str
    title: str
    columns: Callable[[JudgedReplies], _Columns]
    """Of each pair, to be added up, [pairs, columns]."""
    score: Callable[[_Columns], _Columns]
    """0 to 1 of their sums, the last column of which counts pairs; the higher the better."""


_MEASURES = (
    _Measure(
        "chrf",
        "near to the given answers by chrF",
        lambda one: one.chrf,
        lambda sums: chrf(sums[..., :COLUMNS]) / 100,
    ),
    _Measure(
        "similarity",
        "near to the given answers by meaning",
        lambda one: one.similarity[:, None],
        lambda sums: sums[..., 0] / sums[..., -1],
    ),
    _Measure(
        "supported",
        "free of what the check refuses",
        lambda one: (~one.refused[:, None]).astype(np.float64),
        lambda sums: sums[..., 0] / sums[..., -1],
    ),
)


def decide(champion: JudgedReplies, candidate: JudgedReplies, rules: RetrainSettings) -> Decision:
    """Judge a candidate against the champion.

    Args:
        champion: What serves.
        candidate: What wants to.
        rules: Margin, confidence, resamples, slowdown and seed.

    Returns:
        The decision; equal inputs give equal decisions.

    Raises:
        ValueError: The two did not answer the same questions.
    """
    if champion.ids != candidate.ids or not np.array_equal(champion.groups, candidate.groups):
        raise ValueError("champion and candidate did not answer the same questions: judge both on one set of pairs")
    groups = int(np.unique(champion.groups).size)
    if groups < MIN_CONTROL:
        says = (
            f"{groups} different questions that something answers are kept for the gate, of {MIN_CONTROL} that are "
            "needed: import more answers (`tocsin answers import`), or label replies."
        )
        return Decision(promote=False, reasons=[says], figures={"questions": asdict(Check(passed=False, says=says))})
    compared = {measure.name: _compare(measure, champion, candidate, rules) for measure in _MEASURES}
    better = [measure for measure in _MEASURES if compared[measure.name].difference.low > 0]
    checks = {measure.name: _check(measure, compared[measure.name], len(champion.ids), rules) for measure in _MEASURES}
    checks["better"] = Check(
        passed=bool(better),
        says=f"It is surely more {' and '.join(one.title for one in better)}."
        if better
        else "It is surely better at nothing: neither nearer to the given answers nor refused less often.",
    )
    checks["speed"] = _speed(champion, candidate, rules)
    failed = [check.says for check in checks.values() if not check.passed]
    return Decision(
        promote=not failed,
        reasons=failed or [checks["better"].says, "In the other checks it is nowhere worse."],
        figures={name: asdict(check) for name, check in checks.items()},
    )


class _Compared(NamedTuple):
    champion: float
    candidate: float
    difference: Difference


def _compare(measure: _Measure, champion: JudgedReplies, candidate: JudgedReplies, rules: RetrainSettings) -> _Compared:
    of_champion, of_candidate = measure.columns(champion), measure.columns(candidate)
    width = of_champion.shape[1]
    sums = cluster_sums(champion.groups, np.hstack([of_champion, of_candidate, np.ones((len(of_champion), 1))]))

    def scores(summed: _Columns) -> tuple[_Columns, _Columns]:
        count = summed[..., -1:]
        return tuple(
            measure.score(np.concatenate([summed[..., first : first + width], count], axis=-1)) for first in (0, width)
        )  # type: ignore[return-value]  # two of them

    old, new = map(float, scores(sums.sum(axis=0)))
    drawn_old, drawn_new = scores(resample(sums, rules.resamples, rules.seed))
    # Three chances to be better by chance.
    confidence = 1 - (1 - rules.confidence) / len(_MEASURES)
    return _Compared(old, new, difference(new - old, drawn_new - drawn_old, confidence))


def _check(measure: _Measure, compared: _Compared, rows: int, rules: RetrainSettings) -> Check:
    ahead = compared.difference
    if measure.name == "supported":
        worse = not compared.candidate >= compared.champion
    else:
        # Not a plain "less": a figure that is no number must not pass.
        worse = not (ahead.value >= -rules.margin or ahead.p_not_behind >= 1 - rules.confidence)
    verdict = "less" if worse else "not less"
    side = "ahead" if ahead.value >= 0 else "behind"
    return Check(
        passed=not worse,
        says=(
            f"It is {verdict} {measure.title}: {compared.candidate:.3f} where the champion has "
            f"{compared.champion:.3f}, {side} by {abs(ahead.value):.3f} "
            f"(ahead by {ahead.low:+.3f} to {ahead.high:+.3f}; {rows} questions)."
        ),
        champion=compared.champion,
        candidate=compared.candidate,
        rows=rows,
        low=ahead.low,
        high=ahead.high,
    )


def _speed(champion: JudgedReplies, candidate: JudgedReplies, rules: RetrainSettings) -> Check:
    # A token, not a reply: it may have learnt to write longer ones.
    passed = candidate.ms_per_token <= rules.slowdown * champion.ms_per_token
    verdict = "no slower than it may be" if passed else "too slow"
    return Check(
        passed=passed,
        says=(
            f"It is {verdict}: {candidate.ms_per_token:.2f} ms a token where the champion takes "
            f"{champion.ms_per_token:.2f}, of which retrain.slowdown allows {rules.slowdown:g} times."
        ),
        champion=champion.ms_per_token,
        candidate=candidate.ms_per_token,
    )

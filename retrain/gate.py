"""Whether a candidate takes the champion's place. Pure: arrays in, a decision and its reasons out.

A candidate must be better where it counts: on the newest messages that were drawn by lot, since the labels that the
model asked for are of messages that the champion finds hard, and flatter whoever comes after it. And it must be worse
nowhere: not on the frozen part as a whole, on no head, no larger slice, no perturbed text, neither in calibration nor
in speed. Worse is what is behind by more than the margin and by more than chance, both. Of so many things some one
falls behind by chance, so that chance is corrected for their number (Benjamini and Hochberg, 1995): once over the
heads, which are few and see more for it, and once over slices and perturbations. The frozen part as a whole is one
question, asked of every candidate: it stands alone, and sees what heads hide, each in its own chance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import false_discovery_control

from retrain.comparison import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from retrain.judged import Judged, PartName
    from streams.contract.model_settings import RetrainSettings

MIN_CONTROL = 30
"""Clusters of control rows below which a bootstrap would be surer than it may be."""

_TITLES: dict[PartName, str] = {
    "frozen": "the frozen part",
    "recent": "the newest messages",
    "control": "the newest messages drawn by lot",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        passed: Whether the candidate may pass by it.
        says: What was found, as a sentence.
        champion: Its figure; None where there is none to compare.
        candidate: Likewise.
        rows: Rows that it rests on; 0 where it rests on none.
        low: The candidate is ahead by so much at least, at the confidence; None where nothing was resampled.
        high: By so much at most.
        note: Why it passed though the candidate is behind by more than the margin; empty where it is not.
    """

    passed: bool
    says: str
    champion: float | None = None
    candidate: float | None = None
    rows: int = 0
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a candidate.

    Attributes:
        promote: Whether it takes the champion's place.
        reasons: Why, in sentences: all that held it back, or what it is better at.
        figures: The fields of each check by the check's name, as JSON can hold them.
    """

    promote: bool
    reasons: list[str]
    figures: dict[str, Any]


def decide(champion: Judged, candidate: Judged, rules: RetrainSettings) -> Decision:
    """Judge a candidate against the champion.

    Args:
        champion: What serves.
        candidate: What wants to.
        rules: Margin, confidence, resamples, slowdown and seed.

    Returns:
        The decision; equal inputs give equal decisions.

    Raises:
        ValueError: The two did not answer the same rows.
    """
    if champion.parts.keys() != candidate.parts.keys() or champion.perturbed.keys() != candidate.perturbed.keys():
        raise ValueError("champion and candidate were not judged on the same parts: judge both on one data set")
    parts = {name: compare(part, candidate.parts[name], rules) for name, part in champion.parts.items()}
    perturbed = {name: compare(part, candidate.perturbed[name], rules) for name, part in champion.perturbed.items()}
    better = _better(champion, parts.get("control", []), rules)
    checks = {"better": better, "latency": _speed(champion, candidate, rules)}
    checks |= _complete(champion, candidate)
    checks |= _kept(list(_whole(parts)), rules)
    checks |= _kept(list(_heads(parts)), rules)
    checks |= _kept(list(_details(parts, perturbed)), rules)
    failed = [check.says for check in checks.values() if not check.passed]
    others = f"In {len(checks) - 1} other checks it is nowhere worse by more than the margin and by more than chance."
    return Decision(
        promote=not failed,
        reasons=failed or [better.says, others],
        figures={name: asdict(check) for name, check in checks.items()},
    )


def _better(champion: Judged, compared: list[Comparison], rules: RetrainSettings) -> Check:
    """Whether it is surely ahead on the control rows, all heads together."""
    title = _TITLES["control"]
    part = champion.parts.get("control")
    clusters = 0 if part is None else np.unique(part.groups).size
    if clusters < MIN_CONTROL or not compared:
        return Check(
            passed=False,
            says=(
                f"{clusters} different messages among {title} are labelled, of {MIN_CONTROL} that are needed: answer "
                f"label requests of the reason random, or widen retrain.recent_hours ({rules.recent_hours:g})."
            ),
        )
    whole = compared[0]
    passed = whole.difference.low > 0
    verdict = "better" if passed else "not surely better"
    return _check(whole, f"On {title} it is {verdict}: {_figures(whole, rules)}.", passed=passed)


def _speed(champion: Judged, candidate: Judged, rules: RetrainSettings) -> Check:
    passed = candidate.latency_ms <= rules.slowdown * champion.latency_ms
    verdict = "no slower than it may be" if passed else "too slow"
    return Check(
        passed=passed,
        says=(
            f"It is {verdict}: {candidate.latency_ms:.2f} ms a text where the champion takes "
            f"{champion.latency_ms:.2f}, of which retrain.slowdown allows {rules.slowdown:g} times."
        ),
        champion=champion.latency_ms,
        candidate=candidate.latency_ms,
    )


def _complete(champion: Judged, candidate: Judged) -> dict[str, Check]:
    """What cannot be compared for want of rows or of a head."""
    frozen = champion.parts.get("frozen")
    if frozen is None or not frozen.ids:
        return {"frozen": Check(passed=False, says="The frozen part has no row to judge on: label more messages.")}
    lost = sorted(set(frozen.heads) - set(candidate.parts["frozen"].heads))
    return {
        f"frozen: {head}": Check(passed=False, says=f"It has no head {head}, which the champion has.") for head in lost
    }


class _Question(NamedTuple):
    """Something that the candidate could be worse at."""

    name: str
    title: str
    compared: Comparison


def _whole(parts: Mapping[PartName, list[Comparison]]) -> Iterator[_Question]:
    """All heads together on the frozen part; on the control rows it must be better, which is another question."""
    for one in parts.get("frozen", []):
        if one.kind == "all heads":
            yield _Question(f"frozen: {one.name}", f"over all heads on {_TITLES['frozen']}", one)


def _heads(parts: Mapping[PartName, list[Comparison]]) -> Iterator[_Question]:
    """Heads and their calibration."""
    for name, compared in parts.items():
        for one in compared:
            # The newest labels were chosen; those of them that were drawn by lot are a part of their own.
            if one.kind == "head" and name != "recent":
                yield _Question(f"{name}: {one.name}", f"at {one.name} on {_TITLES[name]}", one)
            elif one.kind == "calibration" and name == "frozen":
                yield _Question(f"calibration: {one.name}", f"calibrated at {one.name} on {_TITLES[name]}", one)


def _details(
    parts: Mapping[PartName, list[Comparison]], perturbed: Mapping[str, list[Comparison]]
) -> Iterator[_Question]:
    """Slices and perturbations."""
    for part, compared in parts.items():
        for one in compared:
            if one.kind == "slice" and part != "control":
                yield _Question(f"{part}: {one.name}", f"at {one.name} on {_TITLES[part]}", one)
    for perturbation, compared in perturbed.items():
        for one in compared:
            if one.kind == "head":
                title = f"at {one.name} on {_TITLES['frozen']} with {perturbation}"
                yield _Question(f"{perturbation}: {one.name}", title, one)


def _kept(questions: list[_Question], rules: RetrainSettings) -> dict[str, Check]:
    """Whether the candidate is worse at none of some related things, corrected for their number."""
    if not questions:
        return {}
    corrected = false_discovery_control([question.compared.difference.p_not_behind for question in questions])
    return {
        question.name: _at_least(question, float(p), len(questions), rules)
        for question, p in zip(questions, corrected, strict=True)
    }


def _at_least(question: _Question, p: float, checks: int, rules: RetrainSettings) -> Check:
    """The check of one thing, of which the p value is corrected for so many checks."""
    compared = question.compared
    within = compared.difference.value >= -rules.margin
    # Not a plain "less": a figure that is no number must not pass.
    worse = not (within or p >= 1 - rules.confidence)
    note = "" if within or worse else _unsure(compared, checks, rules)
    verdict = "worse" if worse else "not surely worse" if note else "not worse"
    says = f"It is {verdict} {question.title}: {_figures(compared, rules)}{note and f'; {note}'}."
    return _check(compared, says, passed=not worse, note=note)


def _unsure(compared: Comparison, checks: int, rules: RetrainSettings) -> str:
    """Why a candidate that is behind is not taken for worse; alone it might be, and its bounds then look like it."""
    messages = "1 message is" if compared.rows == 1 else f"{compared.rows} messages are"
    alone = compared.difference.p_not_behind < 1 - rules.confidence
    among = f" among {checks} checks" if alone else ""
    return f"{messages} too few to tell it from chance{among}"


def _check(compared: Comparison, says: str, *, passed: bool, note: str = "") -> Check:
    difference = compared.difference
    return Check(
        passed=passed,
        says=says,
        champion=compared.champion,
        candidate=compared.candidate,
        rows=compared.rows,
        low=difference.low,
        high=difference.high,
        note=note,
    )


def _figures(compared: Comparison, rules: RetrainSettings) -> str:
    difference = compared.difference
    side = "ahead" if difference.value >= 0 else "behind"
    return (
        f"{compared.candidate:.3f} where the champion has {compared.champion:.3f}, {side} by "
        f"{abs(difference.value):.3f} (ahead by {difference.low:+.3f} to {difference.high:+.3f} at "
        f"{rules.confidence:.0%}; {compared.rows} messages)"
    )

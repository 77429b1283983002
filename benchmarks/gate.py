"""How often the gate promotes what is truly better, equal or worse, by drawn answers.

    python -m benchmarks.gate                 # half an hour

Two models differ on a tenth of the rows of each head; of these the candidate wins so many more than it loses that it is
ahead, or behind, by the points that a scenario says. Five heads that err independently, 600 frozen rows, 150 control
rows, seven overlapping slices of each part and head, four perturbations of 400 rows, and both models equally sure of
themselves. Prints the table of docs/retraining.md, beside what the gate would do if it did not ask of the frozen part
as a whole, and writes ``benchmarks/results/gate.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.support.machine import describe_machine
from benchmarks.support.results import write_result
from retrain.gate import decide
from retrain.judged import HeadScores, Judged, Part, Sureness
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.judged import PartName

_RUNS = 200
_HEADS = ("topic", "sentiment", "intent", "entities", "towards")
_FROZEN, _CONTROL, _PERTURBED = 600, 150, 400
_SLICES = 7
_PERTURBATIONS = 4
_RIGHT = 0.85
_DIFFERENT = 0.1
_MILLISECONDS_A_TEXT = 10.0
_WHOLE = "frozen: all heads"


class Scenario(NamedTuple):
    """What the candidate truly is."""

    name: str
    control: float
    """So much it is ahead on the newest messages, at every head."""
    frozen: tuple[float, ...]
    """So much on the frozen part and on perturbed texts, at each head."""


_SCENARIOS = (
    Scenario("equal everywhere", 0.0, (0.0,) * 5),
    Scenario("3 points better on the newest messages, equal on the frozen part", 0.03, (0.0,) * 5),
    Scenario("5 points better, equal on the frozen part", 0.05, (0.0,) * 5),
    Scenario("5 points better, 1 better on the frozen part", 0.05, (0.01,) * 5),
    Scenario("5 points better, 3 worse at one head of the frozen part", 0.05, (-0.03, 0.0, 0.0, 0.0, 0.0)),
    Scenario("5 points better, 5 worse at one head of the frozen part", 0.05, (-0.05, 0.0, 0.0, 0.0, 0.0)),
    Scenario("5 points better, 1 worse at every head of the frozen part", 0.05, (-0.01,) * 5),
    Scenario("5 points better, 2 worse at every head of the frozen part", 0.05, (-0.02,) * 5),
    Scenario("5 points better, 3 worse at every head of the frozen part", 0.05, (-0.03,) * 5),
)


def main() -> None:
    """Simulate, print and write."""
    machine = describe_machine()
    rules = RetrainSettings()
    table = Table("the candidate truly is", "found better", "promoted", "without the question of the whole")
    figures = {}
    for scenario in _SCENARIOS:
        shares = simulate(scenario, rules, _RUNS)
        table.add_row(scenario.name, *(f"{share:.2f}" for share in shares))
        figures[scenario.name] = dict(zip(("better", "promoted", "promoted_without_whole"), shares, strict=True))
    Console().print(table)
    written = write_result("gate", {"runs": _RUNS, "resamples": rules.resamples, **figures}, machine=machine)
    Console().print(f"written: {written.name}")


def simulate(scenario: Scenario, rules: RetrainSettings, runs: int) -> tuple[float, float, float]:
    """Shares of runs in which the candidate is found better, is promoted, and would be without the whole's question."""
    better = promoted = without = 0
    for run in track(range(runs), scenario.name, transient=True):
        figures = decide(*drawn(scenario, np.random.default_rng([run, len(scenario.name)])), rules).figures
        passed = {name: figure["passed"] for name, figure in figures.items()}
        better += passed["better"]
        promoted += all(passed.values())
        without += all(is_passed for name, is_passed in passed.items() if name != _WHOLE)
    return better / runs, promoted / runs, without / runs


def drawn(scenario: Scenario, random: np.random.Generator) -> tuple[Judged, Judged]:
    """Answers of the champion and of the candidate."""
    parts: dict[PartName, tuple[Part, Part]] = {
        "frozen": _part(random, _FROZEN, scenario.frozen, slices=_SLICES),
        "control": _part(random, _CONTROL, (scenario.control,) * len(_HEADS), slices=_SLICES),
    }
    perturbed = {
        f"perturbation {number}": _part(random, _PERTURBED, scenario.frozen) for number in range(_PERTURBATIONS)
    }
    champion, candidate = (
        Judged(
            {name: pair[side] for name, pair in parts.items()},
            {name: pair[side] for name, pair in perturbed.items()},
            _MILLISECONDS_A_TEXT,
        )
        for side in (0, 1)
    )
    return champion, candidate


def _part(random: np.random.Generator, rows: int, gains: Sequence[float], *, slices: int = 0) -> tuple[Part, Part]:
    places = np.arange(rows)
    members = random.integers(max(slices, 1), size=rows)
    # A tenth lie in each slice beside its own: slices by source and by topic overlap, and have 100 rows or more.
    of_slice = {f"slice {one}": (members == one) | (random.random(rows) < 0.1) for one in range(slices)}
    scores: tuple[dict[str, HeadScores], dict[str, HeadScores]] = ({}, {})
    for head, gain in zip(_HEADS, gains, strict=True):
        both = random.random(rows) < _RIGHT
        lot = random.random(rows)
        loses, differs = lot < (_DIFFERENT - gain) / 2, lot < _DIFFERENT
        sure = np.where(random.random(rows) < 0.5, 0.8, 0.9)
        for side, right in enumerate((np.where(differs, loses, both), np.where(differs, ~loses, both))):
            sureness = Sureness.of(places, sure, right, rows)
            scores[side][head] = HeadScores(right.astype(float), np.ones(rows), sureness)
    ids = tuple(map(str, places))
    champion, candidate = (Part(ids, places, of_side, of_slice) for of_side in scores)
    return champion, candidate


if __name__ == "__main__":
    main()

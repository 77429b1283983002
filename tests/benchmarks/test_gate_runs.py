"""The simulation of the gate draws what its scenarios say, and finds what nobody could overlook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.gate import Scenario, drawn, simulate
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from retrain.judged import PartName

RULES = RetrainSettings(resamples=500)
PLACES: tuple[tuple[PartName, str], ...] = (("control", "topic"), ("frozen", "topic"), ("frozen", "towards"))


def test_the_candidate_is_ahead_by_what_the_scenario_says() -> None:
    scenario = Scenario("some", 0.05, (0.0, 0.0, 0.0, 0.0, -0.05))
    gains = []
    for seed in range(40):
        models = drawn(scenario, np.random.default_rng(seed))
        champion, candidate = (
            [model.parts[part].heads[head].gained.mean() for part, head in PLACES] for model in models
        )
        gains.append(np.subtract(candidate, champion))
    assert np.mean(gains, axis=0) == pytest.approx([0.05, 0.0, -0.05], abs=0.01)


def test_what_is_far_better_is_promoted_and_what_is_worse_everywhere_is_not() -> None:
    better = simulate(Scenario("better", 0.1, (0.05,) * 5), RULES, 5)
    worse = simulate(Scenario("worse", 0.1, (-0.08,) * 5), RULES, 5)
    assert better == (1.0, 1.0, 1.0)
    assert worse[:2] == (1.0, 0.0)

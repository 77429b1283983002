"""Drift: found where there is any, once, and false alarms within the budget."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.training_reference import KindReference, TrainingReference
from models.yardstick import Measures, Yardstick
from streams.contract.model_settings import DriftSettings
from streams.logic.drift.comparison import Difference
from streams.logic.drift.detector import DriftDetector, holm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.contract.records import SourceKind

TOPICS = ("markets", "deals", "earnings", "people")
HOURS = 6.0
PERIOD = HOURS * 3600.0


class Stream:
    """Messages by number: lengths, correlated coordinates, and topics, each of which can be shifted."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def measures(self, count: int, *, shift: float = 0.0, new_topic: float = 0.0) -> list[Measures]:
        common, own, third = self.rng.normal(size=(3, count))
        numbers = {"length": np.exp(own) + shift, "embedding/1": common + shift, "embedding/2": common + 0.3 * third}
        topics = np.where(
            self.rng.random(count) < new_topic, "war", self.rng.choice(TOPICS, count, p=[0.5, 0.3, 0.15, 0.05])
        )
        columns = zip(*(values.tolist() for values in numbers.values()), strict=True)
        return [
            Measures(dict(zip(numbers, row, strict=True)), {"topic": topic})
            for row, topic in zip(columns, topics.tolist(), strict=True)
        ]

    def reference(self, size: int = 300) -> KindReference:
        found = self.measures(size)
        return KindReference(
            size=size,
            numbers={name: sorted(one.numbers[name] for one in found) for name in found[0].numbers},
            categories={"topic": dict(Counter(one.categories["topic"] for one in found))},
        )


def of_kinds(kinds: Mapping[SourceKind, KindReference]) -> TrainingReference:
    yardstick = Yardstick(
        width=1, topic_mode="single", pieces={}, mean=bytes(4), directions=bytes(4), neighbours=bytes(2)
    )
    return TrainingReference(yardstick=yardstick, kinds=dict(kinds))


def detector(kinds: Mapping[SourceKind, KindReference], **settings: float) -> DriftDetector:
    chosen = DriftSettings(**{"sample": 200, "every_hours": HOURS} | settings)
    return DriftDetector(of_kinds(kinds), chosen, random.Random(1), 0.0)


def fill(one: DriftDetector, stream: Stream, count: int = 200, kind: SourceKind = "news", **how: float) -> None:
    for measures in stream.measures(count, **how):
        one.offer(kind, measures, stream.rng.bytes(8).hex())


def test_a_sample_is_due_when_it_is_full_and_its_time_is_over() -> None:
    stream = Stream(1)
    one = detector({"news": stream.reference()})
    fill(one, stream, 199)
    assert one.due(PERIOD) == []
    fill(one, stream, 1)
    assert one.due(PERIOD - 1) == []
    assert one.due(PERIOD) == ["news"]
    one.compare("news", PERIOD)
    assert (one.due(PERIOD), one.sample_size("news")) == ([], 0)


def test_a_larger_stream_is_sampled_from_beginning_to_end() -> None:
    stream = Stream(1)
    one = detector({"news": stream.reference()}, sample=100)
    # A shift in the second half alone: a sample of the first or last hundred would tell none, or more.
    fill(one, stream, 500)
    fill(one, stream, 500, new_topic=1.0)
    found = {difference.measure: difference for difference in one.compare("news", PERIOD).differences}
    assert found["topic"].effect == pytest.approx(0.5, abs=0.2)


def test_copies_count_once() -> None:
    stream = Stream(1)
    one = detector({"news": stream.reference()})
    (copied,) = stream.measures(1)
    for _ in range(50):
        one.offer("news", copied, "same")
    assert one.sample_size("news") == 1


def test_a_kind_that_is_forgotten_begins_anew_and_is_not_told_again() -> None:
    stream = Stream(2)
    one = detector({"news": stream.reference()})
    fill(one, stream, shift=1.0)
    told = one.compare("news", PERIOD).news
    fill(one, stream, shift=1.0)
    one.forget("news", 2 * PERIOD)
    assert (one.sample_size("news"), one.due(2 * PERIOD)) == (0, [])
    fill(one, stream, shift=1.0)
    assert one.due(3 * PERIOD - 1) == []
    again = one.compare("news", 3 * PERIOD)
    assert {one.measure for one in told} <= {one.measure for one in again.drifted}
    assert again.news == []


def test_kinds_are_compared_apart_and_a_kind_with_hardly_any_reference_is_not() -> None:
    stream = Stream(1)
    one = detector({"news": stream.reference(), "social": stream.reference(49)})
    fill(one, stream, kind="news")
    fill(one, stream, kind="social")
    fill(one, stream, kind="customer")
    assert one.measures == {"news": ["length", "embedding", "topic"]}
    assert one.due(PERIOD) == ["news"]


@pytest.mark.parametrize(("how", "measure"), [({"shift": 1.0}, "length"), ({"new_topic": 0.4}, "topic")])
def test_what_drifted_is_told_with_its_measure_and_once(how: dict[str, float], measure: str) -> None:
    stream = Stream(2)
    one = detector({"news": stream.reference()})
    fill(one, stream, **how)
    first = one.compare("news", PERIOD)
    fill(one, stream, **how)
    second = one.compare("news", 2 * PERIOD)
    assert measure in {difference.measure for difference in first.news}
    assert measure in {difference.measure for difference in second.drifted}
    assert measure not in {difference.measure for difference in second.news}


def test_a_certain_difference_that_is_small_is_no_drift() -> None:
    stream = Stream(3)
    one = detector({"news": stream.reference(2000)}, sample=2000, min_effect=0.3)
    fill(one, stream, 2000, shift=0.5)
    comparison = one.compare("news", PERIOD)
    embedding = next(one for one in comparison.differences if one.measure == "embedding")
    assert embedding.p_value < comparison.alpha
    assert "embedding" not in {difference.measure for difference in comparison.drifted}


def test_the_budget_is_shared_by_all_comparisons_of_a_month_and_all_workers() -> None:
    stream = Stream(1)
    kinds: dict[SourceKind, KindReference] = {"news": stream.reference(), "social": stream.reference()}
    one = detector(kinds, false_alarms_per_month=2.0)
    fill(one, stream)
    # 720 hours hold 120 comparisons of each of two kinds; this worker has a quarter of the stream.
    assert one.compare("news", PERIOD, share=0.25).alpha == pytest.approx(2.0 / 240 / 4)


def test_an_ample_budget_does_not_make_noise_of_a_comparison() -> None:
    stream = Stream(1)
    one = detector({"news": stream.reference()}, false_alarms_per_month=1e6)
    fill(one, stream)
    assert one.compare("news", PERIOD).alpha == 0.05


def difference(measure: str, p_value: float) -> Difference:
    return Difference(measure, 0.5, p_value, "")


def test_holm_steps_down_and_stops_at_the_first_that_fails() -> None:
    found = [difference("a", 0.02), difference("b", 0.012), difference("c", 0.03), difference("d", 0.9)]
    # 0.012 <= 0.05/4; 0.02 > 0.05/3; what comes after it does not count.
    assert [one.measure for one in holm(found, 0.05)] == ["b"]
    assert [one.measure for one in holm(found, 0.08)] == ["b", "a", "c"]


def test_false_alarms_are_within_the_budget() -> None:
    """A simulation: comparisons of a stream that does not drift, each with a reference of its own.

    The budget is 5% a comparison, so that few are needed; of 200 that gives 10, and at most 19 by three deviations.
    """
    alarms = 0
    for number in range(20):
        stream = Stream(100 + number)
        one = detector({"news": stream.reference(150)}, false_alarms_per_month=6.0, min_effect=1e-9, sample=150)
        for period in range(1, 11):
            fill(one, stream, 150)
            comparison = one.compare("news", period * PERIOD)
            assert comparison.alpha == pytest.approx(0.05)
            alarms += bool(comparison.drifted)
    assert 1 <= alarms <= 19, alarms

"""Timing, by a clock that the test winds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.toy_model import LABELS

from retrain import latency
from retrain.latency import TEXTS, measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.manifest import Labels
    from models.running import Run

pytestmark = pytest.mark.train


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Model:
    """Takes so many seconds a text; now and then the whole machine is held up."""

    labels: Labels = LABELS

    def __init__(self, clock: Clock, seconds: float, asked: list[tuple[float, int]]) -> None:
        self._clock, self._seconds, self._asked = clock, seconds, asked

    def runs(self, texts: Sequence[str]) -> Iterator[Run]:
        self._asked.append((self._seconds, len(texts)))
        hiccup = 5.0 if len(self._asked) % 7 == 0 else 0.0
        self._clock.seconds += self._seconds * len(texts) + hiccup
        return iter(())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(latency, "perf_counter", clock)
    return clock


def test_a_busy_machine_slows_neither_figure(clock: Clock) -> None:
    asked: list[tuple[float, int]] = []
    models = [Model(clock, seconds, asked) for seconds in (0.002, 0.003)]
    texts = [str(number) for number in range(TEXTS)]
    quick, slow = measure(models, texts)
    assert (quick.median_ms, slow.median_ms) == (pytest.approx(2.0), pytest.approx(3.0))
    assert (quick.p95_ms, slow.batch_ms) == (pytest.approx(2.0), pytest.approx(3.0))
    # After a first go at all, they take turns.
    assert asked[:2] == [(0.002, TEXTS), (0.003, TEXTS)]
    assert asked[2:6] == [(0.002, 1), (0.003, 1), (0.002, 1), (0.003, 1)]


@pytest.mark.parametrize(("given", "taken"), [(1, 1), (TEXTS, TEXTS), (TEXTS + 1, 33), (1000, 63)])
def test_of_many_texts_some_are_taken(clock: Clock, given: int, taken: int) -> None:
    (one,) = measure([Model(clock, 0.001, [])], ["x"] * given)
    assert one.texts == taken

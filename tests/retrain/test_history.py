"""Epochs out of the Trainer's log."""

from __future__ import annotations

from typing import Any

import pytest

from retrain.history import Epoch, best, ended, epochs, logged


def log() -> list[dict[str, Any]]:
    return [
        {**logged(3.0, {"topic": 0.5, "sentiment": 0.7}), "step": 0, "epoch": 0},
        {"loss": 2.5, "grad_norm": 1.0, "step": 4, "epoch": 1.0},
        {**logged(2.0, {"topic": 0.7, "sentiment": 0.7}), "step": 4, "epoch": 1.0},
        {"train_runtime": 1.0, "step": 4},
    ]


def test_epochs_are_read_from_the_log() -> None:
    start, first = epochs(log())
    assert (start.number, start.step, start.training_loss, start.validation_loss) == (0, 0, None, 3.0)
    assert (first.number, first.step, first.training_loss, first.validation_loss) == (1, 4, 2.5, 2.0)
    assert first.scores == {"topic": 0.7, "sentiment": 0.7}
    assert start.score == pytest.approx(0.6)


def epoch(number: int, score: float, loss: float) -> Epoch:
    return Epoch(number=number, step=number, training_loss=None, validation_loss=loss, scores={"topic": score})


@pytest.mark.parametrize(
    ("figures", "winner"),
    [
        ([(0.5, 1.0), (0.7, 2.0), (0.6, 0.5)], 1),
        ([(1.0, 1.0), (1.0, 0.4), (1.0, 0.6)], 1),
        ([(0.5, 1.0), (0.5, 1.0)], 0),
    ],
)
def test_the_best_has_the_highest_score_then_the_lowest_loss_then_comes_first(
    figures: list[tuple[float, float]], winner: int
) -> None:
    history = [epoch(number, score, loss) for number, (score, loss) in enumerate(figures)]
    assert best(history).number == winner


def test_it_ends_after_so_many_epochs_without_a_better_one() -> None:
    assert not ended([], 1)
    history = [epoch(0, 0.5, 1.0), epoch(1, 0.6, 1.0), epoch(2, 0.6, 1.1), epoch(3, 0.4, 1.0)]
    assert [ended(history[: count + 1], 2) for count in range(4)] == [False, False, False, True]

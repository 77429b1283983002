"""How a training run went, epoch by epoch, out of what the Trainer logs and keeps in its checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from retrain.rows import HEADS, Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


# The Trainer wants names of this kind for what it measures on validation.
_PREFIX = "eval_"


class Epoch(Struct, frozen=True, kw_only=True):
    """One pass over the data; number 0 is the warm start, before any."""

    number: int
    step: int
    """Steps done by its end."""
    training_loss: float | None
    """Mean over the epoch, or since the checkpoint from which a killed run went on in it; None of the warm start."""
    validation_loss: float
    """Sum over the heads."""
    scores: dict[Head, float]
    """F1 of each head that validation has labels of."""

    @property
    def score(self) -> float:
        """Mean over the heads: what the best epoch is chosen by."""
        return sum(self.scores.values()) / len(self.scores)


def logged(loss: float, scores: Mapping[Head, float]) -> dict[str, float]:
    """An evaluation in the form that the Trainer logs."""
    return {f"{_PREFIX}loss": loss, **{f"{_PREFIX}{head}": figure for head, figure in scores.items()}}


def epochs(log_history: Iterable[Mapping[str, Any]]) -> list[Epoch]:
    """Every evaluation that was logged, in order."""
    found: list[Epoch] = []
    training_loss: float | None = None
    for entry in log_history:
        training_loss = entry.get("loss", training_loss)
        if f"{_PREFIX}loss" in entry:
            found.append(
                Epoch(
                    number=len(found),
                    step=entry["step"],
                    training_loss=training_loss,
                    validation_loss=entry[f"{_PREFIX}loss"],
                    scores={head: entry[f"{_PREFIX}{head}"] for head in HEADS if f"{_PREFIX}{head}" in entry},
                )
            )
    return found


def best(history: Sequence[Epoch]) -> Epoch:
    """The epoch of the highest score; of equal ones that of the lowest loss, then the earliest."""
    return max(history, key=lambda epoch: (epoch.score, -epoch.validation_loss, -epoch.number))


def ended(history: Sequence[Epoch], patience: int) -> bool:
    """Whether so many epochs have brought no better one."""
    return bool(history) and history[-1].number - best(history).number >= patience

"""What a way to learn loses where texts come otherwise than they were written for it, whoever has learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.perturb import perturbations
from retrain.robustness import drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrain.rows import Row


@dataclass(frozen=True, slots=True)
class Perturbed:
    """One perturbation.

    Attributes:
        rows: That it changes.
        before: Macro-F1 over these rows as they were; of entities F1 by character.
        after: The same, of the rows as they were changed.
    """

    rows: int
    before: float
    after: float


def perturbed(rows: Sequence[Row], measure: Callable[[Sequence[Row]], float]) -> dict[str, Perturbed]:
    """Measure on rows as they are and as they also come, by the perturbations of the retraining job.

    Args:
        rows: A test part, of which the job's own draw is taken.
        measure: Answers rows and says how well.
    """
    known = {(row.origin, row.id): row for row in rows}
    return {
        name: Perturbed(len(changed), measure([known[row.origin, row.id] for row in changed]), measure(changed))
        for name, changed in perturbations(drawn(rows)).items()
        if changed
    }

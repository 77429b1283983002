"""The test parts of a data set before a model: each row is asked once, whatever parts it lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from retrain.answers import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.answers import Readable, RowAnswer
    from retrain.dataset import Dataset
    from retrain.judged import PartName
    from retrain.rows import Row


class Asked(NamedTuple):
    """Rows of one part, and a model's answers in their order."""

    rows: list[Row]
    answers: list[RowAnswer]


def ask(
    model: Readable, dataset: Dataset, on_progress: Callable[[int, int], None] | None = None
) -> dict[PartName, Asked]:
    """Let a model answer the frozen and the recent part, and of this the control rows apart.

    Args:
        model: The model.
        dataset: The data set.
        on_progress: Told how many rows are done, of how many.

    Returns:
        The parts that hold rows, by name.
    """
    rows = [*dataset.frozen, *dataset.recent]
    answers = answer(model, rows, on_progress)
    border = len(dataset.frozen)
    recent = list(zip(dataset.recent, answers[border:], strict=True))
    control = [(row, one) for row, one in recent if row.control]
    parts: dict[PartName, Asked] = {
        "frozen": Asked(dataset.frozen, answers[:border]),
        "recent": Asked(dataset.recent, answers[border:]),
        "control": Asked([row for row, _ in control], [one for _, one in control]),
    }
    return {name: asked for name, asked in parts.items() if asked.rows}

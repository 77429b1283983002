"""What a model loses where texts come otherwise than they were written for it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct

from retrain.answers import answer
from retrain.evaluate import headline
from retrain.perturb import perturbations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrain.answers import Readable, RowAnswer
    from retrain.rows import Row

MOST_ROWS = 400
"""Of a part that are perturbed: each perturbation asks about all of them once more."""


class PerturbationReport(Struct, frozen=True, kw_only=True):
    """One perturbation: its rows as they were, and as they were changed."""

    name: str
    rows: int
    same: float
    """Share of the rows at which topic, sentiment and a customer's intent were answered as before."""
    before: dict[str, float]
    """Macro-F1 of each head, of entities F1."""
    after: dict[str, float]


def drawn(rows: Sequence[Row]) -> list[Row]:
    """The rows that are perturbed: by a hash of their ids, so many at most."""
    return sorted(rows, key=_draw)[:MOST_ROWS]


def robustness(
    model: Readable, rows: Sequence[Row], answers: Sequence[RowAnswer], tell: Callable[[int, int], None]
) -> list[PerturbationReport]:
    """Ask a model about every perturbation of rows.

    Args:
        model: The model.
        rows: A part of the data set.
        answers: To them, in their order.
        tell: Told how many perturbations are done, of how many.
    """
    known = {(row.origin, row.id): (row, one) for row, one in zip(rows, answers, strict=True)}
    kinds = perturbations(drawn(rows))
    reports = []
    for number, (name, changed) in enumerate(kinds.items(), 1):
        if changed:
            before = [known[row.origin, row.id] for row in changed]
            reports.append(_report(name, changed, answer(model, changed), before, model))
        tell(number, len(kinds))
    return reports


def _draw(row: Row) -> bytes:
    return blake2b(f"{row.origin}/{row.id}".encode("utf-8", "surrogatepass")).digest()


def _report(
    name: str,
    changed: Sequence[Row],
    answers: Sequence[RowAnswer],
    before: Sequence[tuple[Row, RowAnswer]],
    model: Readable,
) -> PerturbationReport:
    old_rows, old_answers = [row for row, _ in before], [one for _, one in before]
    same = sum(
        _served(row, one) == _served(row, other) for row, one, other in zip(changed, answers, old_answers, strict=True)
    )
    return PerturbationReport(
        name=name,
        rows=len(changed),
        same=same / len(changed),
        before=headline(old_rows, old_answers, model.labels),
        after=headline(changed, answers, model.labels),
    )


def _served(row: Row, one: RowAnswer) -> tuple[object, ...]:
    """What would be published of the whole message."""
    return one.topics, one.sentiment, one.intent if row.kind == "customer" else None

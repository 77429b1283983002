"""Champion and candidate before the same rows: what the gate decides on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrain.answers import answer
from retrain.judged import HeadScores, Judged, Part, Sureness
from retrain.latency import measure
from retrain.outcomes import LABEL_HEADS, Outcomes, SpanOutcomes, collect, collect_spans
from retrain.parts import ask
from retrain.perturb import perturbations
from retrain.robustness import drawn
from retrain.slices import slices_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.manifest import Labels
    from retrain.answers import Readable, RowAnswer
    from retrain.dataset import Dataset
    from retrain.rows import Row


def judge(champion: Readable, candidate: Readable, dataset: Dataset) -> tuple[Judged, Judged]:
    """Let two models answer a data set's test parts, as they are served.

    Args:
        champion: What serves.
        candidate: What wants to.
        dataset: Of which neither was trained on the frozen and the recent part.

    Returns:
        What the gate needs of each, in that order; a part without a row is missing.
    """
    perturbed = {name: rows for name, rows in perturbations(drawn(dataset.frozen)).items() if rows}
    speeds = measure([champion, candidate], [row.text for row in dataset.frozen or dataset.validation])
    of_champion, of_candidate = (
        Judged(
            parts={name: _part(*asked, model.labels) for name, asked in ask(model, dataset).items()},
            perturbed={name: _part(rows, answer(model, rows), model.labels) for name, rows in perturbed.items()},
            latency_ms=speed.median_ms,
        )
        for model, speed in zip((champion, candidate), speeds, strict=True)
    )
    return of_champion, of_candidate


def scores_of(rows: Sequence[Row], answers: Sequence[RowAnswer], labels: Labels) -> dict[str, HeadScores]:
    """What each head gained on each row.

    Args:
        rows: The rows.
        answers: To them, in their order.
        labels: Names of the model's outputs.

    Returns:
        By head, those that somebody labelled.
    """
    outcomes = {head: collect(head, rows, answers, labels) for head in LABEL_HEADS}
    scores = {str(head): _of_labels(one, len(rows)) for head, one in outcomes.items() if one.places.size}
    spans = collect_spans(rows, answers)
    return scores | {"entities": _of_spans(spans, len(rows))} if spans.places.size else scores


def _part(rows: Sequence[Row], answers: Sequence[RowAnswer], labels: Labels) -> Part:
    _, groups = np.unique([row.group for row in rows], return_inverse=True)
    return Part(
        ids=tuple(f"{row.origin}/{row.id}" for row in rows),
        groups=groups.astype(np.intp),
        heads=scores_of(rows, answers, labels),
        slices=slices_of(rows),
    )


def _of_labels(outcomes: Outcomes, rows: int) -> HeadScores:
    pairs = list(zip(outcomes.expected, outcomes.given, strict=True))
    if outcomes.one_label:
        gained = [float(expected == given) for expected, given in pairs]
        possible = [1.0 for _ in pairs]
    else:
        gained = [2.0 * len({*expected} & {*given}) for expected, given in pairs]
        possible = [float(len(expected) + len(given)) for expected, given in pairs]
    sureness = Sureness.of(outcomes.confident_places(), outcomes.confidences, outcomes.right, rows)
    return HeadScores(_summed(outcomes.places, gained, rows), _summed(outcomes.places, possible, rows), sureness)


def _of_spans(spans: SpanOutcomes, rows: int) -> HeadScores:
    pairs = list(zip(spans.given, spans.expected, strict=True))
    hits = [2.0 * len(given.keys() & expected) for given, expected in pairs]
    both = [float(len(given) + len(expected)) for given, expected in pairs]
    sureness = Sureness.of(spans.confident_places(), *spans.confidences(), rows)
    return HeadScores(_summed(spans.places, hits, rows), _summed(spans.places, both, rows), sureness)


def _summed(places: NDArray[np.int64], values: Sequence[float], rows: int) -> NDArray[np.float64]:
    """Values added up by their row, float64 [rows]."""
    return np.bincount(places, np.asarray(values, np.float64), rows).astype(np.float64)

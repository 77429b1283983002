"""How much each label's examples weigh in the loss, so that rare labels are learnt too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.manifest import Labels
    from retrain.rows import Head, Row

MOST = 10.0
"""Without a limit, the five examples of a new name among thousands would drive every step that they are in."""

# Weights are written into the snapshot: the last bits of a division need not be the same on every processor.
_DIGITS = 6


def class_weights(train: Sequence[Row], labels: Labels) -> dict[Head, dict[str, float]]:
    """Weights by head and label; heads that no row labels are absent.

    A label of a head that chooses one weighs the number of rows over that of the labels that occur and of its own rows
    ("balanced"). A topic of a multi-label domain has the weight of its yes against a no: rows without it over rows
    with it. None is above ``MOST`` or below its inverse; a label without a row weighs 1. Entity tags have no weights.
    """
    topics = [row.topics for row in train if row.topics is not None]
    chosen: dict[Head, tuple[list[str], Sequence[str]]] = {
        "sentiment": ([row.sentiment for row in train if row.sentiment is not None], labels.sentiments),
        "intent": ([row.intent for row in train if row.intent is not None], labels.intents),
        "towards": (
            [one.sentiment for row in train for one in row.entities or () if one.sentiment is not None],
            labels.sentiments,
        ),
    }
    weights: dict[Head, dict[str, float]] = {}
    if topics and labels.topic_mode == "multi":
        weights["topic"] = _yes_weights(topics, labels.topics)
    else:
        chosen["topic"] = ([names[0] for names in topics], labels.topics)
    weights |= {head: _balanced(given, names) for head, (given, names) in chosen.items() if given}
    return weights


def _balanced(given: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    present = np.unique(given)
    balanced = compute_class_weight("balanced", classes=present, y=np.asarray(given))
    by_name = dict(zip(present.tolist(), balanced.tolist(), strict=True))
    return {name: _limited(by_name[name]) if name in by_name else 1.0 for name in names}


def _yes_weights(topics: Sequence[tuple[str, ...]], names: Sequence[str]) -> dict[str, float]:
    counts = {name: sum(name in given for given in topics) for name in names}
    return {name: _limited((len(topics) - count) / count) if count else 1.0 for name, count in counts.items()}


def _limited(weight: float) -> float:
    return round(min(max(weight, 1.0 / MOST), MOST), _DIGITS)

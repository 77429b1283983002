"""A data set of toy texts in the toy tokeniser's words."""

from __future__ import annotations

import random
from typing import Any

from support.toy_model import LABELS

from retrain.dataset import Dataset
from retrain.rows import Row
from streams.contract.labels import LabelledEntity

TOPICS = {"profit": "earnings", "shares": "markets", "merger": "deals"}
SENTIMENTS = {"loses": "negative", "wins": "positive", "said": "neutral"}
INTENTS = {"broken": "complaint", "why": "question"}
NAMES = {"acme": "ORG", "beta": "ORG", "paris": "LOC", "zoe": "PER"}


def rows(count: int, seed: int = 0) -> list[Row]:
    """So many rows; every fourth is said nothing of but its sentiment, and every other is a customer's."""
    draw = random.Random(seed)
    made = []
    for number in range(count):
        name, topic, sentiment, intent = (draw.choice(list(of)) for of in (NAMES, TOPICS, SENTIMENTS, INTENTS))
        customer = bool(number % 2)
        words = [name, topic, sentiment, *([intent] if customer else []), *("acd"[: draw.randrange(4)])]
        sparing = number % 4 == 0
        entity: Any = LabelledEntity(
            start=0,
            end=len(name),
            type=NAMES[name],  # type: ignore[arg-type]
            sentiment=SENTIMENTS[sentiment] if number % 3 else None,  # type: ignore[arg-type]
        )
        made.append(
            Row(
                id=f"m{seed}-{number}",
                text=" ".join(words),
                kind="customer" if customer else "news",
                source="toy",
                origin="label",
                group=f"g{seed}-{number}",
                topics=None if sparing else (TOPICS[topic],),
                sentiment=SENTIMENTS[sentiment],  # type: ignore[arg-type]
                intent=INTENTS[intent] if customer and not sparing else None,
                entities=None if sparing else (entity,),
            )
        )
    return made


def dataset(**changed: object) -> Dataset:
    """A data set of 48 rows and 16 for validation, without any that is kept for testing."""
    parts: dict[str, Any] = {
        "train": rows(48, 1),
        "validation": rows(16, 2),
        "frozen": [],
        "recent": [],
        "labels": LABELS,
        "class_weights": {"sentiment": {"negative": 2.0, "neutral": 1.0, "positive": 1.0}},
        "offsets": {0: 64},
    }
    return Dataset(**parts | changed)

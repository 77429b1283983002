"""A whole data set of a small domain, from labels and seed examples; the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.labelled import INTENTS, NOW, TOPICS, days_ago, domain, label, texts

from retrain.dataset import Dataset, build
from streams.contract.examples import Example, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.manifest import Labels
    from retrain.rows import Row
    from streams.contract.labels import Label

SEED = [
    Example(
        text=text,
        kind="news",
        topics=(TOPICS[number % 3],),
        sentiment="neutral",
        intent=None,
        entities=(Span(0, 6, "ORG", "negative"),),
    )
    for number, text in enumerate(texts(120, seed=1))
]
MESSAGES = [
    label(
        f"m{number}",
        text=text,
        kind="customer",
        topics=[TOPICS[number % 3]],
        sentiment="negative",
        intent=INTENTS[number % 2],
        message_time=days_ago(number % 30),
        reason="random" if number % 2 else "uncertain",
    )
    for number, text in enumerate(texts(150, seed=2))
]
OFFSETS = {1: 40, 0: 70}


def made(
    given: Sequence[Label] = MESSAGES,
    seed: Sequence[Example] = SEED,
    champion: Labels | None = None,
    learnt: Sequence[Row] = (),
) -> Dataset:
    """The data set of these labels and examples."""
    return build(given, OFFSETS, seed, domain(), recent_hours=168, now=NOW, champion=champion, learnt=learnt)

"""A small domain in the toy tokeniser's words, and labels of it that teach a word that its seed does not know."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from streams.contract.labels import Label

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.records import Sentiment

_TOML = """
name = "toy"
title = "Toy"
topics = [
  {name = "earnings", title = "Results"}, {name = "markets", title = "Prices"}, {name = "deals", title = "Mergers"}
]
intents = [{name = "complaint", title = "Complaint"}, {name = "question", title = "Question"}]

[entities]
types = ["ORG", "LOC"]
"""
_TOPICS = {"profit": "earnings", "shares": "markets", "merger": "deals"}
_SENTIMENTS: dict[str, Sentiment] = {"loses": "negative", "wins": "positive", "said": "neutral"}
_INTENTS = {"broken": "complaint", "why": "question"}
_NAMES = {"acme": "ORG", "beta": "ORG", "paris": "LOC"}
_NEW: dict[str, Sentiment] = {"lone": "negative", "cola": "positive"}
"""Words of the tokeniser that the seed never uses."""


def _filler(draw: random.Random) -> str:
    """Words that mean nothing, so that no two texts are nearly equal."""
    return " ".join(draw.sample("abcdefghijklmnopqrstvwxyz", 8))


def write_domain(folder: Path, examples: int = 100) -> Path:
    """Write the domain, with so many seed examples of news and as many of customers."""
    draw = random.Random(5)
    (folder / "seed").mkdir(parents=True)
    (folder / "domain.toml").write_text(_TOML)
    for kind in ("news", "customer"):
        lines = ["topic\tsentiment\tintent\ttext"]
        for _ in range(examples):
            name, topic, sentiment, intent = (draw.choice(list(of)) for of in (_NAMES, _TOPICS, _SENTIMENTS, _INTENTS))
            marked = f"[{name}]({_NAMES[name]}:{_SENTIMENTS[sentiment]}) {topic} {sentiment} {sentiment}"
            if kind == "customer":
                marked += f" {intent} {intent}"
            told = (_TOPICS[topic], _SENTIMENTS[sentiment], _INTENTS[intent] if kind == "customer" else "-")
            lines.append("\t".join((*told, f"{marked} {_filler(draw)}")))
        (folder / "seed" / f"{kind}.tsv").write_text("\n".join(lines) + "\n")
    return folder


def slang_labels(count: int, *, now: datetime | None = None, wrong: bool = False) -> list[Label]:
    """Labels by which new words are learnt: half of them of old messages, half of new ones that were drawn by lot.

    Args:
        count: How many.
        now: The newest of them.
        wrong: Every sentiment is turned round.
    """
    draw = random.Random(6)
    now = now or datetime.now(UTC)
    made = []
    for number in range(count):
        word = draw.choice(list(_NEW))
        sentiment = _NEW[word]
        if wrong:
            sentiment = "positive" if sentiment == "negative" else "negative"
        is_new = number % 2 == 0
        made.append(
            Label(
                message_id=f"m{number}",
                labeller="ann",
                time=now,
                text=f"{draw.choice(list(_TOPICS))} {word} {word} {word} {_filler(draw)}",
                kind="social",
                message_time=now - timedelta(hours=1 if is_new else 2000),
                sentiment=sentiment,
                reason="random" if is_new else None,
            )
        )
    return made

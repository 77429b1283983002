"""Labels, rows and a small domain, for tests of data sets."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrain.rows import Row
from retrain.sides import is_frozen
from streams.contract.domain import Domain
from streams.contract.domain import Label as Name
from streams.contract.labels import Label

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPICS = ("prices", "harvest", "weather")
INTENTS = ("refund", "praise")

_SYLLABLES = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu")


def days_ago(days: float) -> datetime:
    """A time before ``NOW``."""
    return NOW - timedelta(days=days)


def domain(mode: str = "single") -> Domain:
    """Three topics and two intents."""
    return Domain.model_validate(
        {
            "name": "tea",
            "title": "Tea",
            "topics": tuple(Name(name=name, title=name) for name in TOPICS),
            "intents": tuple(Name(name=name, title=name) for name in INTENTS),
            "topic_mode": mode,
            "folder": Path("nowhere"),
        }
    )


def texts(count: int, seed: int = 0) -> list[str]:
    """Texts of twelve made-up words, none near another."""
    rng = random.Random(seed)
    return [" ".join("".join(rng.choices(_SYLLABLES, k=3)) for _ in range(12)) for _ in range(count)]


def label(message_id: str = "m", **fields: Any) -> Label:  # noqa: ANN401  the record's own fields
    """A label on a message, whose text is its own unless one is given."""
    defaults: dict[str, Any] = {
        "labeller": "ann",
        "time": NOW,
        "text": texts(1, seed=sum(message_id.encode()))[0],
        "kind": "news",
    }
    return Label(message_id=message_id, **{**defaults, **fields})


def row(id_: str, text: str, **fields: Any) -> Row:  # noqa: ANN401  the record's own fields
    """A labelled row that says something of the sentiment."""
    defaults: dict[str, Any] = {
        "kind": "news",
        "source": "",
        "origin": "label",
        "group": "",
        "sentiment": "neutral",
    }
    return Row(id=id_, text=text, **{**defaults, **fields})


def an_id(wanted: Callable[[Row], bool], *, but: frozenset[str] = frozenset()) -> str:
    """The first of m0, m1 and so on whose row is as wanted."""
    names = (f"m{number}" for number in range(1000))
    return next(name for name in names if name not in but and wanted(row(name, "x")))


def kept_id() -> str:
    """An id that a hash keeps for testing."""
    return an_id(is_frozen)


def learnt_id(*, but: frozenset[str] = frozenset()) -> str:
    """An id that may be learnt."""
    return an_id(lambda one: not is_frozen(one), but=but)

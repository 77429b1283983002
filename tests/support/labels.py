"""Labels, and what makes them of files, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from retrain.formats.fields import Defaults, LabelMaker
from retrain.formats.items import Refused, Said
from retrain.formats.vocabulary import Vocabulary
from streams.contract.domain import load_domain
from streams.contract.labels import Label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrain.formats.items import Item
    from streams.contract.records import SourceKind

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def make_label(message: str = "m-1", labeller: str = "ann", *, minutes: int = 0, **fields: object) -> Label:
    """A label of a news message, by default that it is negative, so many minutes after noon."""
    said = (
        fields if fields.keys() & {"topics", "sentiment", "intent", "entities", "reply"} else {"sentiment": "negative"}
    )
    given: dict[str, Any] = {
        "text": "Harlow Bank halts withdrawals",
        "kind": "news",
        "time": NOON + timedelta(minutes=minutes),
        **fields,
        **said,
    }
    return Label(message_id=message, labeller=labeller, **given)


def make_maker(
    kind: SourceKind | None = "news",
    renamed: dict[str, str] | None = None,
    *,
    domain: str = "finance",
    allow_new: bool = False,
) -> LabelMaker:
    """What an import of the finance domain makes labels with, said by ann at noon."""
    vocabulary = Vocabulary(load_domain(domain), allow_new=allow_new)
    return LabelMaker(vocabulary, Defaults("ann", NOON, kind), renamed or {})


def labels_of(items: Iterable[Item]) -> list[Label]:
    """The labels of a file in which nothing else may be."""
    found = list(items)
    assert all(isinstance(item, Said) for item in found), found
    return [item.label for item in found if isinstance(item, Said)]


def refusals_of(items: Iterable[Item]) -> dict[str, str]:
    """Problem by place."""
    return {item.place: item.problem for item in items if isinstance(item, Refused)}

"""What reads files of answers, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.answers import NOON

from streams.sources.answers.items import Refused, Taken
from streams.sources.answers.making import DocumentMaker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from streams.contract.replies import Document
    from streams.sources.answers.items import Item

__all__ = ["NOON", "documents_of", "maker", "refusals_of"]


def maker(
    origin: str = "a.md", *, intents: Collection[str] | None = None, topics: Collection[str] | None = None
) -> DocumentMaker:
    """Makes documents that were approved at noon."""
    return DocumentMaker(origin, time=NOON, intents=intents, topics=topics)


def documents_of(items: Iterable[Item]) -> list[Document]:
    """The documents of a file."""
    return [item.document for item in items if isinstance(item, Taken)]


def refusals_of(items: Iterable[Item]) -> dict[str, str]:
    """Problem by place."""
    return {item.place: item.problem for item in items if isinstance(item, Refused)}

"""What of a document is searched for: a question with its answer as one, a page as its passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from models.answers.passages import cut

if TYPE_CHECKING:
    from datetime import datetime

    from streams.contract.replies import Document


class Entry(NamedTuple):
    """One thing that can be found."""

    id: str
    """The document's; a passage's has its number behind, such as ``cards#2``."""
    document: str
    embedded: str
    """What is embedded: the question, or the passage under its headings."""
    text: str
    """The answer or the passage."""
    question: str | None
    title: str | None
    intent: str | None
    topics: tuple[str, ...]
    time: datetime
    approved: bool
    """Whether it may go out by itself."""

    @property
    def words(self) -> str:
        """What is searched for words."""
        return f"{self.embedded}\n{self.text}" if self.question is not None else self.embedded


def entries_of(document: Document) -> list[Entry]:
    """What can be found of a document: one entry of a question with its answer, one for each passage of a page."""

    def entry(id_: str, embedded: str, text: str, title: str | None) -> Entry:
        return Entry(
            id_,
            document.id,
            embedded,
            text,
            document.question,
            title,
            document.intent,
            tuple(document.topics),
            document.time,
            document.approved,
        )

    if document.question is not None:
        return [entry(document.id, document.question, document.text, document.title)]
    entries = []
    for number, passage in enumerate(cut(document.text), 1):
        headings = [part for part in dict.fromkeys((document.title or "", passage.heading)) if part]
        embedded = "\n".join([". ".join(headings), passage.text] if headings else [passage.text])
        entries.append(entry(f"{document.id}#{number}", embedded, passage.text, ": ".join(headings) or None))
    return entries

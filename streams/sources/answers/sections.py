"""Headings with text under them, as Markdown and HTML have them, read into questions with answers, and pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streams.sources.answers.items import Item
    from streams.sources.answers.making import DocumentMaker

_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
"""Of Latin and Greek script, of Chinese and Japanese, of Arabic."""


@dataclass(slots=True)
class Section:
    """A heading and what stands under it, up to the next one."""

    place: str
    """Where its heading stands, for people."""
    heading: str = ""
    """Empty for what stands before the first."""
    level: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    """What is said of it beside its text, such as its intent."""
    text: str = ""
    """Plain; paragraphs parted by empty lines."""

    @property
    def is_question(self) -> bool:
        """Whether its heading asks."""
        return self.heading.endswith(_QUESTION_MARKS)


def documents_of(sections: Sequence[Section], shared: Mapping[str, str], maker: DocumentMaker) -> Iterator[Item]:
    """A document for each question and each page.

    A heading that asks, with the text under it, is a question and its answer; deeper headings that do not ask are part
    of the answer. All else is a page for each heading of the highest level that is there, deeper ones within it.

    Args:
        sections: In the file's order.
        shared: Fields of all that do not say otherwise.
        maker: Makes documents.
    """
    top = min((section.level for section in sections if section.heading), default=0)
    title = shared.get("title", "")
    page: list[Section] = []
    place = 0
    while place < len(sections):
        section = sections[place]
        place += 1
        if section.is_question:
            under = [section]
            while place < len(sections) and _belongs(sections[place], section):
                under.append(sections[place])
                place += 1
            if text := _answer(under):
                fields = {**shared, "title": title, **section.fields, "question": section.heading, "text": text}
                yield from maker.items(section.place, fields, section.heading)
                continue
            # A question that nothing answers is a heading like any other.
        if section.heading and section.level <= top:
            yield from _page(page, shared, maker)
            page = []
            title = section.heading
        page.append(section)
    yield from _page(page, shared, maker)


def _belongs(section: Section, question: Section) -> bool:
    return section.level > question.level and not section.is_question


def _answer(sections: Sequence[Section]) -> str:
    first, *others = sections
    parts = [first.text, *(f"{section.heading}\n\n{section.text}" for section in others if section.text)]
    return "\n\n".join(part for part in parts if part.strip())


def _page(sections: Sequence[Section], shared: Mapping[str, str], maker: DocumentMaker) -> Iterator[Item]:
    if not any(section.text.strip() for section in sections):
        return
    first = sections[0]
    under = [f"{'#' * section.level} {section.heading}\n\n{section.text}" for section in sections[1:] if section.text]
    fields = {**shared, **first.fields, "text": "\n\n".join([first.text] * bool(first.text) + under)}
    if first.heading:
        fields["title"] = first.heading
    yield from maker.items(first.place, fields, first.heading or "page")

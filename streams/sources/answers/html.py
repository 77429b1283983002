"""Pages in HTML: their text without what surrounds it on every page of a site."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from streams.sources.answers.sections import Section, documents_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode as Node

    from streams.sources.answers.items import Item
    from streams.sources.answers.making import DocumentMaker

_SURROUNDINGS = (
    "script, style, noscript, template, svg, iframe, object, canvas, nav, header, footer, aside, form, button, dialog, "
    "[hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog], "
    "[role=alert]"
)
_MAIN = ("main", "[role=main]", "article", "body")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# A question that opens, and the terms of a list of definitions: headings deeper than any.
_LIKE_HEADINGS = {"summary": 7, "dt": 7}
_BLOCKS = frozenset(
    (
        *("p", "div", "section", "article", "main", "ul", "ol", "dl", "dd", "table", "tbody", "thead", "tfoot"),
        *("blockquote", "pre", "figure", "figcaption", "details", "address", "hr"),
    )
)
_SPACE = re.compile(r"\s+")


def read_html(text: str, maker: DocumentMaker) -> Iterator[Item]:
    """Questions and pages of an HTML text, as ``sections.documents_of`` tells them apart.

    Menus, banners, forms and the like are left out. Where the page names its main part, that alone is read.

    Args:
        text: The file's.
        maker: Makes documents.
    """
    tree = LexborHTMLParser(text)
    shared = {}
    if (named := tree.css_first("title")) is not None and (title := _single(named.text())):
        shared["title"] = title
    if (root := tree.css_first("html")) is not None and (language := root.attributes.get("lang")):
        shared["language"] = language
    for found in tree.css(_SURROUNDINGS):
        # A heading within the article's own header is the article's.
        if found.tag != "header" or found.css_first("h1") is None:
            found.decompose()
    body = next((node for node in map(tree.css_first, _MAIN) if node is not None), None)
    if body is not None:
        yield from documents_of(_Reader().read(body), shared, maker)


class _Reader:
    def __init__(self) -> None:
        self._sections = [Section("before the first heading")]
        self._body: list[str] = []
        self._line = ""

    def read(self, body: Node) -> list[Section]:
        self._walk(body)
        self._close()
        return self._sections

    def _walk(self, node: Node) -> None:
        for child in node.iter(include_text=True):
            self._take(child, child.tag or "")

    def _take(self, node: Node, tag: str) -> None:
        level = _HEADINGS.get(tag) or _LIKE_HEADINGS.get(tag)
        if tag == "-text":
            self._line += _SPACE.sub(" ", node.text())
        elif level is not None:
            self._close()
            heading = _single(node.text())
            self._sections.append(Section(f"heading {heading!r}", heading, level))
        elif tag == "br":
            self._end_line()
        elif tag in {"li", "tr"}:
            self._end_line()
            self._line = self._mark(node) if tag == "li" else " | ".join(_cells(node))
            if tag == "li":
                self._walk(node)
            self._end_line()
        elif tag in _BLOCKS:
            end = self._end_line if node.parent is not None and node.parent.tag == "li" else self._end_block
            end()
            self._walk(node)
            end()
        else:
            self._walk(node)

    def _mark(self, node: Node) -> str:
        parent = node.parent
        if parent is None or parent.tag != "ol":
            return "- "
        items = [item.mem_id for item in parent.iter() if item.tag == "li"]
        return f"{items.index(node.mem_id) + 1}. "

    def _end_line(self) -> None:
        if line := self._line.strip():
            self._body.append(line)
        self._line = ""

    def _end_block(self) -> None:
        self._end_line()
        if self._body and self._body[-1]:
            self._body.append("")

    def _close(self) -> None:
        self._end_line()
        self._sections[-1].text = "\n".join(self._body).strip()
        self._body.clear()


def _cells(row: Node) -> Iterator[str]:
    for cell in row.iter():
        if cell.tag in {"td", "th"}:
            yield _single(cell.text())


def _single(text: str) -> str:
    return _SPACE.sub(" ", text).strip()

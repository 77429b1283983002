"""Markdown, the form that people edit: headings that ask with answers under them, and pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.sources.answers.items import Refused
from streams.sources.answers.making import NAMES
from streams.sources.answers.sections import Section, documents_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.sources.answers.items import Item
    from streams.sources.answers.making import DocumentMaker

_HEADING = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t]*#*")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_FIELD = re.compile(r"([A-Za-z]+):[ \t]*(.*)")
_RULE = "---"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\((\S+?)(?:\s+\"[^\"]*\")?\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])(.+?)(?<=[^\s_])_(?!\w)")
_CODE = re.compile(r"`([^`]+)`")
_BULLET = re.compile(r"(?m)^(\s*)[*+][ \t]+")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!|>-])")
# Where escaped marks wait, in Unicode's private use area, while the others are taken away.
_ASIDE = 0xF700
_BACK = {_ASIDE + code: code for code in range(128)}


def read_markdown(text: str, maker: DocumentMaker) -> Iterator[Item]:
    """Questions and pages of a Markdown text, as ``sections.documents_of`` tells them apart.

    Fields stand in lines such as ``intent: card_lost; topics: fraud`` right under a heading, other wordings of a
    question in a line ``also: first | second``; fields of all of the file between two lines of three hyphens at its
    beginning. The text becomes plain: emphasis goes, a link's address stands in brackets behind it, lists stay.

    Args:
        text: The file's.
        maker: Makes documents.
    """
    lines = _COMMENT.sub(_blank_lines, text).split("\n")
    try:
        shared, first = _front_matter(lines)
    except ValueError as error:
        yield Refused("line 1", str(error))
        return
    yield from documents_of(_sections(lines, first), shared, maker)


def plain(text: str) -> str:
    """A text without the marks of Markdown but for its lists."""
    text = _ESCAPED.sub(lambda match: chr(_ASIDE + ord(match[1])), text)
    for pattern, kept in ((_IMAGE, r"\1"), (_CODE, r"\1"), (_STRONG, r"\2")):
        text = pattern.sub(kept, text)
    text = _LINK.sub(lambda match: match[1] if match[1] == match[2] else f"{match[1]} ({match[2]})", text)
    text = _EMPHASIS.sub(lambda match: match[1] or match[2], text)
    return _BULLET.sub(r"\1- ", text).translate(_BACK)


def _blank_lines(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _front_matter(lines: list[str]) -> tuple[dict[str, str], int]:
    """Fields of the whole file, and the first line behind them."""
    if lines[0].strip() != _RULE:
        return {}, 0
    end = next((number for number, line in enumerate(lines) if number and line.strip() == _RULE), None)
    if end is None:
        raise ValueError("the line of hyphens at the beginning has no second one behind the fields")
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[1:end], 2):
        found = _FIELD.fullmatch(line.strip())
        if found is not None:
            fields[found[1]] = found[2].strip("\"' ")
        elif line.strip():
            raise ValueError(f"line {number}, between the two lines of hyphens, is no field such as topics: fraud")
    return fields, end + 1


def _sections(lines: list[str], first: int) -> list[Section]:
    sections = [Section(f"line {first + 1}")]
    body: list[str] = []
    may_be_field, fenced = False, False
    for number, line in enumerate(lines[first:], first + 1):
        if _FENCE.match(line):
            fenced = not fenced
            continue
        heading = None if fenced else _HEADING.fullmatch(line.strip())
        if heading is not None:
            _close(sections[-1], body)
            sections.append(Section(f"line {number}", plain(heading[2]).strip(), len(heading[1])))
            may_be_field = True
        elif may_be_field and (fields := _fields(line)):
            sections[-1].fields |= fields
        else:
            may_be_field = False
            body.append(line)
    _close(sections[-1], body)
    return sections


def _fields(line: str) -> dict[str, str]:
    """Fields that a line gives; none where any part of it is something else."""
    found: dict[str, str] = {}
    # Other wordings are sentences, and may hold a semicolon.
    for part in [line] if line.casefold().startswith("also:") else line.split(";"):
        match = _FIELD.fullmatch(part.strip())
        if match is None or match[1].casefold() not in NAMES:
            return {}
        found[match[1].casefold()] = match[2].strip()
    return found


def _close(section: Section, body: list[str]) -> None:
    section.text = plain("\n".join(line.rstrip() for line in body)).strip()
    body.clear()

"""Where a person's name that the record tells stands in a text, as people write it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from streams.contract.recognizers import Found

if TYPE_CHECKING:
    from streams.contract.recognizers import Kind

MIN_NAME = 3
"""A shorter part of a name is an initial or a particle."""
MAX_NAME = 512
"""Of what is longer the beginning is looked for: whoever writes it must not keep the stream busy with it."""
_MOST_PARTS = 32
# Written in more than one way: a telephone writes another apostrophe than a form.
_LOOSE = re.compile("(\\s+|['\u2018\u2019\u02bc]|[-\u2010\u2011\u2013])")
_APOSTROPHE, _HYPHEN = "['\u2018\u2019\u02bc]", "[-\u2010\u2011\u2013]"
# Parts of names that are common words.
NOT_NAMES = frozenset({"the", "and", "for", "van", "von", "der", "den", "del", "bin", "not", "you"})


def find_names(text: str, name: str | None, kind: Kind) -> list[Found]:
    """Where a name that the record tells stands in a text, whole or in part, in order.

    Args:
        text: Any text.
        name: An author's or a user's; nothing is found for none.
        kind: What is found.
    """
    if not name or not (name := name.strip().lstrip("@").strip()):
        return []
    is_cut, name = len(name) > MAX_NAME, name[:MAX_NAME]
    parts = [part for part in re.split(r"[\s,]+", name) if _is_name(part)][:_MOST_PARTS]
    # The whole name in any case; a part of it only as it is written, since a part may be a common word.
    patterns = [
        *(f"(?i:{_whole(form, is_cut=is_cut)})" for form in _forms(name)),
        *(_whole(form) for part in parts for form in _forms(part)),
    ]
    return [Found(*match.span(), kind) for match in re.finditer("|".join(patterns), text)]


def _is_name(part: str) -> bool:
    return len(part) >= MIN_NAME and part.lower() not in NOT_NAMES and part[:1].isupper()


def _forms(name: str) -> dict[str, None]:
    """The name with its accents as one character each, and as two; most names have but one form."""
    return dict.fromkeys((name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)))


def _whole(name: str, *, is_cut: bool = False) -> str:
    # Only scripts with letter case part their words: a Chinese name stands between others without a space.
    first, last = (unicodedata.normalize("NFC", name)[at] for at in (0, -1))
    before = r"(?<!\w)" if first.lower() != first.upper() or first.isdigit() else ""
    after = r"\S*" if is_cut else r"(?!\w)" if last.lower() != last.upper() or last.isdigit() else ""
    return f"{before}{''.join(map(_loosely, _LOOSE.split(name)))}{after}"


def _loosely(piece: str) -> str:
    if piece.isspace():
        return r"\s+"
    if _LOOSE.fullmatch(piece):
        return _APOSTROPHE if piece in _APOSTROPHE else _HYPHEN
    return re.escape(piece)

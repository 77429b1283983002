"""Masking of personal data: what leaves a message for a log line, an alert, a listing or a person's screen.

``find`` says where personal data stands and ``mask`` puts placeholders there, so that whoever must restore it later
(a reply to the same person) can keep what ``find`` found.

Found are e-mails, phones (international, and as eight countries write theirs), payment cards, IBANs, US social security
numbers, mainland Chinese identity numbers and mobile phones, and where asked @user handles. Full-width and other
digits, spaces, dashes, dots, invisible and combining characters inside do not hide them. Names are masked only where
the record tells them: no recogniser of names is right often enough to be trusted with either mistake.

Cost (``benchmarks/masking.py``, 2026-11-25, one core of a two-core AMD EPYC, Python 3.11), for a text of 94
characters: about 10 microseconds where it holds no personal data, 130 where it holds one piece. The phone library
alone, asked about every text for the same eight countries and for none, took 340.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import msgspec

from streams.contract.persons import MAX_NAME, MIN_NAME, NOT_NAMES, find_names
from streams.contract.phones import phones
from streams.contract.recognizers import Found, Groups, Kind, emails, ibans, numbers, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from streams.contract.records import Message, SourceKind

__all__ = [
    "Found",
    "Kind",
    "find",
    "find_names",
    "mask",
    "mask_beside",
    "mask_bytes",
    "mask_message",
    "mask_places",
    "mask_source",
    "mask_value",
]

# Two cheap questions stand before everything: nothing that is looked for has fewer digits, or no sign of an "at".
_SEVEN_DIGITS = re.compile(r"(?:\D*+\d){7}")
_AT_SIGNS = "@\uff20\ufe6b([\uff08"
_UNFOLDED = re.compile(r"[^\t\n\x20-\x7e]")
_HANDLE = re.compile(r"(?<![\w@./])@\w[\w.]{0,62}")
_INVISIBLE = frozenset({"Cc", "Cf", "Mn", "Me"})
_NAMED = re.compile(r'"(author|user)"\s*:\s*(?:"((?:[^"\\]|\\.)*)|([\w.-]+))')
_FIELDS: dict[str, Kind] = {"author": "author", "user": "user"}
# A record names few people; where it names more, its words are looked up in theirs, in one pass.
_MOST_NAMES = 50
_WORD = re.compile(r"\w+")


def find(text: str, *, handles: bool = False) -> list[Found]:
    """Personal data in a text, in order, without overlap.

    Args:
        text: Any text.
        handles: Whether ``@user`` handles are personal data here.
    """
    has_at = any(sign in text for sign in _AT_SIGNS)
    has_numbers = _SEVEN_DIGITS.match(text) is not None
    if not (has_at or has_numbers):
        return []
    folded, places = _fold(text)
    found: list[Found] = []
    if has_at:
        folded = _take(folded, emails(folded), found)
    if has_numbers:
        folded = _take(folded, ibans(folded), found)
        folded = _take(folded, _over_runs(numbers, folded), found)
        folded = _take(folded, _over_runs(phones, folded), found)
    if handles:
        _take(folded, (Found(*match.span(), "user") for match in _HANDLE.finditer(folded)), found)
    found.sort()
    if places is None:
        return found
    places.append(len(text))
    return [Found(places[start], places[end], kind) for start, end, kind in found]


def mask(text: str, *, handles: bool = False) -> str:
    """A text with a placeholder such as ``[email]`` for each piece of personal data.

    Args:
        text: Any text.
        handles: Whether ``@user`` handles are masked too.
    """
    return _replace(text, find(text, handles=handles))


def mask_value(value: object) -> object:
    """A value of a log line or a listing, with every string in it masked, however deep it stands."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bytes):
        return mask(value.decode("utf-8", "replace"))
    if isinstance(value, dict):
        return {mask_value(key): mask_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_value(item) for item in value]
    return value if isinstance(value, bool | int | float | None) else mask(str(value))


def mask_message(message: Message) -> Message:
    """A message without personal data: author and user gone, their names masked in the text too.

    A name of several words is masked word by word as well, since people sign with a part of it.
    """
    return msgspec.structs.replace(
        message,
        text=_mask_text(message)[0],
        author="[author]" if message.author else message.author,
        user="[user]" if message.user else message.user,
    )


def mask_source(message: Message, kind: SourceKind) -> str:
    """Where a message is from, without personal data: a customer's source may be a mailbox or a chat of their own.

    Args:
        message: The message.
        kind: Of its source; in public the author of an agency's news is often the agency.
    """
    source = mask(message.source)
    if kind != "customer":
        return source
    # Part by part, since a chat's name may be a path, and what follows a stroke in a text is a link's.
    source = "/".join(mask(part, handles=True) for part in source.split("/"))
    for named, name in _names(message):
        # Most sources name nobody: no pattern is made for those.
        parts = (name or "")[:MAX_NAME].lower().replace(",", " ").strip(" @").split()
        if any(part in source.lower() for part in parts):
            source = _replace(source, find_names(source, name, named))
    return source


def mask_places(message: Message, places: Iterable[tuple[int, int]]) -> tuple[str, list[tuple[int, int] | None]]:
    """A message's text as ``mask_message`` masks it, and where in it places of the message's own text are.

    Args:
        message: The message.
        places: Start and end of each, in code points.

    Returns:
        The masked text, and start and end of each place in it; None for one that personal data stands in.
    """
    text, steps = _mask_text(message)
    return text, [_moved(place, steps) for place in places]


def mask_bytes(content: bytes | None, *, beside: bytes | None = None, limit: int | None = None) -> str:
    """The bytes of an input record, valid or not, as text that a person may read.

    The author and the user that a JSON object names are masked wherever their names stand in it.

    Args:
        content: A record's value, or another part of it.
        beside: The value of the same record, where this is its key or a header: whom it names is masked here too.
        limit: Only so many characters are masked, and the others are left out; whom they name is masked all the same.
    """
    if content is None:
        return ""
    text, named = _read(content)
    if beside is not None:
        named = named | _read(beside)[1]
    return _mask_named(text[:limit], named)


def mask_beside(text: str, record: bytes) -> str:
    """A text out of an input record, with the author and the user that the record names masked in it too.

    Args:
        text: One field's, or what is left of it.
        record: The whole record as it came, valid or not.
    """
    return _mask_named(text, _read(record)[1])


def _read(content: bytes) -> tuple[str, dict[tuple[Kind, str], None]]:
    """A record as text, and whom it names: in the order of the record, and each once."""
    named: list[tuple[Kind, str]] = []
    try:  # once through the decoder, so that nothing hides behind an escape
        value = msgspec.json.decode(content)
        text = msgspec.json.encode(value).decode()
        named += _named(value, None)
    except (msgspec.DecodeError, ValueError, RecursionError):
        text = content.decode("utf-8", "replace")
    # As they stand in the text, which may hold escapes, and may be no JSON at all.
    named += [
        (_FIELDS[field], name)
        for field, *values in _NAMED.findall(text)
        if (name := "".join(values)) not in ("", "null")
    ]
    return text, dict.fromkeys(named)


def _named(value: object, kind: Kind | None) -> Iterator[tuple[Kind, str]]:
    # A producer may tell of an author in an object of several fields, which is refused, and shown as a dead letter.
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _named(item, _FIELDS.get(key, kind))
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, kind)
    elif kind is not None and isinstance(value, str) and len(value) >= MIN_NAME:
        yield kind, value


def _mask_named(text: str, named: Collection[tuple[Kind, str]]) -> str:
    text = mask(text, handles=True)
    if len(named) > _MOST_NAMES:
        return _mask_words(text, named)
    for kind, name in named:
        text = _replace(text, find_names(text, name, kind))
    return text


def _mask_words(text: str, named: Iterable[tuple[Kind, str]]) -> str:
    """Mask each word that stands in a name, in any case: more than need be, and as soon for many names as for few."""
    kinds = {
        word: kind
        for kind, name in named
        for word in _WORD.findall(name.casefold())
        if len(word) >= MIN_NAME and word not in NOT_NAMES
    }
    return _WORD.sub(lambda word: f"[{kinds[key]}]" if (key := word[0].casefold()) in kinds else word[0], text)


def _mask_text(message: Message) -> tuple[str, list[list[Found]]]:
    """A message's text masked, and what was found in the text that each step left to the next."""
    steps = [find(message.text, handles=True)]
    text = _replace(message.text, steps[0])
    for kind, name in _names(message):
        steps.append(find_names(text, name, kind))
        text = _replace(text, steps[-1])
    return text, steps


def _names(message: Message) -> tuple[tuple[Kind, str | None], ...]:
    return ("author", message.author), ("user", message.user)


def _moved(place: tuple[int, int], steps: Iterable[list[Found]]) -> tuple[int, int] | None:
    start, end = place
    for found in steps:
        if any(piece.start < end and start < piece.end for piece in found):
            return None
        shift = sum(len(_placeholder(piece.kind)) - (piece.end - piece.start) for piece in found if piece.end <= start)
        start, end = start + shift, end + shift
    return start, end


def _replace(text: str, found: Iterable[Found]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, kind in found:
        parts += (text[done:start], _placeholder(kind))
        done = end
    return "".join((*parts, text[done:]))


def _placeholder(kind: Kind) -> str:
    return f"[{kind}]"


def _over_runs(recognise: Callable[[str, Groups], Iterator[Found]], text: str) -> Iterator[Found]:
    for run in runs(text):
        yield from recognise(text, run)


def _take(text: str, spans: Iterable[Found], found: list[Found]) -> str:
    """Note what was found, and blank it, so that the next recogniser does not find a part of it again."""
    parts: list[str] = []
    done = 0
    for span in spans:
        found.append(span)
        parts += (text[done : span.start], "\0" * (span.end - span.start))
        done = span.end
    return "".join((*parts, text[done:])) if parts else text


class _Folding(dict[int, str]):
    """A ``str.translate`` table that is filled as characters are met: Unicode whole would take 0.2 s at import."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_character(chr(code))
        return folded


def _fold_character(char: str) -> str:
    if char in "\t\n\r":
        return "\n" if char == "\r" else char
    category = unicodedata.category(char)
    if category in _INVISIBLE:
        return ""
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    if category == "Pd" or char == "\u2212":  # the minus sign
        return "-"
    if category == "Zs":
        return " "
    wide = (
        unicodedata.normalize("NFKC", char)
        if unicodedata.decomposition(char).startswith(("<wide>", "<small>"))
        else char
    )
    return wide if len(wide) == 1 else char


_folding = _Folding()


def _fold(text: str) -> tuple[str, list[int] | None]:
    """A text for the recognisers, and the place in the text of each of its characters (None: the same places)."""
    if not _UNFOLDED.search(text):
        return text, None
    folded = text.translate(_folding)
    if len(folded) == len(text):
        return folded, None
    return folded, [place for place, char in enumerate(text) if _folding[ord(char)]]

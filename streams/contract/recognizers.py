"""Recognisers of personal data, one a kind, each linear in the length of the text.

They read a *folded* text: ASCII digits, plain spaces and dashes, nothing invisible (see ``streams.contract.masking``).
Numbers are confirmed by python-stdnum (Luhn, ISO 7064, GB 11643, the SSA's ranges); what is written here is only where
to look, since the library judges a number, not a text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from stdnum import iban, luhn, numdb
from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent
from stdnum.us import ssn

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["email", "phone", "card", "iban", "ssn", "id", "user", "author"]


class Found(NamedTuple):
    """Personal data in a text: its place in code points, and its kind."""

    start: int
    end: int
    kind: Kind


# --- e-mail -----------------------------------------------------------------------------------------------------------

_LETTERS = (
    "A-Za-z\u00c0-\u024f\u0370-\u052f"  # Latin, Greek, Cyrillic: Chinese stands next to an address without a space
)
_AT = re.compile(r" ?(?:@|[(\[] ?at ?[)\]]) ?", re.IGNORECASE)
_LOCAL_TAIL = re.compile(rf"[{_LETTERS}\d._%+'-]{{1,64}}\Z")
_DOMAIN = re.compile(
    rf"(?:[{_LETTERS}\d-]{{1,63}} ?(?:\.|[(\[] ?dot ?[)\]]) ?){{1,8}}(?<! )[{_LETTERS}]{{2,24}}"
    rf"|(?:[{_LETTERS}\d-]{{1,63}} [(\[] ?dot ?[)\]] ){{1,8}}[{_LETTERS}]{{2,24}}",
    re.IGNORECASE,
)
_LOCAL_MAX = 64
_MAILBOX_LIKE = re.compile(r"[a-z].*[\d._-]", re.IGNORECASE)


def emails(text: str) -> Iterator[Found]:
    """E-mail addresses, ``name (at) host (dot) com`` included."""
    done = 0
    for at in _AT.finditer(text):
        low = max(done, at.start() - _LOCAL_MAX)
        local = _LOCAL_TAIL.search(text, low, at.start())
        domain = _DOMAIN.match(text, at.end())
        if local is None or domain is None:
            continue
        name = local.group().lstrip(".'-")
        # "More @ example.com" is no address: with a space, the name must look like a mailbox.
        if not name or (" " in at.group() and at.group().strip() == "@" and not _MAILBOX_LIKE.search(name)):
            continue
        done = domain.end()
        yield Found(at.start() - len(name), done, "email")


# --- IBAN -------------------------------------------------------------------------------------------------------------

_IBAN_START = re.compile(r"[A-Za-z]{2} ?\d ?\d")
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]")
_STRUCTURE_LENGTH = re.compile(r"(\d+)!")
_SEPARATORS = " .-_/"
_MAX_GAP = 3


@cache
def _iban_length(country: str) -> int:
    """Characters of a country's IBAN by SWIFT's registry; 0 where the country has none."""
    properties = numdb.get("iban").info(country)[0][1]
    lengths = _STRUCTURE_LENGTH.findall(properties.get("bban", ""))
    return 4 + sum(map(int, lengths)) if lengths else 0


def ibans(text: str) -> Iterator[Found]:
    """International bank account numbers, with any spacing and in either case."""
    done = 0
    for match in _IBAN_START.finditer(text):
        start = match.start()
        if start < done:
            continue
        length = _iban_length(match.group()[:2].upper())
        end = _end_of_alphanumerics(text, start, length) if length else None
        if end is not None and iban.is_valid("".join(filter(str.isalnum, text[start:end])), check_country=False):
            done = end
            yield Found(start, end, "iban")


def _end_of_alphanumerics(text: str, start: int, count: int) -> int | None:
    gap = 0
    for position in range(start, len(text)):
        if _ALPHANUMERIC.match(text, position):
            count, gap = count - 1, 0
            if count == 0:
                return position + 1
        elif text[position] not in _SEPARATORS or (gap := gap + 1) > _MAX_GAP:
            return None
    return None


# --- runs of digit groups ---------------------------------------------------------------------------------------------

_GROUP = re.compile(r"\d+")
_GAP = re.compile(r"[ \t\n._\-/()]{1,3}\Z")


Groups = list[tuple[int, int]]


def runs(text: str) -> Iterator[Groups]:
    """Runs of digit groups, (start, end), that nothing but separators parts; in order."""
    groups: Groups = []
    for match in _GROUP.finditer(text):
        if groups and not _GAP.match(text, groups[-1][1], match.start()):
            yield groups
            groups = []
        groups.append(match.span())
    if groups:
        yield groups


# --- cards, identity numbers, Chinese mobile phones, social security numbers ------------------------------------------

# Issuer ranges by ISO/IEC 7812: Visa, Mastercard, American Express, Diners, JCB, Discover, UnionPay, Maestro.
_CARD = re.compile(
    r"4(?:\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|6\d{15,18}|5[06-8]\d{14,17}"
)
_MOBILE = re.compile(r"1[3-9]\d{9}")
_MOBILE_SHAPES = {(11,), (3, 4, 4), (3, 8), (7, 4), (3, 3, 5), (1,) * 11}
_SSN_SHAPE = (3, 2, 4)
_SSN_NAMED = re.compile(r"ssn|social security|itin", re.IGNORECASE)
_SSN_NAMED_WITHIN = 40
_CHECK_X = re.compile(r"[ .-]?[Xx](?![A-Za-z0-9])")
_ID_DIGITS = 18
_ID_CENTURIES = ("19", "20")
_LENGTHS = frozenset({9, 11, *range(14, 20)})
_MAX_NUMBER = max(_LENGTHS)
_AMEX_SHAPES = {(4, 6, 5), (4, 6, 4)}
_CARD_GROUP = 4


def numbers(text: str, run: Groups) -> Iterator[Found]:
    """Numbers with a checksum or a fixed shape that stand in a run, the longest first from each group on."""
    index = 0
    while index < len(run):
        found, index_after = _longest(text, run, index)
        if found and not in_hex_id(text, found.start, found.end):
            yield found
            index = index_after
        else:
            index += 1


def _longest(text: str, groups: Groups, first: int) -> tuple[Found | None, int]:
    best: Found | None = None
    after = first
    digits = ""
    shape: tuple[int, ...] = ()
    gaps: set[str] = set()
    for index in range(first, len(groups)):
        start, end = groups[index]
        if len(digits) + end - start > _MAX_NUMBER:
            break
        if index > first:
            gaps.add(text[groups[index - 1][1] : start])
        digits += text[start:end]
        shape += (end - start,)
        if len(digits) in _LENGTHS and (span := _number(text, groups[first][0], end, digits, shape, gaps)):
            best, after = span, index + 1
    return best, after


def _number(text: str, start: int, end: int, digits: str, shape: tuple[int, ...], gaps: set[str]) -> Found | None:
    if id_end := _identity_end(text, end, digits):
        return Found(start, id_end, "id")
    # A person parts one number in one way; figures that stand side by side are parted in many.
    if len(gaps) > 1 or (len(shape) == 1 and _is_fraction(text, start)):
        return None
    if _CARD.fullmatch(digits) and _is_card_shape(shape, gaps) and luhn.is_valid(digits):
        return Found(start, end, "card")
    if shape in _MOBILE_SHAPES and _MOBILE.fullmatch(digits):
        return Found(start, end, "phone")
    return Found(start, end, "ssn") if _is_ssn(text, start, digits, shape) else None


def _identity_end(text: str, end: int, digits: str) -> int | None:
    """Where a mainland Chinese identity number (GB 11643-1999) ends, its X included; None for anything else."""
    if len(digits) == _ID_DIGITS and _is_identity(digits):
        return end
    if len(digits) == _ID_DIGITS - 1 and (x := _CHECK_X.match(text, end)) and _is_identity(digits + "X"):
        return x.end()
    return None


def _is_identity(number: str) -> bool:
    # ric.is_valid also looks the county up: it raises KeyError on a province's own code, and knows no new county.
    if number[6:8] not in _ID_CENTURIES or number[-1] != ric.calc_check_digit(number):
        return False
    try:
        ric.get_birth_date(number)
    except InvalidComponent:
        return False
    return True


def _is_fraction(text: str, start: int) -> bool:
    return text[max(0, start - 1) : start] == "." and text[max(0, start - 2) : start - 1].isdigit()


def _is_card_shape(shape: tuple[int, ...], gaps: set[str]) -> bool:
    if len(shape) == 1 or shape in _AMEX_SHAPES or gaps == {"-"} or set(shape) == {1}:
        return True
    # Groups of two or three are prices and thousands; a card is parted in fours, or digit by digit. Four figures of
    # four digits that begin as a card does pass Luhn one time in ten: that mistake is the better one.
    return all(size % _CARD_GROUP == 0 for size in shape[:-1])


def _is_ssn(text: str, start: int, digits: str, shape: tuple[int, ...]) -> bool:
    named = shape == (sum(_SSN_SHAPE),) and _SSN_NAMED.search(text, max(0, start - _SSN_NAMED_WITHIN), start)
    return bool((shape == _SSN_SHAPE or named) and ssn.is_valid(digits))


_HEX_CHARS = "0123456789abcdefABCDEF-"
_HEX_ID = 16
_HEX_REACH = 40


def in_hex_id(text: str, start: int, end: int) -> bool:
    """Whether a number is but a part of a long hexadecimal id, such as a UUID or a checksum."""
    before = text[max(0, start - _HEX_REACH) : start]
    behind = text[end : end + _HEX_REACH]
    token = before[len(before.rstrip(_HEX_CHARS)) :] + behind[: len(behind) - len(behind.lstrip(_HEX_CHARS))]
    return len(token) + end - start >= _HEX_ID and not token.replace("-", "").isdigit() and token.strip("-") != ""

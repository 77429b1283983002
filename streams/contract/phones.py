"""Phone numbers, by phonenumbers (Google's libphonenumber), called only where a number may stand.

The library's matcher costs some 100 microseconds for each country asked, on any text: here it sees only stretches of 7
to 15 digits that are no date, decimal figure or amount, and of the countries only those that write numbers so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phonenumbers import Leniency, NumberParseException, PhoneNumberMatcher, is_valid_number, parse

from streams.contract.recognizers import Found, in_hex_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.contract.recognizers import Groups

_MIN_DIGITS = 7
_MAX_DIGITS = 15  # ITU-T E.164
_MAX_GROUPS = 8
_TRUNK = ("GB", "DE", "FR", "IN", "CN", "JP", "AU")
_BARE = (
    (
        "US",
        re.compile(r"1?[2-9]\d\d[2-9]\d{6}"),
        {(10,), (3, 3, 4), (3, 7), (6, 4), (11,), (1, 10), (1, 3, 3, 4), (1, 3, 7), (1,) * 10, (1,) * 11},
    ),
    ("IN", re.compile(r"[6-9]\d{9}"), {(10,), (5, 5), (4, 6), (4, 3, 3), (1,) * 10}),
)
_LEAD = re.compile(r"[+(]{0,2}\Z")
_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ][01]?\d[-./ ][0-3]?\d(?!\d)"
    r"|[0-3]?\d[-./ ][0-3]?\d[-./ ](?:19|20)\d\d(?!\d)"
    r"|[0-3]\d[0-3]\d(?:19|20)\d\d(?!\d)"
)
# Named one by one: three capitals of any kind may begin the next word, and a mere "m" stands before the next number.
_CURRENCY = (
    "USD|EUR|GBP|JPY|CNY|CNH|RMB|INR|AUD|NZD|CAD|CHF|HKD|SGD|KRW|TWD|SEK|NOK|DKK|PLN|CZK|HUF|RON|RUB|TRY|BRL|MXN|ZAR"
    "|IDR|THB|MYR|PHP|VND|AED|SAR|ILS|BTC|ETH"
)
_AMOUNT_AFTER = re.compile(
    rf"m\b| ?(?:%|[$€£¥₹]|(?:{_CURRENCY}|shares|units|contracts|yuan|yen|won|rupees|dollars|euros|pounds|bn|mn)\b)"
)
_AMOUNT_BEFORE = re.compile(r"(?:[$€£¥₹#]|\b(?:USD|EUR|GBP|CNY|JPY|INR|RMB|no\.|order)) ?\Z", re.IGNORECASE)
_AMOUNT_WITHIN = 8
_PHONE_NUMBER = re.compile(r"(?:phone|mobile|mob|cell|contact|tel|fax|whats ?app)\.? {0,2}no\. ?\Z", re.IGNORECASE)
_PHONE_WITHIN = 20
# How a number is written that stands on a line with other figures. Its groups are parted from them by a blank.
_BESIDE = {(10,), (3, 3, 4), (1, 3, 3, 4)}
_BESIDE_DIGITS = range(9, 12)
_BESIDE_GROUPS = 5
_MOST_TRIES = 200
_THOUSANDS = 3


def phones(text: str, run: Groups) -> Iterator[Found]:
    """Phone numbers in a run: international ones of every country, national ones of eight countries."""
    found: list[Found] = []
    for first, last in _segments(text, run):
        groups = run[first : last + 1]
        start, end = _with_plus(text, groups[0][0]), groups[-1][1]
        if _may_be_phone(text, start, end, groups):
            found += _matches(text, start, end, groups)
    if len(run) > 1:
        found += _beside(text, run, found)
    yield from sorted(found)


def _beside(text: str, run: Groups, found: Sequence[Found]) -> Iterator[Found]:
    """National numbers that stand beside other figures, such as a postcode, a date or the number of a flat."""
    is_taken = [False] * len(run)
    at = 0
    for index, (start, end) in enumerate(run):
        while at < len(found) and found[at].end <= start:
            at += 1
        is_taken[index] = at < len(found) and found[at].start < end
    first = tries = 0
    while first < len(run) and tries < _MOST_TRIES:
        after = first + 1
        if not is_taken[first] and _is_apart(text, run, first):
            for last in range(first, min(first + _BESIDE_GROUPS, len(run))):
                if is_taken[last]:
                    break
                groups = run[first : last + 1]
                if not _is_apart(text, run, last + 1) or not _is_written_beside(text, run, first, last):
                    continue
                tries += 1
                start, end = _with_plus(text, groups[0][0]), groups[-1][1]
                digits = "".join(text[low:high] for low, high in groups)
                if _may_be_phone(text, start, end, groups) and _is_national(digits, text[start:end]):
                    yield Found(start, end, "phone")
                    after = last + 1
                    break
        first = after


def _is_apart(text: str, run: Groups, index: int) -> bool:
    """Whether a group is parted by a blank from the one before it; the first, and what is behind the last, are."""
    return index in (0, len(run)) or any(gap.isspace() for gap in text[run[index - 1][1] : run[index][0]])


def _is_written_beside(text: str, run: Groups, first: int, last: int) -> bool:
    shape = tuple(high - low for low, high in run[first : last + 1])
    if sum(shape) not in _BESIDE_DIGITS:
        return False
    if text[run[first][0]] != "0":
        return shape in _BESIDE
    # "1 050 345 678" is one figure.
    return shape[0] > 1 and (first == 0 or set(shape) != {_THOUSANDS})


def _is_national(digits: str, figure: str) -> bool:
    if digits.startswith("0"):
        return any(_is_valid(digits, country) for country in _countries(figure, digits))
    return any(pattern.fullmatch(digits) and _is_valid(digits, country) for country, pattern, _ in _BARE)


def _segments(text: str, groups: Groups) -> Iterator[tuple[int, int]]:
    """Stretches of a run that may be one number each: of 7 to 15 digits, parted where a new number begins."""
    first = length = 0
    cut, cut_length = 0, 0  # where a national number may begin within the stretch, and the digits before it
    for index, (start, end) in enumerate(groups):
        size = end - start
        if index > first and (_begins(text[groups[index - 1][1] : start], length) or length + size > _MAX_DIGITS):
            stop, before = (cut, cut_length) if length + size > _MAX_DIGITS and cut > first else (index, length)
            if before >= _MIN_DIGITS:
                yield first, stop - 1
            first, length = stop, length - before
        if text[start] == "0" and length >= _MIN_DIGITS:
            cut, cut_length = index, length
        length += size
    if _MIN_DIGITS <= length <= _MAX_DIGITS:
        yield first, len(groups) - 1


def _begins(gap: str, length: int) -> bool:
    return "\n" in gap or "+" in gap or (length >= _MIN_DIGITS and ("/" in gap or "  " in gap))


def _with_plus(text: str, start: int) -> int:
    lead = text[max(0, start - 2) : start]
    return start - len(lead) + len(lead.rstrip("+("))


def _may_be_phone(text: str, start: int, end: int, groups: Groups) -> bool:
    if len(groups) > _MAX_GROUPS and any(high - low > 1 for low, high in groups):
        return False
    if text[start : start + 2].lstrip("(").startswith("+"):
        return True
    before = text[start - 1] if start else " "
    figure = text[start:end]
    return not (
        (before.isalnum() and before.isascii())
        or (before in ".," and _goes_on(text, start))
        or (len(groups) == 2 and figure.count(".") == 1 and " " not in figure)  # noqa: PLR2004  a decimal figure
        or _DATE.match(figure)
        or _AMOUNT_AFTER.match(text, end)
        or (
            _AMOUNT_BEFORE.search(text, max(0, start - _AMOUNT_WITHIN), start)
            and not _PHONE_NUMBER.search(text, max(0, start - _PHONE_WITHIN), start)
        )
        or in_hex_id(text, start, end)
    )


def _goes_on(text: str, start: int) -> bool:
    """Whether a figure behind a point or a comma goes on with the one before it; a column of a table does not."""
    last = text[start - 2] if start > 1 else " "
    return last.isdigit() or (text[start - 1] == "." and not last.isalpha())


def _matches(text: str, start: int, end: int, groups: Groups) -> Iterator[Found]:
    figure = text[start:end]
    digits = "".join(text[low:high] for low, high in groups)
    is_spelled = len(digits) == len(groups)  # digit by digit, which the matcher does not join
    if not figure.lstrip("(").startswith(("+", "0")):
        if _is_bare_phone(digits, tuple(high - low for low, high in groups)):
            yield Found(start, end, "phone")
        return
    for country in _countries(figure, digits):
        if is_spelled and _is_valid("+" + digits if country is None else digits, country):
            yield Found(start, end, "phone")
            return
        matches = () if is_spelled else tuple(PhoneNumberMatcher(figure, country, leniency=Leniency.VALID))
        yield from (Found(start + match.start, start + match.end, "phone") for match in matches)
        if matches:
            return


def _is_bare_phone(digits: str, shape: tuple[int, ...]) -> bool:
    # Without + or 0 a figure may be an amount: its groups must stand as that country writes them.
    return any(
        shape in shapes and pattern.fullmatch(digits) and _is_valid(digits, country)
        for country, pattern, shapes in _BARE
    )


def _is_valid(number: str, country: str | None) -> bool:
    try:
        return bool(is_valid_number(parse(number, country)))
    except NumberParseException:
        return False


def _countries(figure: str, digits: str) -> tuple[str | None, ...]:
    """Countries whose way of writing a figure follows; None where it names its country itself."""
    if figure.lstrip("(").startswith("+"):
        return (None,)
    if digits.startswith("011"):
        return ("US",)
    return ("GB",) if digits.startswith("00") else _TRUNK

"""When: dates, weekdays, clock times, and words such as "tomorrow"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.logic.replies.claims.claim import Bound
    from streams.logic.replies.claims.taking import Taking

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_YEAR = r"(?:19|20)\d\d"
_ISO = re.compile(rf"\b({_YEAR})-(\d\d)-(\d\d)\b")
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})(?:,? ({_YEAR}))?(?!\d)")
_MONTH_DAY = re.compile(rf"\b({_MONTH}) (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?:,? ({_YEAR}))?(?![\d:%])")
_MONTH_YEAR = re.compile(rf"\b({_MONTH}) ({_YEAR})\b")
_MONTH_ALONE = re.compile(rf"\b({_MONTH})")
_MODAL = frozenset(("may", "march", "mar", "sept", "dec", "jan", "oct"))
_MONTH_BEFORE = re.compile(r"\b(?:in|by|until|since|from|during|before|after|of|this|next|last|early|late|mid|end) \Z")
_SLASHED = re.compile(r"\b\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)\b|\b\d{1,2}/\d{1,2}\b(?!/)")
_ALWAYS_OPEN = re.compile(
    r"\b24 ?/ ?7\b|\b24 hours (?:a|per) day(?:,? 7 days (?:a|per) week)?|\b(?:a)?round the clock\b"
)
_TWELVE = re.compile(r"\b(\d{1,2})(?:[:.](\d\d))? ?([ap])\.?m\b\.?(?: (utc|gmt|bst|ce?s?t|est|pst|et|pt)\b)?")
_CLOCK = re.compile(
    r"\b([01]?\d|2[0-4])[:h]([0-5]\d)(?::[0-5]\d)?\b(?: ?(?:hrs|hours))?(?: (utc|gmt|bst|ce?s?t|est|pst|et|pt)\b)?"
)
_O_CLOCK = re.compile(r"\b(\d{1,2}) ?o'? ?clock\b")
_PAST = re.compile(r"\b(half past|quarter past|quarter to) (\d{1,2})\b")
_NOON = re.compile(r"\b(noon|midday|midnight)\b")
_NOONS = {"noon": 720, "midday": 720, "midnight": 0}
_WEEKDAY = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b")
# "Sun" and "sat" are words: short forms count with their capital, beside another or a time.
_SHORT_WEEKDAY = re.compile(r"\b(mon|tues?|weds?|thurs?|thu|fri|sat|sun)\b\.?(?= ?(?:-|to|&|and|,|/|\d|at)|\Z)")
_WEEKDAYS = {"mon": "mon", "tue": "tues", "wed": "wednes", "thu": "thurs", "fri": "fri", "sat": "satur", "sun": "sun"}
_RELATIVE = re.compile(
    r"\b(today|tonight|tomorrow|yesterday|overnight|(?:this|next|last|same|following|coming) (?:working |"
    r"business |banking )?"
    r"(?:morning|afternoon|evening|night|day|week|month|quarter|year)|same-day|next-day|(?:end|close|start|"
    r"beginning) of (?:the |this |next |each )?"
    r"(?:working |business )?(?:day|week|month|quarter|year|business)|weekends?|weekdays?|bank holidays?|"
    r"public holidays?|fortnights?|"
    r"christmas(?: day| eve)?|new year(?:'s(?: day| eve)?)?|easter|(?:first|last) thing)\b"
)
_COURTESY = re.compile(
    r"\b(?:help|assist|thank\w*|reach\w* out|contact\w*|writing|touch|question|serve|support)\b[^.]*\btoday\b"
)
_HALF_DAY = 12


def take_times(taking: Taking) -> None:
    """Dates first, since they hold what looks like times and numbers."""
    for match in taking.matches(_ALWAYS_OPEN):
        taking.take("time", ("always",), *match.span())
    _take_dates(taking)
    for match in taking.matches(_WEEKDAY):
        taking.take("date", ("weekday", match[1]), *match.span(), _bound(taking, match))
    for match in taking.matches(_SHORT_WEEKDAY):
        if taking.text[match.start()].isupper():
            taking.take("date", ("weekday", _WEEKDAYS[match[1][:3]]), *match.span(), _bound(taking, match))
    _take_clock(taking)
    courtesy = _COURTESY.search(taking.low)
    for match in taking.matches(_RELATIVE):
        if match[1] == "today" and courtesy is not None and match.end() == courtesy.end():
            continue
        word = (
            re.sub(r"\b(?:the|this|each)\b ?", "", match[1].replace("-", " "))
            if " of " in match[1]
            else match[1].replace("-", " ")
        )
        taking.take("date", ("relative", word.rstrip("s")), *match.span(), _bound(taking, match))


def _take_dates(taking: Taking) -> None:
    for match in taking.matches(_ISO):
        _date(taking, match, match[1], int(match[2]), match[3])
    for match in taking.matches(_DAY_MONTH):
        _date(taking, match, match[3], _month(match[2]), match[1])
    for match in taking.matches(_MONTH_DAY):
        if not (match[1] == "may" and taking.text[match.start()].islower()):
            _date(taking, match, match[3], _month(match[1]), match[2])
    for match in taking.matches(_MONTH_YEAR):
        _date(taking, match, match[2], _month(match[1]), None)
    for match in taking.matches(_MONTH_ALONE):
        word, capital = match[1].rstrip("."), taking.text[match.start()].isupper()
        told = _MONTH_BEFORE.search(taking.low[: match.start()]) is not None
        long = len(word) > 4 and word != "march"  # noqa: PLR2004
        if long or (capital and told) or (capital and match.start() and word not in _MODAL):
            _date(taking, match, None, _month(word), None)
    for match in taking.matches(_SLASHED):
        # Day or month first: nobody knows, so that such a date is equal only to itself.
        taking.take("date", ("written", match.group()), *match.span(), _bound(taking, match))


def _date(taking: Taking, match: re.Match[str], year: str | None, month: int, day: str | None) -> None:
    key = ("date", year or "", str(month), str(int(day)) if day else "")
    taking.take("date", key, *match.span(), _bound(taking, match))


def _take_clock(taking: Taking) -> None:
    for match in taking.matches(_TWELVE):
        hour = int(match[1]) % _HALF_DAY + (_HALF_DAY if match[3] == "p" else 0)
        _time(taking, match, 60 * hour + int(match[2] or 0), match[4])
    for match in taking.matches(_CLOCK):
        _time(taking, match, 60 * int(match[1]) + int(match[2]), match[3])
    for match in taking.matches(_O_CLOCK):
        taking.take("time", ("o'clock", match[1]), *match.span(), _bound(taking, match))
    for match in taking.matches(_PAST):
        taking.take("time", (match[1], match[2]), *match.span(), _bound(taking, match))
    for match in taking.matches(_NOON):
        _time(taking, match, _NOONS[match[1]], None)


def _time(taking: Taking, match: re.Match[str], minutes: int, zone: str | None) -> None:
    taking.take("time", (str(minutes), zone or ""), *match.span(), _bound(taking, match))


def _bound(taking: Taking, match: re.Match[str]) -> Bound:
    bound = taking.bound(*match.span())
    # "From nine to five" and "nine to five" are the same hours: only "by" and "after" tell different things.
    return bound if bound in ("most", "after") else "plain"


def _month(word: str) -> int:
    return _MONTHS.index(word[:3]) + 1

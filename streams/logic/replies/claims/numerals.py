"""Number words as digits: "twenty-five" is 25, "two and a half hours" 2.5 hours, "a couple of days" stays vague."""

from __future__ import annotations

import re

from streams.logic.replies.claims.wording import listed

_SMALL = {
    word: value
    for value, word in enumerate(
        listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
            "sixteen seventeen eighteen nineteen"
        )
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_TENS["fourty"] = 40
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINALS = {
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
    "thirteenth": 13,
    "fourteenth": 14,
    "fifteenth": 15,
    "twentieth": 20,
    "thirtieth": 30,
}
_ALL = _SMALL | _TENS | _SCALES
_ANY = "|".join(sorted(_ALL, key=len, reverse=True))
_RUN = re.compile(
    rf"(?<![\w-])(?:(?:an?|\d+(?:\.\d+)?) (?=hundred|thousand|million|billion|dozen))?(?:{_ANY})s?"
    rf"(?:(?:[ -]| and )?(?:{_ANY})s?)*(?![\w])",
    re.IGNORECASE,
)
_PART = re.compile(rf"{_ANY}|an?(?= )|\d+(?:\.\d+)?", re.IGNORECASE)
_HALF = re.compile(r"(?<![\w.])(\d+) and a half\b", re.IGNORECASE)
_AGES = re.compile(r"\b(\d{1,2})s\b")
_UNDER = re.compile(r"\b(under|over|above|below)-(?=\d)", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween (?=\S*\d)(\S+) and (?=\S*\d)", re.IGNORECASE)
_DOZEN = re.compile(r"\b(?:(\d+)|an?) dozen\b", re.IGNORECASE)
_HALF_A = re.compile(r"\bhalf (?:an? )(hour|day|year)\b", re.IGNORECASE)
_HALVES = {"hour": "30 minutes", "day": "0.5 days", "year": "6 months"}
_ORDINAL = re.compile(
    rf"(?<![\w-])(?:({'|'.join(_TENS)})[ -])?({'|'.join(_ORDINALS)}|(?<=[ -])first|"
    rf"(?<=[ -])second)(?![\w-])(?! part(?:y|ies))",
    re.IGNORECASE,
)
_MEASURES = (
    r"(?:working |business |banking |calendar )?"
    r"(?:minute|hour|day|week|month|year|pound|dollar|euro|pence|penny|cent|franc|percent)s?"
)
# "One" is a pronoun as often as a number.
_COUNTING_ONE = re.compile(rf"\A[ -](?:{_MEASURES}|per ?cent|in \w+|of \w+ \d)\b", re.IGNORECASE)
_FIRST = re.compile(
    rf"\b(?:the )?(first|second) (?=\d|{_MEASURES}\b|of (?:the |each |every )?(?:month|year|{_MEASURES}))",
    re.IGNORECASE,
)


def with_digits(text: str) -> str:
    """A text in which number words are digits.

    "One" alone stays as it is but before a unit; "first" and "second" likewise.
    """
    text = _ORDINAL.sub(_ordinal, text)
    text = _RUN.sub(lambda match: _digits(match, text), text)
    text = _HALF.sub(r"\1.5", text)
    text = _HALF_A.sub(lambda match: _HALVES[match[1].lower()], text)
    text = _DOZEN.sub(lambda match: str(12 * int(match[1] or 1)), text)
    text = _BETWEEN.sub(r"\1 to ", _AGES.sub(r"\1", _UNDER.sub(r"\1 ", text)))
    return _FIRST.sub(lambda match: "1st " if match[1].lower() == "first" else "2nd ", text)


def _digits(match: re.Match[str], text: str) -> str:
    run = match.group()
    if run.lower() == "one" and not _COUNTING_ONE.match(text[match.end() :]):
        return run
    return _spelled(run)


def _spelled(run: str) -> str:
    total = current = 0.0
    last = 0.0
    numbers: list[float] = []
    for part in _PART.findall(run.lower()):
        if part in _SCALES:
            scale = _SCALES[part]
            current = max(current, 1.0) * scale
            if scale > 100:  # noqa: PLR2004
                total, current = total + current, 0.0
            last = scale
            continue
        value = 1.0 if part in ("a", "an") else float(_ALL.get(part, 0) or (part if part[0].isdigit() else 0))
        if last and not _joins(last, value):
            numbers.append(total + current)
            total = current = 0.0
        current += value
        last = value
    numbers.append(total + current)
    return " ".join(f"{number:.15g}" for number in numbers)


def _joins(last: float, value: float) -> bool:
    """Whether a number goes on: after "twenty" comes a digit, after "hundred" what is smaller."""
    if last >= 100:  # noqa: PLR2004
        return value < last
    return last >= 20 and 0 < value < 10  # noqa: PLR2004


def _ordinal(match: re.Match[str]) -> str:
    tens, word = match[1], match[2].lower()
    if tens is None and word in ("first", "second"):
        return match.group()
    value = _ORDINALS.get(word, {"first": 1, "second": 2}.get(word, 0)) + (_TENS[tens.lower()] if tens else 0)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th") if value not in (11, 12, 13) else "th"
    return f"{value}{ending}"

"""How much and how long: amounts of money, percentages, durations, ordinals, plain numbers."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from streams.logic.replies.claims.wording import STOP_WORDS, stem

if TYPE_CHECKING:
    from streams.logic.replies.claims.claim import Bound, Kind
    from streams.logic.replies.claims.taking import Taking

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SIGNS = "$\u00a3\u20ac\u00a5\u20b9\u20bd\u20a9\u20ba\u20bf\u20b4\u20aa\u20ab\u0e3f\u00a2\u20b1\u20a6"
_CODES = "gbp|usd|eur|chf|jpy|cad|aud|nzd|sek|nok|dkk|pln|czk|huf|inr|cny|rmb|hkd|sgd|zar|btc|eth|usdt"
_WORDS = (
    r"pounds?(?: sterling)?|quid|pence|penny|p|dollars?|bucks?|cents?|euros?|francs?|yen|rupees?|yuan|kron(?:a|"
    r"or|e|er)|zloty|"
    r"bitcoins?|sterling"
)
_NAMES = {
    "\u00a3": "gbp",
    "pound": "gbp",
    "pound sterling": "gbp",
    "sterling": "gbp",
    "quid": "gbp",
    "$": "usd",
    "us$": "usd",
    "dollar": "usd",
    "buck": "usd",
    "\u20ac": "eur",
    "euro": "eur",
    "\u00a5": "jpy",
    "yen": "jpy",
    "franc": "chf",
    "yuan": "cny",
    "rmb": "cny",
    "rupee": "inr",
    "\u20b9": "inr",
    "bitcoin": "btc",
    "\u20bf": "btc",
}
_TIMES = {"k": 3, "m": 6, "mn": 6, "bn": 9, "thousand": 3, "million": 6, "billion": 9, "hundred": 2}
_SCALE = r"(?: ?(k|mn?|bn|million|billion|thousand|hundred)\b)?"
_TO = r" ?(?:-|to) ?"
_SIGN = rf"[a-z]{{0,2}}[{_SIGNS}]|\b(?:{_CODES})\b"
_MONEY_BEFORE = re.compile(rf"({_SIGN}) ?({_NUMBER}){_SCALE}(?:{_TO}(?:{_SIGN})? ?({_NUMBER}){_SCALE}(?![\w%]))?")
_MONEY_RANGE = re.compile(
    rf"(?<![\w.])({_NUMBER})(?: ?-| to|-to) ?({_NUMBER}){_SCALE} ?({_CODES}|{_WORDS}|[{_SIGNS}])(?!\w)"
)
_MONEY_AFTER = re.compile(rf"(?<![\w.,])({_NUMBER}){_SCALE} ?-?({_CODES}|{_WORDS}|[{_SIGNS}])(?!\w)")
_SLANG = re.compile(r"\b(?:a |an |\d+ )?(fiver|tenner|grand|monkey|pony)\b(?= |\.|,|!|\Z)")
_PERCENT = r"(?:%|percent\b|per cent\b|percentage points?\b|pp\b)"
_PERCENT_RANGE = re.compile(rf"(?<![\w.])({_NUMBER}) ?{_PERCENT}?{_TO}({_NUMBER}) ?{_PERCENT}")
_PERCENTAGE = re.compile(rf"(?<![\w.])({_NUMBER})[ -]?{_PERCENT}")
_UNITS = "second|minute|min|hour|hr|day|night|week|month|quarter|year|yr|fortnight"
_QUALIFIER = r"(?:(working|business|banking|calendar|consecutive|full|whole|more|other|additional|clear)[ -])?"
_UNIT_RANGE = re.compile(rf"(?<![\w.,])({_NUMBER})(?: ?-| to|-to) ?({_NUMBER})[ -]?{_QUALIFIER}({_UNITS})s?\b")
_LENGTH = re.compile(rf"(?<![\w.,])({_NUMBER})[ -]?{_QUALIFIER}({_UNITS})s?\b")
_ONE_UNIT = re.compile(
    rf"\b(?:in|within|after|takes?|for|than|least|about|around|approximately|another|to|up to|over|under|once|"
    rf"every) (?:an?|one) "
    rf"{_QUALIFIER}({_UNITS})\b"
)
_VAGUE = re.compile(
    rf"\b(few|several|couple of|couple|dozens of|hundreds of|many)(?: more| short| of)? {_QUALIFIER}({_UNITS})s?\b"
)
_MULTIPLE = re.compile(r"\b(half(?! (?:past|an?\b))|double|twice|triple|threefold|twofold|thousands|hundreds|dozens)\b")
_ORDINAL = re.compile(r"(?<![\w.,])(\d+)(?:st|nd|rd|th)\b")
_PLAIN = re.compile(rf"(?<![\w.,])-?({_NUMBER})(?: ?(thousand|million|billion))?\b|\d+(?:[.,]\d+)*")
_PER = re.compile(
    rf"\W{{0,2}}(?:(?:an?|per|each|every|/) ?({_UNITS}|annum)\b|(?:per|each|every|/) ?(\w+)|p\.?(a)\b|(monthly|"
    rf"annually|yearly|weekly|daily)\b)"
)
_PERIODIC = re.compile(r"\b(month|annual|year|week|dai|quarter)ly?\b")
_PERIODS = {
    "annum": "year",
    "a": "year",
    "annual": "year",
    "annuall": "year",
    "dai": "day",
    "min": "minute",
    "hr": "hour",
    "yr": "year",
}
_NOUN = re.compile(r"[ -]([a-z]+(?: [a-z]+)?)")


def take_money(taking: Taking) -> None:
    """Amounts, with what they are per."""
    for match in taking.matches(_MONEY_RANGE):
        currency = _currency(match[4])
        _range(taking, "amount", match, match[1], match[2], match[3], currency)
    for match in taking.matches(_MONEY_BEFORE):
        currency = _currency(match[1])
        if match[4] is not None:
            _range(taking, "amount", match, match[2], match[4], match[5], currency)
        else:
            _figure(taking, "amount", match, match[2], match[3], currency)
    for match in taking.matches(_MONEY_AFTER):
        _figure(taking, "amount", match, match[1], match[2], _currency(match[3]))
    for match in taking.matches(_SLANG):
        taking.take("amount", ("slang", match[1]), *match.span())


def take_shares(taking: Taking) -> None:
    """Percentages."""
    for match in taking.matches(_PERCENT_RANGE):
        _range(taking, "percentage", match, match[1], match[2], None, "%")
    for match in taking.matches(_PERCENTAGE):
        _figure(taking, "percentage", match, match[1], None, "%")


def take_lengths(taking: Taking) -> None:
    """Durations: "14-day", "3 to 5 working days", "within an hour", "a few days"."""
    for match in taking.matches(_UNIT_RANGE):
        _range(taking, "duration", match, match[1], match[2], None, _unit(match[3], match[4]))
    for match in taking.matches(_LENGTH):
        bound = taking.bound(*match.span(), in_is_within=True)
        taking.take("duration", (_value(match[1], None), _unit(match[2], match[3]), ""), *match.span(), bound)
    for match in taking.matches(_ONE_UNIT):
        start = match.start(1) if match[1] else match.start(2)
        bound = taking.bound(start, match.end(), in_is_within=True)
        taking.take("duration", ("1", _unit(match[1], match[2]), ""), start, match.end(), bound)
    for match in taking.matches(_VAGUE):
        taking.take("duration", (match[1].removesuffix(" of"), _unit(match[2], match[3])), *match.span())


def take_ordinals(taking: Taking) -> None:
    """Ordinals such as "3rd", but for days of a date."""
    for match in taking.matches(_ORDINAL):
        taking.take("number", (match[1], "ordinal"), *match.span())


def take_numbers(taking: Taking) -> None:
    """Whatever figure is left."""
    for match in taking.matches(_PLAIN):
        scale = match[2] if match[1] else None
        value = _value(match[1] or match.group(), scale)
        taking.take("number", (value, _noun(taking.low, match.end())), *match.span(), taking.bound(*match.span()))
    for match in taking.matches(_MULTIPLE):
        taking.take("number", (match[1], "multiple"), *match.span())


def _figure(taking: Taking, kind: Kind, match: re.Match[str], number: str, scale: str | None, unit: str) -> None:
    value = _value(number, scale)
    if unit == "pence":
        value, unit = _value(str(Decimal(value) / 100), None), "gbp"
    taking.take(kind, (value, unit, _period(taking, match)), *match.span(), taking.bound(*match.span()))


def _range(taking: Taking, kind: Kind, match: re.Match[str], low: str, high: str, scale: str | None, unit: str) -> None:
    """Both ends of a range, in one place: "up to the higher" may be said of it, the lower alone may not."""
    period = _period(taking, match) if kind != "duration" else ""
    start, end = match.span()
    bounds: tuple[tuple[str, Bound], ...] = ((low, "low"), (high, "high"))
    for number, bound in bounds:
        taking.take(kind, (_value(number, scale), unit, period), start, end, bound)


def _value(number: str, scale: str | None) -> str:
    try:
        value = Decimal(number.replace(",", ""))
    except InvalidOperation:
        return number
    if scale:
        value = value.scaleb(_TIMES[scale])
    return f"{value.normalize():f}"


def _currency(written: str) -> str:
    written = written.strip()
    if written in ("p", "penny", "pence"):
        return "pence"
    single = written.removesuffix("s") if len(written) > 3 else written  # noqa: PLR2004
    return _NAMES.get(written, _NAMES.get(single, single))


def _unit(qualifier: str | None, unit: str) -> str:
    unit = _PERIODS.get(unit, unit)
    if qualifier in ("working", "business", "banking"):
        return f"working {unit}"
    return f"calendar {unit}" if qualifier == "calendar" else unit


def _period(taking: Taking, match: re.Match[str]) -> str:
    """What an amount is per: told after it ("a month"), or before it ("the monthly fee is")."""
    after = _PER.match(taking.low, match.end())
    if after is not None:
        word = next(group for group in after.groups() if group)
        word = {"monthly": "month", "annually": "year", "yearly": "year", "weekly": "week", "daily": "day"}.get(
            word, word
        )
        return _PERIODS.get(word, stem(word))
    clause = re.split(r"[,;:.]", taking.low[: match.start()])[-1]
    before = _PERIODIC.search(clause)
    return _PERIODS.get(before[1], before[1]) if before is not None else ""


def _noun(low: str, end: int) -> str:
    after = _NOUN.match(low, end)
    if after is None:
        return ""
    word = after[1].split()[0]
    return "" if word in STOP_WORDS else stem(word)

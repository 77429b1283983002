"""Texts as the check reads them: one form of every character, sentences, phrases, clauses, stems, polarity."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.logic.replies.claims.claim import Span

_QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2044": "/",
        "\u2212": "-",
        "\u2022": "-",
        "\u00b7": "-",
        "\u2192": ">",
    }
)
_PICTURES = {"\U0001f193": " free ", "\U0001f4af": " 100 ", "\U0001f51f": " 10 "}
# Letters in boxes and on flags, which Unicode does not take for letters.
_LETTER_RUNS = ((0x1F150, 26), (0x1F170, 26), (0x1F1E6, 26))
_HALVES = {"\u00bd": ".5", "\u00bc": ".25", "\u00be": ".75"}
_HALF = re.compile(r"(\d?)\s?([\u00bc-\u00be])")
_TAG = re.compile(r"</?(?:b|i|u|em|strong|p|br|ul|ol|li|span|div|h[1-6]|a)\b([^<>]*)>", re.IGNORECASE)
_ADDRESS_IN_TAG = re.compile(r"href\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\(\s*([^()\s]+)[^()]*\)")
_EMPHASIS = re.compile(r"\*+|`+|~~|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)")
_LINE_HEAD = re.compile(r"^[ \t]*(?:#{1,6}|>+)[ \t]+", re.MULTILINE)
_ITEM = re.compile(r"(?:^|(?<=[:;.!?]\s))(?:\(?(?:[1-9]|1\d|20)[.)]|-+)\s+(?=[\"'A-Z\[{])", re.MULTILINE)
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=\S)|\n+")
_NO_END = re.compile(r"\b(?:e\.g|i\.e|mr|mrs|ms|dr|vs|tel)\.\s*$", re.IGNORECASE)
# These may end a sentence, but none that goes on in lower case or with a figure.
_NO_END_WITHIN = re.compile(
    r"\b(?:approx|incl|excl|etc|min|max|no|a\.m|p\.m|mon|tues?|wed|thu|fri|sat|sun|jan|feb|mar|apr|aug|sept?|"
    r"oct|nov|dec)\.\s*$",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    r"(?<!\d),|,(?!\d)|[;()?!]|:(?!\d)|\s-+\s|\.(?=\s|$)|\b(?:but|so|while|whereas|although|though|because|however)\b"
)
_AND = re.compile(r"\b(?:and|or|then|plus|if|(?<!at )once|when|unless|until|after|before|as soon as)\b|&")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_DOUBLE = re.compile(r"([b-df-hj-np-tv-z])\1$")
_NOT = re.compile(
    r"\b(?:not|cannot|no|never|none|neither|nor|unable|nobody|nothing|non)\b|n't\b|\bdont\b|\bcant\b|\bwont\b"
)
_WITHOUT = re.compile(r"\bwithout\b")
_EXCEPT = re.compile(r"\b(?:except|unless)\b")
_NO_NEGATION = re.compile(
    r"\bno (?:more|later|less|fewer|earlier) than\b|\bnot (?:more|later|less|fewer|only)\b|\bno (?:problem|"
    r"worries|matter|doubt)\b"
    r"|\bn(?:o|ot) hesitate\b|\b(?:do not|don't) (?:hesitate|worry)\b|^\s*no,|\bif not\b|\bwhether or not\b"
)
_BY_CATEGORY = {"Cf": "", "Mn": "", "Me": "", "Cc": " ", "Zs": " ", "Zl": " ", "Zp": " ", "Pd": "-"}
_LINE_ENDS = frozenset("\r\u2028\u2029")
_LONGEST_SENTENCE = 600
_SEEN = frozenset(range(0x20, 0x7F)) | {0x0A}


def listed(text: str) -> list[str]:
    """Words of a list that is written as a text."""
    return text.split()


STOP_WORDS = frozenset(
    listed(
        "a an the and or but of to in on at for with from by as is are was were be been being am do does did "
        "have has had will would can could may might should shall must i you he she it we they me my your his "
        "her its our their this that these those what which who whom how when where why not no yes if so than "
        "then there here please any all some just about up out into over after before because while us them "
        "also more most other such only own same too very s t ll ve re d m don't can't won't isn't aren't "
        "doesn't didn't i'm i've i'll i'd you're you've you'll you'd we're we've we'll we'd it's that's "
        "there's they're let one per each every within under until upon via able get got need now within "
        "cannot possible possibly once usually normally often again dear hello hi thanks thank sorry kind "
        "regards sincerely still already"
    )
)
_IRREGULAR = {
    word: base
    for base, words in {
        "send": "sent",
        "pay": "paid",
        "repay": "repaid",
        "make": "made",
        "give": "gave given",
        "take": "took taken",
        "write": "wrote written",
        "get": "got gotten",
        "do": "did done does",
        "go": "went gone goes",
        "find": "found",
        "leave": "left",
        "keep": "kept",
        "sell": "sold",
        "tell": "told",
        "bring": "brought",
        "buy": "bought",
        "choose": "chose chosen",
        "hold": "held",
        "lose": "lost",
        "meet": "met",
        "see": "saw seen",
        "speak": "spoke spoken",
        "withdraw": "withdrew withdrawn",
        "freeze": "froze frozen",
        "begin": "began begun",
        "undo": "undid undone",
        "steal": "stole stolen",
        "spend": "spent",
        "understand": "understood",
        "show": "shown",
        "ring": "rang rung",
        "hear": "heard",
        "know": "knew known",
        "say": "said",
    }.items()
    for word in words.split()
}


def plain(text: str) -> str:
    """A text in which nothing is dressed up: one form of each character, nothing invisible, no marks of emphasis.

    Digits of every script and shape become ASCII's, accents are dropped, character references resolved; tags and
    Markdown go, but the addresses in them stay.
    """
    text = html.unescape(html.unescape(text))
    if any(ord(char) not in _SEEN for char in text):
        text = _HALF.sub(lambda match: f"{match[1] or '0'}{_HALVES[match[2]]}", text.translate(_QUOTES))
        text = "".join(map(_plain_character, unicodedata.normalize("NFKC", text).translate(_QUOTES)))
    text = _TAG.sub(lambda tag: "".join(f" {address} " for address in _ADDRESS_IN_TAG.findall(tag[1])), text)
    text = _MARKDOWN_LINK.sub(r"\1 \2 ", text)
    text = _LINE_HEAD.sub("", _EMPHASIS.sub("", text))
    return re.sub(r"[ \t]+", " ", text).strip()


@lru_cache(maxsize=4096)
def _plain_character(char: str) -> str:
    if ord(char) in _SEEN:
        return char
    if char in _PICTURES:
        return _PICTURES[char]
    for first, count in _LETTER_RUNS:
        if first <= ord(char) < first + count:
            return chr(ord("a") + ord(char) - first)
    category = unicodedata.category(char)
    number = unicodedata.numeric(char, None) if category in ("Nd", "No", "Nl", "So") else None
    if number is not None:
        return f"{number:g}"
    plain_form = _BY_CATEGORY.get(category)
    if plain_form is not None:
        return "\n" if char in _LINE_ENDS else plain_form
    return "".join(part for part in unicodedata.normalize("NFD", char) if unicodedata.category(part) != "Mn")


def sentences(text: str) -> list[str]:
    """Sentences of a plain text, in order; marks and numbers of a list's items are no part of them."""
    parts: list[str] = []
    for line in text.split("\n"):
        rest, start = _ITEM.sub("", line.strip()), 0
        for end in _END.finditer(rest):
            within = rest[end.end() : end.end() + 1]
            going_on = (within.islower() or within.isdigit()) and _NO_END_WITHIN.search(rest, start, end.start())
            if not (going_on or _NO_END.search(rest, start, end.start())):
                parts.append(rest[start : end.start()])
                start = end.end()
        parts.append(rest[start:])
    return [piece for part in parts if part.strip() for piece in _pieces(part.strip())]


def _pieces(sentence: str) -> Iterator[str]:
    """A sentence that never ends, cut at blanks: reading one takes time by the square of its length."""
    while len(sentence) > _LONGEST_SENTENCE:
        end = sentence.rfind(" ", 1, _LONGEST_SENTENCE) + 1 or _LONGEST_SENTENCE
        yield sentence[:end].strip()
        sentence = sentence[end:]
    yield sentence.strip()


def phrases(low: str) -> list[Span]:
    """Start and end of each part of a sentence between commas, brackets and conjunctions that begin a new thought."""
    return list(_between(low, _PHRASE))


def clauses(low: str) -> list[Span]:
    """Phrases, parted at "and" and its kin as well."""
    return [
        (start + low_start, start + low_end)
        for start, end in phrases(low)
        for low_start, low_end in _between(low[start:end], _AND)
    ]


def _between(text: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    start = 0
    for match in pattern.finditer(text):
        if text[start : match.start()].strip():
            yield start, match.start()
        start = match.end()
    if text[start:].strip():
        yield start, len(text)


def around(spans: list[Span], place: int) -> Span:
    """The span that holds a place, or the nearest before it."""
    found = spans[0] if spans else (0, 0)
    for span in spans:
        if span[0] <= place:
            found = span
    return found


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """What the forms of an English word have in common, roughly: "cancels", "cancelled" and "cancelling" are one."""
    word = word.removesuffix("'s")
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3:  # noqa: PLR2004
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for suffix, least in (("able", 7), ("ing", 6), ("ed", 5), ("ment", 9)):
        if word.endswith(suffix) and len(word) >= least:
            word = word.removesuffix(suffix)
            break
    word = _DOUBLE.sub(r"\1", word.removesuffix("e"))
    return word[:-1] + "i" if word.endswith("y") else word


TELLS_NOTHING = frozenset(map(stem, ("arrive", "take", "reach", "come", "receive", "last", "cost", "make", "use")))
"""Verbs that any wait and any price has: they do not tell one from another."""


def words(low: str) -> list[str]:
    """Words of a text in lower case, numbers included."""
    return _WORD.findall(low)


def stems(low: str) -> frozenset[str]:
    """Stems of the words that mean something, numbers included."""
    return frozenset(stem(word) for word in _WORD.findall(low) if word not in STOP_WORDS)


def is_denied(before: str, after: str) -> bool:
    """Whether what stands between two parts of a phrase is denied: "without" denies what follows it alone."""
    before, after = _NO_NEGATION.sub(" ", before), _NO_NEGATION.sub(" ", after)
    negated = _NOT.search(before) is not None or _NOT.search(after) is not None
    return negated != (_WITHOUT.search(before) is not None)


def polarity(low: str) -> tuple[bool, bool]:
    """Whether a phrase is negated, and whether it makes an exception."""
    low = _NO_NEGATION.sub(" ", low)
    # "Not without" is yes.
    negated = (_NOT.search(low) is not None) != (_WITHOUT.search(low) is not None)
    return negated, _EXCEPT.search(low) is not None

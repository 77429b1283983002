"""What no reply should hold: placeholders, rests of a prompt or of a role, and what the check cannot read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.logic.replies.claims.wording import words
from streams.logic.replies.language import LITTLE_WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_PLACEHOLDER = re.compile(
    r"\{\{[^{}]*\}\}|\$?\{[^{}]{0,80}\}|\[[^\[\]\n]{0,80}\](?!\()|\[\.|<(?!\|)/?[a-z][^<>\n]{0,60}>|<<[^<>]*>>|"
    r"%[a-z_]{2,}%|__+|"
    r"\.{4,}|\b(?:x{3,}|lorem ipsum|tbd|todo|fixme|placeholder)\b|\b(?:your|customer|company|agent)[ _]name here\b|"
    r"\binsert (?:your |the |a |an )?(?:\w+ )?(?:name|number|amount|date|link|url|address|here)\b",
    re.IGNORECASE,
)
_TAGS = re.compile(r"</?(?:b|i|u|em|strong|p|br|ul|ol|li|span|div|h[1-6]|a)\b[^<>]*>", re.IGNORECASE)
_PROMPT = re.compile(
    r"\bas an? (?:\w+ ){0,2}?(?:ai|a\.i\.|artificial intelligence|language model|virtual assistant|assistant|"
    r"chat ?bot|bot|machine|llm)\b|"
    r"\b(?:ai|language) model\b|\bi(?: am|'m) (?:an? |just an? |only an? )?(?:\w+ )?(?:ai|chat ?bot|bot|"
    r"language model|assistant|dan)\b|"
    r"\b(?:my|previous|prior|above|preceding|initial|original|hidden|earlier|system) (?:\w+ )?(?:instructions?|"
    r"prompts?|guidelines|directives?)\b|"
    r"\b(?:ignor\w+|disregard\w*|forget\w*|overrid\w+|bypass\w*) (?:all |any |the |my |your |these |"
    r"those )*(?:previous |prior |above )?"
    r"(?:instructions?|rules|guidelines|prompts?|restrictions|polic(?:y|ies))\b|\bsystem prompt\b|"
    r"\bjail ?break|\bprompt injection\b|"
    r"\b(?:developer|debug|admin|god|dan|sudo|maintenance|unrestricted) mode\b|<\|[^|\n]*\|>|\[/?inst\]|<</?sys>>|"
    r"\bknowledge cut-?off\b|\btraining data\b|\b(?:chat)?gpt(?:-?\d\w*)?\b|\bopenai\b|\bllama\b|\bsmollm\w*|"
    r"\b(?:pretend(?:ing)?|role-?play\w*|act(?:ing)?) (?:to be|that|as if|as an?)\b|\bstay(?:ing)? in character\b|"
    r"\b(?:according to|based on|from|per) (?:the |this |my )?(?:provided |given |retrieved )?(?:evidence|"
    r"context|passages?|snippets?|prompt|knowledge base)\b|"
    r"\bthe (?:provided |given |retrieved )?(?:evidence|context|passage|prompt) (?:says|states|provided|above|"
    r"given|does|mentions|shows|confirms)\b|"
    r"\b(?:as|like) (?:you )?(?:instructed|requested by the system)\b|\bas instructed\b|\bhere(?: is|"
    r"'s) (?:the|a|my|your) (?:reply|response|draft|answer)\b|"
    r"\bapproved answers?\b|\bthe customer's mood\b|\bend of (?:the )?(?:prompt|context|evidence|instructions|"
    r"system)\b",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"^\W*(?:system|assistant|user|human|ai|bot|customer|agent|evidence|context|instructions?|question|answer|"
    r"reply|response|message|"
    r"topic|sentiment|tone|mood|what people say|facts?|input|output|developer|tool|note to self)\b(?: message|"
    r" prompt| \d+)?\W{0,3}[:>]|^\s*#{2,}\s*\w+",
    re.IGNORECASE | re.MULTILINE,
)
_SPACED = re.compile(r"(?<![a-z0-9])(?:[a-z0-9][ .\-_*/]+){3,}[a-z0-9](?![a-z0-9])", re.IGNORECASE)
_LETTERS_ALONE = re.compile(r"[a-z]", re.IGNORECASE)
_ENCODED = re.compile(
    r"\b(?=\w*[a-z]\w*[A-Z]\w*[a-z]\w*[A-Z])[A-Za-z+/]{12,}={0,2}|\\[ux][0-9a-fA-F]{2,}|&#|"
    r"%[0-9a-fA-F]{2}%[0-9a-fA-F]{2}"
)
_MORSE = re.compile(r"(?:[.\-_]{1,6}[ /]+){3,}[.\-_]{1,6}(?=\s|$)")
# Numbers and promises that the check would not take for such.
_FOREIGN = re.compile(
    r"\b(?:cinco|siete|ocho|nueve|diez|veinte|cien|ciento|quinient[oa]s|mil|gratis|gratuit[aeo]?|gratuitamente|"
    r"reembols\w+|devoluci\w+|"
    r"garanti[aez]\w*|garantid\w*|cinq|sept|huit|neuf|dix|vingt|cinquante|mille|rembours\w+|funf\w*|sechs|"
    r"sieben|acht|zehn|hundert|"
    r"tausend|kostenlos\w*|umsonst|(?:ruck)?erstatt\w+|rimbors\w+|cinque|dieci|cento|quinhentos|vijf|tien|"
    r"honderd|duizend|"
    r"terugbeta\w+|gegarandeerd|gratuito|zwrot|stornier\w+|bezahl\w+|indemni[sz]\w+|compensaci\w+|entschadig\w+)\b"
)
_FOLDED = re.compile(r"[^\x00-\u024f\u2000-\u2bff\ufe0f\U0001f300-\U0001faff]")
_LEAST_WORDS, _LEAST_LITTLE, _KNOWN = 4, 0.25, 0.6


def placeholders(raw: str) -> Iterator[str]:
    """Places that nobody has filled in.

    Args:
        raw: The text as it came; marks are looked for before they are taken for emphasis.
    """
    for match in _PLACEHOLDER.finditer(_TAGS.sub("", raw)):
        yield match.group()


def prompt_rests(raw: str) -> Iterator[str]:
    """Words that belong to a prompt or a role."""
    for pattern in (_PROMPT, _ROLE):
        for match in pattern.finditer(raw):
            yield match.group().strip()


def unreadable(text: str, low: str, known: Collection[str], letters: Collection[str]) -> Iterator[str]:
    """What may say anything, for all the check can tell.

    Args:
        text: A plain sentence.
        low: In lower case.
        known: Words of the evidence.
        letters: Characters of the evidence.
    """
    strange = "".join(dict.fromkeys(char for char in _FOLDED.findall(text) if char not in letters))
    if strange:
        yield strange
    for match in _SPACED.finditer(text):
        if sum(map(len, _LETTERS_ALONE.findall(match.group()))) >= 3:  # noqa: PLR2004
            yield match.group()
    for pattern in (_ENCODED, _MORSE):
        for match in pattern.finditer(text):
            yield match.group()
    for match in _FOREIGN.finditer(low):
        if match.group() not in known:
            yield match.group()
    written = [word for word in words(low) if word[0].isalpha()]
    little = sum(word in LITTLE_WORDS["en"] for word in written)
    if (
        len(written) >= _LEAST_WORDS
        and little < _LEAST_LITTLE * len(written)
        and sum(word in known for word in written) < _KNOWN * len(written)
    ):
        yield text

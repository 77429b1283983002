"""Words of a text as lexical search compares them: case, width and plural make no difference."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from bm25s.stopwords import STOPWORDS_EN

_APOSTROPHE = re.compile("(?<=\\w)['\u2019](?=\\w)")
# Scripts that part no words: ideographs and kana, searched by overlapping pairs.
_UNPARTED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_RUN = re.compile(rf"[{_UNPARTED}]+|[^\W_{_UNPARTED}]+")
_UNPARTED_RUN = re.compile(rf"[{_UNPARTED}]")
_STOP_WORDS = frozenset(STOPWORDS_EN)
_SHORTEST_PLURAL = 4


def words(text: str) -> list[str]:
    """The words of a text in their order, without the commonest of English.

    Plurals are undone by Harman's S stemmer (How effective is suffixing?, JASIS 42, 1991). Chinese and Japanese give
    overlapping pairs of characters.
    """
    folded = _APOSTROPHE.sub("", unicodedata.normalize("NFKC", text).casefold())
    found: list[str] = []
    for run in _RUN.findall(folded):
        if _UNPARTED_RUN.match(run):
            found += [first + second for first, second in pairwise(run)] or [run]
        elif run not in _STOP_WORDS:
            found.append(_singular(run))
    return found


def _singular(word: str) -> str:
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]

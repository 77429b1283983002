"""Which language a text is in, roughly: by its script, or by the little words that every sentence needs.

No library: what is asked is only whether a text may be in a language that is answered, and a doubt counts as yes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LEAST_WORDS = 4
_LEAST_LEAD = 2

LITTLE_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the a an and or but of to in on at for with from by is are was were be been am do does did have has had "
        "will would can could may might should shall must i you he she it we they me my your his her its our their "
        "this that these those what which who how when where why not no yes if so as than then there here please any "
        "all some just about up out into over after before because while i'm it's don't can't didn't i've",
        "de": "der die das den dem des ein eine einen einem und oder aber von zu im in auf mit für ist sind war ich du "
        "er sie es wir ihr mich mir mein meine nicht kein keine wie was wann wo warum wenn dass auch noch nur bitte "
        "haben habe hat werden wird kann können sich bei nach aus",
        "fr": "le la les un une des du de et ou mais dans sur avec pour est sont je tu il elle nous vous ils me mon ma "
        "mes ne pas que qui quoi quand où comment pourquoi ce cette ces si plus très votre notre j'ai c'est n'est au "
        "aux par en ai été",
        "es": "el la los las un una y o pero de del en con para por es son soy yo tú usted nosotros me mi mis su no "
        "que qué quién cuándo cómo dónde porque si este esta esto muy más hay ha he puedo puede tengo al lo se como",
        "it": "il lo la i gli le un una e o ma di del della in con per è sono io tu lui noi voi mi mio mia non che chi "
        "quando come dove perché se questo questa molto più ho ha posso può al nel si anche da",
        "pt": "o a os as um uma e ou mas de do da em no na com para por é são eu você nós me meu minha não que quem "
        "quando como onde porque se este esta isto muito mais há tem tenho posso pode ao foi já",
        "nl": "de het een en of maar van in op met voor is zijn was ik jij je u hij zij wij we mijn niet geen hoe wat "
        "wanneer waar waarom als dat dit ook nog kan kunnen heb heeft hebben wordt worden bij naar uit er",
    }.items()
}
"""Words that hardly any sentence of a language does without."""

_SCRIPTS = {
    "CJK": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "GREEK": "el",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "THAI": "th",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "BENGALI": "bn",
    "TAMIL": "ta",
}
# Languages that are written in the script of another one, which ``guess`` gives for all of them.
_WRITTEN_ALIKE: dict[str, frozenset[str]] = {
    "zh": frozenset(("yue", "wuu", "nan", "hak")),
    "ru": frozenset(("uk", "bg", "sr", "be", "mk", "kk", "ky", "mn", "tg", "tt")),
    "ar": frozenset(("fa", "ur", "ps", "ku", "ckb", "sd", "ug")),
    "he": frozenset(("yi",)),
    "hi": frozenset(("mr", "ne", "mai", "bho", "sa")),
    "bn": frozenset(("as",)),
}
_NOT_TOLD = frozenset(("", "und"))


@lru_cache(maxsize=4096)
def script(letter: str) -> str:
    """Script of a letter, as the first word of its Unicode name tells it; empty for what is no letter."""
    return unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else ""


def guess(text: str) -> str | None:
    """Language of a text (ISO 639-1), or None where that is not clear.

    A script that several languages share gives the one most written in it.
    """
    letters = Counter(script(char) for char in text if char.isalpha())
    if not letters:
        return None
    most, count = letters.most_common(1)[0]
    if letters["HIRAGANA"] + letters["KATAKANA"] and most == "CJK":
        return "ja"
    if most != "LATIN":
        return _SCRIPTS.get(most) if 2 * count > letters.total() else None
    words = _WORD.findall(text.casefold().replace("\u2019", "'"))
    if len(words) < _LEAST_WORDS:
        return None
    found = Counter({language: sum(word in little for word in words) for language, little in LITTLE_WORDS.items()})
    (best, most_found), (_, next_found) = found.most_common(2)
    return best if most_found >= next_found + _LEAST_LEAD else None


def is_answered(text: str, told: str | None, languages: tuple[str, ...]) -> bool:
    """Whether a text may be in one of the languages that are answered.

    Args:
        text: What the customer wrote.
        told: Language tag (BCP 47) that the message brings, where it does; the text may gainsay it.
        languages: ISO 639 codes.
    """
    guessed, tag = guess(text), primary(told)
    if guessed is None or not _WRITTEN_ALIKE.get(guessed, frozenset()).isdisjoint(languages):
        return guessed in languages or tag is None or tag in languages
    return guessed in languages


def primary(tag: str | None) -> str | None:
    """The primary language of a BCP 47 tag: ``en`` of ``en-GB``; None where it tells none, empty or undetermined."""
    found = (tag or "").strip().replace("_", "-").partition("-")[0].casefold()
    return None if found in _NOT_TOLD else found

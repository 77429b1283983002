"""Names: words with a capital that are nobody's but a person's, a company's or a product's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.logic.replies.claims.wording import listed, stem

if TYPE_CHECKING:
    from collections.abc import Collection

    from streams.logic.replies.claims.taking import Taking

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9'&]*")
_OPENING = re.compile(r"(?:[:(\"/>]|-)\s*\Z")
# In capitals alone it may be shouted.
_NAMED = re.compile(r"[A-Z][A-Za-z&]*(?:[a-z][A-Z]|\d)|[A-Z][a-z]+(?:'s\b|: [a-z])")
_DOES = (
    r"(?:can|could|will|may|might|must|should|is|has|does|shows|takes|offers|lets|gives|needs|allows|supports|provides|"
    r"works|requires|sends|accepts|holds|keeps|pays|refunds|says|knows|tells)\b"
)
_SUBJECT = re.compile(rf"[A-Z][a-z]+(?: [A-Z][a-z]+)? (?:(?:usually|normally|always|also|only) )?{_DOES}")
_SUBJECTS = frozenset(
    listed(
        "everybody everyone everything nobody nothing somebody someone something anybody anyone anything each either "
        "neither none both all some any most many much more less another other others one two three which what who "
        "whoever whatever when where why how it he she they there here that those these one's whether sometimes often "
        "usually delivery everyday today tomorrow yesterday now then only never always soon money cash time help "
        "information verification identification proof approval access security safety"
    )
)
_MANY = 3
# Written with a capital by the rules of English, or by custom in a letter; none of them names anybody.
COMMON = frozenset(
    listed(
        "i i'm i'll i've i'd atm pin sms iban bic swift faq faqs id pdf uk eu usa us ok pc tv gps nfc qr url "
        "app apps sim cvv cvc apr aer isa otp mr mrs ms dr sir madam dear customer customers team support "
        "service services care centre center help regards sincerely best kind kindly yours many thanks thank "
        "hello hi hey good morning afternoon evening bank banking english mobile online internet web website "
        "please note important however also if when once yes no the our your you we a an and or for to of in "
        "on at is are it this that these here there account accounts card cards payments payment settings "
        "menu profile section option options step steps department office branch desk line home page contact "
        "form"
    )
)


def take_names(taking: Taking, known: Collection[str]) -> None:
    """Words with a capital within a sentence that nobody has said before.

    The first word of a sentence has its capital anyway, and claims nothing by it, unless it has another capital or a
    digit within ("PayPal"), something is said to be its own or follows it as said ("Sarah's", "Revolut: "), or it does
    or can do something and is no word that often begins such a sentence ("Zelle shows").

    Args:
        taking: The sentence; figures and contacts have been taken.
        known: Words, in lower case, and their stems that are known from the evidence, the message or the rules.
    """
    found = [match for match in _WORD.finditer(taking.text) if taking.left[match.start()] != "\0"]
    if not found or _is_shouted([match.group() for match in found]):
        return
    unknown = [match[0][0].isupper() and not _is_known(match.group(), known) for match in found]
    for place, match in enumerate(found):
        if not unknown[place]:
            continue
        opens = not place or _OPENING.search(taking.text, 0, match.start())
        if not opens or _is_a_subject(taking.text, match) or _NAMED.match(taking.text, match.start()):
            taking.take("name", (match.group().lower(),), *match.span())


def _is_a_subject(text: str, first: re.Match[str]) -> bool:
    word = first.group().lower()
    ordinary = word in _SUBJECTS or word.endswith(("ing", "ly", "ed", "tion", "ment", "ness"))
    return not ordinary and _SUBJECT.match(text, first.start()) is not None


def _is_known(word: str, known: Collection[str]) -> bool:
    low = word.lower()
    bare = low.removesuffix("'s").rstrip("'")
    return bare in COMMON or low in COMMON or low in known or bare in known or stem(low) in known


def _is_shouted(found: list[str]) -> bool:
    """Whether a whole sentence is in capitals: that names nothing."""
    return len(found) >= _MANY and all(word.isupper() for word in found)

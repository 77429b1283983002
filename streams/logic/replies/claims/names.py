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

    The first word of a sentence has its capital anyway, and claims nothing by it.

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
        if place and not _OPENING.search(taking.text, 0, match.start()):
            taking.take("name", (match.group().lower(),), *match.span())


def _is_known(word: str, known: Collection[str]) -> bool:
    low = word.lower()
    bare = low.removesuffix("'s").rstrip("'")
    return bare in COMMON or low in COMMON or low in known or bare in known or stem(low) in known


def _is_shouted(found: list[str]) -> bool:
    """Whether a whole sentence is in capitals: that names nothing."""
    return len(found) >= _MANY and all(word.isupper() for word in found)

"""Ids of outputs: the same input gives the same id, however often it is read.

Tocsin delivers at least once; whoever reads an output twice can tell by its id.
"""

from __future__ import annotations

import re
from hashlib import blake2b

# Letters and digits of any script; a regular expression, since every message passes here.
_WORD = re.compile(r"[^\W_]+")


def output_id(topic: str, partition: int, offset: int, kind: str) -> str:
    """Id of what was made from one input: 32 hexadecimal digits.

    The hash is BLAKE2b (RFC 7693) over the input's place in Kafka, which no other message shares, and the kind of
    output, since one input can have several.

    Args:
        topic: Topic of the input.
        partition: Partition of the input.
        offset: Offset of the input.
        kind: Kind of the output, such as ``prediction`` or ``dead-letter``.
    """
    place = f"{topic}\0{partition}\0{offset}\0{kind}"
    return blake2b(place.encode(), digest_size=16).hexdigest()


def derived_id(origin: str, kind: str) -> str:
    """Id of what was made from something that has an id of its own, wherever it stands: 32 hexadecimal digits.

    Args:
        origin: Id of what it was made from.
        kind: Kind of output, such as ``reply``.
    """
    return blake2b(f"{origin}\0{kind}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def text_fingerprint(text: str) -> str:
    """Fingerprint of a text that survives syndication: 16 hexadecimal digits.

    Case, punctuation and spacing are dropped, so that the same story from two outlets has one fingerprint. A text
    without a word, such as a row of emoji, is only its own copy.
    """
    words = " ".join(_WORD.findall(text.casefold())) or text.strip()
    return blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

"""What is asked: a message as a whole, and sentence by sentence, since a question often stands among other things."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_MOST_SENTENCES = 6
_FEWEST_WORDS = 4
_ENDS = re.compile("(?<=[.!?\u2026])\\s+|(?<=[\u3002\uff01\uff1f])|\n+")


class Query(NamedTuple):
    """What is looked for: the whole first, then its sentences, if it has several.

    An answer's likeness to it is the mean of its likeness to the whole and to the likeliest sentence: an answer to one
    sentence of a message that asks for more is not taken for an answer to all.
    """

    texts: list[str]
    vectors: Matrix
    """Float32 [texts, width]."""


def texts_of(message: str) -> list[str]:
    """The message, and its sentences of four words and more where it has several; six at most."""
    sentences = [stripped for part in _ENDS.split(message) if (stripped := part.strip())]
    if len(sentences) == 1:
        return [message]
    long_enough = [sentence for sentence in dict.fromkeys(sentences) if len(sentence.split()) >= _FEWEST_WORDS]
    return [message, *long_enough[:_MOST_SENTENCES]]

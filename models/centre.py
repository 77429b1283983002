"""Vectors about their own middle.

The states of an encoder lie in a narrow cone: of bge-small any two headlines have a cosine of some 0.4, of e5-small of
0.8, and what they are about moves it by little. With the mean of texts of the domain taken away, unlike texts have
cosines near zero and like ones stand out, for every base alike: Mu and Viswanath, "All-but-the-Top: Simple and
Effective Postprocessing for Word Representations" (2018), without their second step.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from models.batching import sub_batches
from models.bert import embedder
from models.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.bert import Trunk
    from models.tokens import TextTokenizer

_TEXTS = 1000
_BATCH = 16
# Coarser than what another machine's sums differ by: the same trunk and texts give the same graph, whose hash tells
# whether vectors may be compared.
_DIGITS = 4


def centred(trunk: Trunk, tokenizer: TextTokenizer, texts: Sequence[str]) -> Trunk:
    """The trunk with the mean vector of some texts as the middle of its embedding.

    Args:
        trunk: The encoder as it will be served.
        tokenizer: Its tokenizer.
        texts: One at least, of the domain; a thousand at the most are read, spread over all of them, since a domain's
            seed stands in the order of its files, of which each is of one kind of message.
    """
    plain = replace(trunk, centre=None)
    session = open_session(embedder(plain).SerializeToString())
    encoded = tokenizer.encode(list(texts[:: ceil(len(texts) / _TEXTS)]))
    total = np.zeros(trunk.width)
    for places in sub_batches([len(text.ids) for text in encoded], _BATCH):
        tokens = tokenizer.pad([encoded[place] for place in places])
        (vectors,) = session.run(None, {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask})
        total += vectors.sum(axis=0, dtype=np.float64)
    return replace(trunk, centre=np.round(total / len(encoded), _DIGITS).astype(np.float32))

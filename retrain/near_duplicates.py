"""Which texts are nearly equal: retweets, syndicated copies, the same headline with a word changed.

Two texts are near-duplicates where the Jaccard similarity of their shingles is at least ``THRESHOLD``. MinHash
signatures in bands find the pairs that may be (Broder, "On the Resemblance and Containment of Documents", 1997;
Leskovec et al., "Mining of Massive Datasets", chapter 3), and the sets themselves decide. The bands are chosen so that
a pair at the threshold is missed 4 times in 100,000, and one at 0.8 less often than once in a million million.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from datasketch import MinHash, MinHashLSH
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from streams.contract.ids import text_fingerprint

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

THRESHOLD = 0.6
"""One word of eight changed still reaches it; two of ten, apart, no longer do."""

_BANDS, _BAND_ROWS = 42, 3
# Who is spoken to and what is linked differ between copies.
_NOISE = re.compile(r"https?://\S+|(?<!\w)@\w+")
# Scripts that part no words: Thai to Khmer, kana, Han. Each character counts as a word.
_UNPARTED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNPARTED}]|[^\W_{_UNPARTED}]+")


def shingles(text: str) -> frozenset[str]:
    """Pairs of neighbouring words, of a text without links, mentions, case and punctuation.

    A text of one word has that word; one of none, such as a row of emoji, has itself.
    """
    words = _WORD.findall(_NOISE.sub(" ", text.casefold()))
    if not words:
        return frozenset([text.strip()])
    # The word that opens a text has no neighbour before it; with one, texts of one and two words can be compared.
    return frozenset(f"{first} {second}" for first, second in zip(["", *words[:-1]], words, strict=True))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared shingles among all of two texts; two empty sets cannot occur."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def clusters(texts: Sequence[str]) -> list[int]:
    """The cluster of each text, numbered from 0 in order of first appearance.

    A text belongs to a cluster where it is a near-duplicate of any text of it, so that two texts of one cluster need
    not be near-duplicates themselves; two of different clusters never are.
    """
    if not texts:
        return []
    sets = [shingles(text) for text in texts]
    fingerprints = [text_fingerprint(text) for text in texts]
    pairs = np.array([*_equal_pairs(fingerprints), *_near_pairs(sets)], np.int64).reshape(-1, 2)
    count = len(texts)
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, numbers = connected_components(graph, directed=False)
    first_seen: dict[int, int] = {}
    return [first_seen.setdefault(number, len(first_seen)) for number in numbers.tolist()]


def _equal_pairs(keys: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Places of equal keys, each with the first of them."""
    first: dict[Hashable, int] = {}
    for place, key in enumerate(keys):
        if first.setdefault(key, place) != place:
            yield first[key], place


def _near_pairs(sets: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Places of near-duplicates; of equal sets, each with the first of them alone, which joins them all the same."""
    yield from _equal_pairs(sets)
    # Backwards, so that the first place of equal sets is the one that stays.
    places = {shingle_set: place for place, shingle_set in reversed(list(enumerate(sets)))}
    index = MinHashLSH(num_perm=_BANDS * _BAND_ROWS, params=(_BANDS, _BAND_ROWS))
    encoded = ([shingle.encode("utf-8", "surrogatepass") for shingle in shingle_set] for shingle_set in places)
    signatures = MinHash.generator(encoded, num_perm=_BANDS * _BAND_ROWS)
    for (shingle_set, place), signature in zip(places.items(), signatures, strict=True):
        for other in index.query(signature):
            if jaccard(shingle_set, sets[other]) >= THRESHOLD:
                yield other, place
        index.insert(place, signature, check_duplication=False)

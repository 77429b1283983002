"""The entries of one language, found by vectors and by words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.answers.lexicon import Lexicon
from models.answers.scoring import score
from models.answers.vectors import Vectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from models.answers.asking import Query
    from models.answers.entries import Entry

    Matrix = NDArray[np.float32]

_FEWEST_CANDIDATES = 32
_CANDIDATES_EACH = 8
# The small part of the lexicon is built anew by the search after each change: in some 50 ms at this size.
_MOST_RECENT = 512
_FEWEST_GONE = 512
_MOST_GONE_SHARE = 0.25


class Scored(NamedTuple):
    """A candidate and its score, 0 to 1."""

    score: float
    entry: Entry


class Shelf:
    """Entries in places 0, 1, 2 and so on; one that goes leaves its place empty until the shelf is tidied.

    Args:
        width: Dimensions of the vectors.
    """

    def __init__(self, width: int) -> None:
        self._entries: list[Entry | None] = []
        self._vectors = Vectors(width)
        self._lexicon = Lexicon()
        self._gone = 0

    def __len__(self) -> int:
        return len(self._entries) - self._gone

    def add(self, entries: Sequence[Entry], vectors: Matrix) -> list[int]:
        """Put entries with their vectors, float32 [entries, width], and say in which places."""
        first = len(self._entries)
        self._vectors.add(vectors)
        self._lexicon.add([entry.words for entry in entries])
        self._entries += entries
        return list(range(first, len(self._entries)))

    def drop(self, places: Iterable[int]) -> None:
        """Leave places empty."""
        for place in places:
            self._entries[place] = None
            self._gone += 1

    def entry(self, place: int) -> Entry:
        """What is in a place that is not empty."""
        found = self._entries[place]
        if found is None:
            raise LookupError(f"place {place} is empty")
        return found

    def vectors(self, places: Sequence[int]) -> Matrix:
        """Vectors of places, float32 [places, width]."""
        return self._vectors.get(places)

    @property
    def is_untidy(self) -> bool:
        """Whether ``tidied`` is worth its time."""
        return self._lexicon.recent > _MOST_RECENT or self._has_many_gone

    def tidied(self) -> Shelf:
        """The same entries, quick to search again; this shelf can be searched meanwhile, and must not change.

        Places stay as they are unless many are empty: then ``places`` tells the new ones.
        """
        made = Shelf(self._vectors.width)
        if self._has_many_gone:
            live = [place for place, entry in enumerate(self._entries) if entry is not None]
            made._entries = [self._entries[place] for place in live]
            made._vectors.add(self._vectors.get(live))
        else:
            made._entries, made._vectors, made._gone = self._entries, self._vectors, self._gone
        made._lexicon = Lexicon.of(["" if entry is None else entry.words for entry in made._entries])
        return made

    def places(self) -> dict[str, list[int]]:
        """Places of each document's entries."""
        found: dict[str, list[int]] = {}
        for place, entry in enumerate(self._entries):
            if entry is not None:
                found.setdefault(entry.document, []).append(place)
        return found

    def search(self, query: Query, limit: int) -> list[Scored]:
        """The likeliest to answer a query, in no order, with enough beyond the limit for duplicates to be left out.

        Args:
            query: What is asked.
            limit: How many are wanted.
        """
        count = max(_FEWEST_CANDIDATES, _CANDIDATES_EACH * limit)
        coverages = _joint(np.column_stack([self._lexicon.coverage(text) for text in query.texts]))
        places = [place for vector in query.vectors for place in self._live_near(vector, count)]
        # All that share no word with the query are alike to the lexicon, which then has nothing to say of them.
        by_words = [place for place in _largest(coverages, count + self._gone) if coverages[place] > 0.0]
        places += [place for place in by_words if self._entries[place] is not None][:count]
        places = list(dict.fromkeys(places))
        if not places:
            return []
        entries = [self.entry(place) for place in places]
        cosines = _joint(self._vectors.get(places) @ query.vectors.T)
        # The rows of a product are rounded each in its own way: the same question is as likely in every one of them.
        first: dict[str, int] = {}
        alike = [first.setdefault(entry.embedded, row) for row, entry in enumerate(entries)]
        scores = score(cosines[alike], coverages[places])
        return [Scored(*pair) for pair in zip(scores.tolist(), entries, strict=True)]

    @property
    def _has_many_gone(self) -> bool:
        return self._gone > max(_FEWEST_GONE, _MOST_GONE_SHARE * len(self._entries))

    def _live_near(self, vector: Matrix, count: int) -> list[int]:
        """Places of the nearest entries that are there."""
        asked = count
        while True:
            near = self._vectors.nearest(vector, min(asked, len(self._entries))).tolist()
            live = [place for place in near if self._entries[place] is not None][:count]
            if len(live) >= min(count, len(self)) or len(near) < asked:
                return live
            asked *= 2


def _joint(likenesses: Matrix) -> Matrix:
    """Mean of the likeness to the whole, in the first column, and to the likeliest part: float32 [entries]."""
    joint: Matrix = (likenesses[:, 0] + likenesses.max(axis=1)) / np.float32(2.0)
    return joint


def _largest(values: Matrix, count: int) -> list[int]:
    if count >= len(values):
        found = np.argsort(-values, kind="stable")
    else:
        found = np.argpartition(-values, count)[:count]
        found = found[np.argsort(-values[found], kind="stable")]
    places: list[int] = found.tolist()
    return places

"""Which items a reader has seen, long after they are no longer remembered by name: prints of 4 bytes, in a ring.

A print is a hash. An item that was never seen passes for seen where its print is in the ring by chance: with 1,000
prints of 32 bits one item in some 4.3 million, so that in one recommendation of some 21,000 one of 200 candidates is
left out wrongly.
"""

from __future__ import annotations

import sys
from array import array
from hashlib import blake2b

import numpy as np

PRINT_BYTES = 4

# Four bytes wherever Tocsin runs; ``load`` would refuse anything else.
_CODE = "I"


def print_of(item: str) -> int:
    """Print of an item's id, from 0 to 2 ** 32 - 1; equal on all machines and for all time, since it is stored."""
    digest = blake2b(item.encode("utf-8", "surrogatepass"), digest_size=PRINT_BYTES).digest()
    return int.from_bytes(digest, "little")


class Seen:
    """Prints of the items seen last, each once.

    Args:
        most: How many; beyond, the one that came first goes. 0 keeps none.
    """

    __slots__ = ("_at", "_most", "_ring")

    def __init__(self, most: int) -> None:
        self._most = most
        self._ring = array(_CODE)
        self._at = 0
        """Place of the one that goes next, once the ring is full."""

    def __len__(self) -> int:
        return len(self._ring)

    def add(self, item: str) -> None:
        """Take an item for seen; one that is there keeps its place."""
        number = print_of(item)
        if not self._most or (self._ring and (np.frombuffer(self._ring, np.uint32) == number).any()):
            return
        if len(self._ring) < self._most:
            self._ring.append(number)
            return
        self._ring[self._at] = number
        self._at = (self._at + 1) % self._most

    def prints(self) -> frozenset[int]:
        """All of them, to look up many items. Made anew each time: kept, it would take 15 times the ring's memory."""
        return frozenset(self._ring)

    def dump(self) -> bytes:
        """The prints, little-endian, the one that came first at the beginning."""
        ring = self._ring[self._at :] + self._ring[: self._at]
        if sys.byteorder == "big":
            ring.byteswap()
        return ring.tobytes()

    def load(self, prints: bytes) -> None:
        """Put back what ``dump`` gave; of more than fit, the latest.

        Raises:
            ValueError: It is no whole number of prints.
        """
        ring = array(_CODE)
        ring.frombytes(prints)
        if sys.byteorder == "big":
            ring.byteswap()
        self._ring = ring[len(ring) - min(self._most, len(ring)) :]
        self._at = 0

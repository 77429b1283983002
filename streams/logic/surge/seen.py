"""Which messages were counted already: the latest few of a subject, by id and by text, in two kilobytes.

Bytes and not a dictionary: a tenth of the memory, so that a hundred thousand subjects fit, and kept as they are.
"""

from __future__ import annotations

from zlib import crc32

import msgspec

KEPT = 256
"""So many messages are remembered."""
_PRINT = 3
_WHEN = 2
_PRINT_AT = [slice(at * _PRINT, (at + 1) * _PRINT) for at in range(KEPT)]
_WHEN_AT = [slice(at * _WHEN, (at + 1) * _WHEN) for at in range(KEPT)]
_WHEN_MASK = (1 << 8 * _WHEN) - 1
# Messages come a little out of order.
_AHEAD = 24


def short_print(text: str) -> bytes:
    """24 bits of an id or of a fingerprint.

    Among 256 of them a new one is taken for another once in 65,000 times: counts that are lost at this rate cost less
    than the bytes of longer ones, twice for each message of each subject.
    """
    return (crc32(text.encode("utf-8", "surrogatepass")) & 0xFFFFFF).to_bytes(_PRINT, "little")


class Seen(msgspec.Struct, array_like=True):
    """A ring of the latest messages."""

    ids: bytearray = msgspec.field(default_factory=bytearray)
    texts: bytearray = msgspec.field(default_factory=bytearray)
    when: bytearray = msgspec.field(default_factory=bytearray)
    """Windows, modulo 65,536."""
    at: int = 0
    """Where the next one is put."""

    def has_id(self, id_print: bytes, bucket: int, within: int) -> bool:
        """Whether a message with this id was seen within so many windows."""
        return self._has(self.ids, id_print, bucket, within)

    def has_text(self, text_print: bytes, bucket: int, within: int) -> bool:
        """Whether a message with this text was seen within so many windows."""
        return self._has(self.texts, text_print, bucket, within)

    def add(self, id_print: bytes, text_print: bytes, bucket: int) -> None:
        """Remember a message; the oldest makes room."""
        at = self.at
        # Where the ring is not full yet, this appends.
        self.ids[_PRINT_AT[at]] = id_print
        self.texts[_PRINT_AT[at]] = text_print
        self.when[_WHEN_AT[at]] = (bucket & _WHEN_MASK).to_bytes(_WHEN, "little")
        self.at = (at + 1) % KEPT

    def _has(self, prints: bytearray, sought: bytes, bucket: int, within: int) -> bool:
        place = prints.find(sought)
        while place >= 0:
            at, off = divmod(place, _PRINT)
            if not off:
                when = int.from_bytes(self.when[_WHEN_AT[at]], "little")
                if (bucket - when + _AHEAD) & _WHEN_MASK <= within + _AHEAD:
                    return True
            place = prints.find(sought, place + 1)
        return False

"""The form in which a reader's interests are kept: compact, exact, MessagePack."""

from __future__ import annotations

import msgspec

FORM = 2
"""Version of the form that is written. Of form 1, which had no prints, the state is read and carried on."""

READ_FORMS = (1, FORM)
"""Those that are read; a state of any other is not."""


class Kept(msgspec.Struct, array_like=True):
    """A reader as it is kept; its parts are told of in ``Interests``."""

    as_of: float
    vectors: bytes
    """Little-endian float16, one after the other."""
    weights: list[float]
    disliked: bytes
    """Likewise, the oldest first."""
    recent: list[tuple[str, int, float]]
    """Item, seconds since 1970, weight; the oldest first."""
    topics: dict[str, float]
    mood: tuple[float, float]
    places: list[tuple[str, int, int]]
    seen: bytes = b""
    """Prints of items seen before those of ``recent``, as ``Seen.dump`` gives them. Absent in form 1."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)


def encode(kept: Kept) -> bytes:
    """As MessagePack."""
    return _encoder.encode(kept)


def decode(state: bytes) -> Kept:
    """What ``encode`` was given.

    Raises:
        msgspec.DecodeError: It is no such state.
    """
    return _decoder.decode(state)

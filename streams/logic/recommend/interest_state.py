"""The form in which a reader's interests are kept: compact, exact, MessagePack."""

from __future__ import annotations

import msgspec

FORM = 1
"""Version of the form; a state of another one is not read."""


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

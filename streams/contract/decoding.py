"""Decoding what anybody may have written to a topic: whatever is wrong with it is one kind of error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import UnionType

T = TypeVar("T")


class JsonDecoder(Generic[T]):
    """``msgspec.json.Decoder`` whose every refusal is a ``msgspec.DecodeError``.

    msgspec raises RecursionError for what is nested without end, and UnicodeDecodeError for what is no UTF-8; an agent
    that looks out for DecodeError alone would end on either, and end again on the same record at each start.

    Args:
        type_: What it should be.
    """

    __slots__ = ("_decode",)

    def __init__(self, type_: type[T] | UnionType) -> None:
        self._decode: Callable[[bytes | str], T] = msgspec.json.Decoder(type_).decode

    def decode(self, content: bytes | str) -> T:
        """What the content holds.

        Raises:
            msgspec.DecodeError: It is no such thing; msgspec.ValidationError where it is JSON of another form.
        """
        try:
            return self._decode(content)
        except RecursionError:
            raise msgspec.DecodeError("JSON is nested too deeply") from None
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError(f"JSON is not UTF-8 at byte {error.start}") from None

r"""Records whose headers' names are no UTF-8, as kafka-python's consumers read them.

Kafka says that such a name is UTF-8, and no broker looks: a client that takes names as bytes, as librdkafka does, sends
what it is given. kafka-python raises at the first such record, and again at each further try: a topic that anybody may
write to could not be read past it by any command. Here the odd bytes are spelled out, as in ``\xff``.
"""

from __future__ import annotations

from typing import Any

from kafka.record import memory_records
from kafka.record.default_records import DefaultRecordBatch


def spell_out_header_names() -> None:
    """Let every kafka-python consumer of this process read such records."""
    # kafka-python has no place to hand another reader in.
    memory_records.DefaultRecordBatch = Batch


class SpelledBytes(bytearray):
    """Bytes that are never at a loss for a text."""

    def __getitem__(self, place: Any) -> Any:  # noqa: ANN401  an index gives a number, a slice gives bytes
        """A byte, or bytes of the same kind."""
        part = super().__getitem__(place)
        return SpelledBytes(part) if isinstance(place, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        """The text, with what is none spelled out."""
        return super().decode(encoding, errors)


class Batch(DefaultRecordBatch):  # type: ignore[misc]  # kafka-python has no types
    """kafka-python's own reader, which tries again what it cannot read over bytes that have a text."""

    _buffer: bytearray

    def _read_msg(self) -> Any:  # noqa: ANN401  kafka-python has no types
        try:
            return super()._read_msg()
        except UnicodeDecodeError:
            self._buffer = SpelledBytes(self._buffer)
            return super()._read_msg()

r"""Records whose headers' names are no UTF-8.

Kafka says that such a name is UTF-8, and no broker looks: a client that takes names as bytes, as librdkafka does, sends
what it is given. aiokafka raises at the first such record, which ends the worker, and the next one at the same place,
for ever. Here the record is read with the odd bytes spelled out, as in ``\xff``.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

from streams.brokers.header_names import SpelledBytes

if TYPE_CHECKING:
    from collections.abc import Iterator


def spell_out_header_names() -> None:
    """Let every aiokafka consumer of this process read such records; those that run already, from their next fetch."""
    # aiokafka has no place to hand another reader in.
    fetcher.MemoryRecords = Records


class Records(_MemoryRecordsPy):
    """What a fetch brought of a partition, batch after batch; in the place of aiokafka's ``MemoryRecords``."""

    def next_batch(self) -> Any:  # noqa: ANN401  aiokafka has no types
        """The next batch, or None."""
        content = self._next_slice
        batch = super().next_batch()
        # Older formats have no headers.
        return _Batch(content, batch) if isinstance(batch, DefaultRecordBatch) else batch


class _Batch:
    """A batch as aiokafka reads it, and from a record that it cannot read on as it is read here."""

    def __init__(self, content: memoryview, batch: Any) -> None:  # noqa: ANN401  aiokafka has no types
        self._content = content
        self._batch = batch

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a batch has
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # noqa: ANN401  aiokafka has no types
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        # The second is what aiokafka makes of the first where it runs without its compiled part.
        except (UnicodeDecodeError, CorruptRecordException):
            yield from islice(_SpellingBatch(self._content), read, None)


class _SpellingBatch(_DefaultRecordBatchPy):
    """aiokafka's own reader, over bytes that are never at a loss for a text."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = SpelledBytes(self._buffer)

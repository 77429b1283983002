"""Sending in volume with nothing taken on trust: every record is counted until the broker has acknowledged it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from kafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from streams.brokers.placing import place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kafka import KafkaProducer

_SLICE_SECONDS = 0.2
# What is wrong with one record alone; any other error is the broker's, and the next record would meet it too.
_OWN_FAULTS = (MessageSizeTooLargeError, RecordListTooLargeError)


class Delivery:
    """Records on their way to one topic.

    kafka-python's producer takes records without a bound; here ``has_room`` holds the sender back. Callbacks come from
    the producer's thread.

    Args:
        producer: With ``acks="all"``; closed by whoever made it.
        topic: Where the records go.
        max_records: Most records in flight.
        max_bytes: Most bytes of values in flight; one record is always let through.
        spread: Keys are spread over so many partitions, the first ones (``kept_in_place``); over all where absent.
        track_keys: Keep the keys of acknowledged records for ``take_acknowledged``, which must then be called.
    """

    def __init__(
        self,
        producer: KafkaProducer,
        topic: str,
        *,
        max_records: int = 4096,
        max_bytes: int = 32 * 1024 * 1024,
        spread: int | None = None,
        track_keys: bool = False,
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._spread = spread
        self._changed = threading.Condition()
        self._flying_bytes = 0
        self._flying: dict[int, int] = {}
        """Position of each record in flight, by its number; in order of sending."""
        self._first_failed: int | None = None
        self._keys: set[str] | None = set() if track_keys else None
        self.sent = self.acknowledged = self.failed = 0
        self.problem: str | None = None
        """The first failure: which record, and why."""
        self.broker_failed = False
        """A record failed for no fault of its own."""

    def has_room(self, timeout: float) -> bool:
        """Wait until one more record may be sent.

        Args:
            timeout: Longest wait, in seconds.
        """
        with self._changed:
            return self._changed.wait_for(self._is_below_bounds, timeout)

    @property
    def first_unacknowledged(self) -> int | None:
        """Least position of a record that the broker has not acknowledged; all before it are done, or too large."""
        with self._changed:
            flying = next(iter(self._flying.values()), None)
            return min((place for place in (self._first_failed, flying) if place is not None), default=None)

    def send(
        self, place: str, key: str, value: bytes, headers: Sequence[tuple[str, bytes]] = (), *, position: int = 0
    ) -> None:
        """Hand one record to the producer; what becomes of it is counted, and never raised.

        Args:
            place: Where it came from, for the message if it fails.
            key: Key of the record.
            value: Value of the record.
            headers: Headers of the record.
            position: Its position among all, for ``first_unacknowledged``; not less than that of the one before.
        """
        size = len(value)
        with self._changed:
            number = self.sent
            self.sent += 1
            self._flying[number] = position
            self._flying_bytes += size

        def done(error: BaseException | None) -> None:
            self._done(number, place, key, size, error)

        try:
            name = key.encode("utf-8", "surrogateescape")
            partition = place_of(self._producer, self._topic, name, self._spread)
            future = self._producer.send(self._topic, value=value, key=name, headers=list(headers), partition=partition)
        except KafkaError as error:
            done(error)
            return
        future.add_callback(lambda _metadata: done(None))
        future.add_errback(done)

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is in flight.

        Args:
            timeout: Longest wait, in seconds.

        Returns:
            Whether nothing is in flight any more.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            # In slices, so that a signal's handler runs between them.
            while self._flying and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(left, _SLICE_SECONDS))
            return not self._flying

    def take_acknowledged(self) -> frozenset[str]:
        """Keys of the records acknowledged since the last call, where they are tracked."""
        with self._changed:
            keys = frozenset(self._keys or ())
            if self._keys is not None:
                self._keys.clear()
            return keys

    def _is_below_bounds(self) -> bool:
        return len(self._flying) < self._max_records and self._flying_bytes < self._max_bytes

    def _done(self, number: int, place: str, key: str, size: int, error: BaseException | None) -> None:
        with self._changed:
            position = self._flying.pop(number)
            self._flying_bytes -= size
            if error is None:
                self.acknowledged += 1
                if self._keys is not None:
                    self._keys.add(key)
            else:
                self.failed += 1
                self.problem = self.problem or f"{place}: {error}"
                if not isinstance(error, _OWN_FAULTS):
                    self.broker_failed = True
                    self._first_failed = position if self._first_failed is None else min(self._first_failed, position)
            self._changed.notify_all()

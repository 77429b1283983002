"""Reading back state that is kept in a compacted topic, when a partition comes to this worker (docs/adr/0005)."""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import msgspec
import structlog

from streams.brokers.errors import BrokerUnreachableError, TopicError
from streams.brokers.placing import place
from streams.contract.decoding import JsonDecoder
from streams.contract.signals import CLOCK_KEY, SurgeState
from streams.contract.topics import kept_in_place, surge_state_topic
from streams.worker.replaying import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiokafka.structs import ConsumerRecord

    from streams.contract.settings import Settings

T = TypeVar("T")

OF_THE_PARTITION = (b"", CLOCK_KEY.encode())
"""Keys of state that is a partition's own, and of no subject."""

_REMEMBERED_KEYS = 65_536

log = structlog.get_logger(__name__)

_surge_state = JsonDecoder(SurgeState)


class RecoveryError(RuntimeError):
    """A partition's state could not be read in time, or not at all; the worker ends, to be started again."""


class Recovery:
    """Reads state back, and knows when it last came forward: a worker that reads back does not stand still.

    Args:
        settings: Where the brokers are, and ``surge.recovery_timeout_seconds``.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.moved_at = -math.inf
        """When records were last read, on the clock that never goes back."""

    def surge_state(self, partition: int) -> list[SurgeState]:
        """The latest state of each subject of one partition of signals.

        Raises:
            RecoveryError: It cannot be read, or not in time.
        """
        return self.read_latest(surge_state_topic(self._settings.topics), partition, _surge_state.decode)

    def read_latest(self, topic: str, partition: int, decode: Callable[[bytes], T]) -> list[T]:
        """The latest value of each key of one partition, as it was at the time of asking; what is none is left out.

        Args:
            topic: Full name of a topic that is kept compacted.
            partition: Its number; the same as of the topic whose records made the state.
            decode: From a record's value; raises ``msgspec.DecodeError`` for what is none.

        Raises:
            RecoveryError: It cannot be read, or not in time.
        """
        latest = {record.key: record.value for record in self.replayed(topic, partition)}
        return [state for value in latest.values() if (state := _decoded(value, decode, topic)) is not None]

    def replayed(self, topic: str, partition: int) -> Iterator[ConsumerRecord]:
        """Every record of one partition, in order, up to its end as it was at the time of asking.

        Args:
            topic: Full name of the topic.
            partition: Its number.

        Raises:
            RecoveryError: It cannot be read, or not in time.
        """
        within = self._settings.surge.recovery_timeout_seconds
        spread = kept_in_place(self._settings).get(topic)
        strays: set[bytes] = set()
        try:
            for records in replay(self._settings.kafka, topic, partition, within=within):
                if records:
                    self.moved_at = time.monotonic()
                for record in records:
                    if spread is not None and _is_stray(record.key, partition, spread):
                        (strays.discard if record.value is None else strays.add)(record.key)
                    yield record
        except TimeoutError as error:
            raise RecoveryError(
                f"{topic}[{partition}] was not read within {within:g} s (surge.recovery_timeout_seconds)"
            ) from error
        except (BrokerUnreachableError, TopicError) as error:
            raise RecoveryError(f"{topic}[{partition}] cannot be read: {error}") from error
        if strays:
            # Gone on with, a subject would have two states, and each would be half of it.
            raise RecoveryError(
                f"{topic}[{partition}] holds {len(strays)} states that do not belong there by topics.partitions, "
                f"{spread}: it was another when they were written. Set it to what it was; partitions that were added "
                "may stay"
            )


@lru_cache(_REMEMBERED_KEYS)
def _is_stray(key: bytes | None, partition: int, spread: int) -> bool:
    """Whether state of this key does not belong into the partition; a key's states are many, and its hash costs."""
    return key is not None and key not in OF_THE_PARTITION and place(key, spread) != partition


def _decoded(value: bytes | None, decode: Callable[[bytes], T], topic: str) -> T | None:
    """None for a key that was removed, and for what Tocsin did not write: it must not end every worker that comes."""
    if value is None:
        return None
    try:
        return decode(value)
    except msgspec.DecodeError as error:
        log.warning("left out: no state of ours", topic=topic, error=str(error))
        return None

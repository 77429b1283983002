"""Reading back the state of surge detection, when a partition comes to this worker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import structlog
from kafka.errors import KafkaError

from streams.brokers.errors import BrokerUnreachableError, TopicError
from streams.brokers.reading import read_all
from streams.contract.signals import SurgeState
from streams.contract.topics import surge_state_topic

if TYPE_CHECKING:
    from streams.contract.settings import Settings

log = structlog.get_logger(__name__)

_decoder = msgspec.json.Decoder(SurgeState)


class RecoveryError(RuntimeError):
    """A partition's state could not be read in time, or not at all; the worker ends, to be started again."""


def read_state(settings: Settings, partition: int) -> list[SurgeState]:
    """The latest state of each key of one partition, as it was at the time of asking; what is none is left out.

    Args:
        settings: Where the brokers are, and ``surge.recovery_timeout_seconds``.
        partition: Of the state topic; the same number as of signals.

    Raises:
        RecoveryError: It cannot be read, or not in time.
    """
    topic = surge_state_topic(settings.topics)
    timeout = settings.surge.recovery_timeout_seconds
    deadline = time.monotonic() + timeout
    latest: dict[bytes, bytes | None] = {}
    try:
        for record in read_all(settings, topic, partition=partition):
            latest[record.key] = record.value
            if time.monotonic() > deadline:
                raise RecoveryError(
                    f"{topic}[{partition}] was not read within {timeout:g} s (surge.recovery_timeout_seconds)"
                )
    except (BrokerUnreachableError, TopicError, KafkaError) as error:
        raise RecoveryError(f"{topic}[{partition}] cannot be read: {error}") from error
    return [state for state in map(_decoded, latest.values()) if state is not None]


def _decoded(value: bytes | None) -> SurgeState | None:
    """None for a key that was removed, and for what Tocsin did not write: it must not end every worker that comes."""
    if value is None:
        return None
    try:
        return _decoder.decode(value)
    except msgspec.DecodeError as error:
        log.warning("left out: no state of surge detection", error=str(error))
        return None

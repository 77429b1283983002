"""What people steer a running worker by: small compacted topics, each known whole and followed as it grows.

Every worker reads all of them, so there is no consumer group. A thread of its own reads, since kafka-python blocks;
what it knows is handed over as a mapping that never changes, which may be looked at from any thread.
"""

from __future__ import annotations

import threading
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError

from streams.brokers.client import QUIET_FETCH_SECONDS, consumer
from streams.brokers.errors import BrokerError, BrokerUnreachableError, TopicError
from streams.brokers.presence import Presence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.settings import KafkaSettings

T = TypeVar("T")

_POLL_MS = 200
_PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Control(Generic[T]):
    """The latest value of each key of one topic. Made by ``Controls.follow``.

    Args:
        topic: Full name of the topic.
        decode: From a record's value; raises ValueError for what is none.
        on_change: Called in the reading thread with a key and its new value, None where it is gone.
    """

    def __init__(self, topic: str, decode: Callable[[bytes], T], on_change: Callable[[str, T | None], None]) -> None:
        self.topic = topic
        self._decode = decode
        self._on_change = on_change
        self._latest: Mapping[str, T] = MappingProxyType({})

    @property
    def latest(self) -> Mapping[str, T]:
        """Value by key, as of now; later changes make another mapping."""
        return self._latest

    def applied(self, values: dict[str, T], records: Iterable[ConsumerRecord]) -> dict[str, T]:
        """Values with these records over them; what cannot be read is logged, and leaves the key as it was."""
        changed = dict(values)
        for record in records:
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            if record.key is None:
                log.warning("left out: it has no key", place=place)
                continue
            key = record.key.decode("utf-8", "replace")
            if record.value is None:
                changed.pop(key, None)
                continue
            try:
                changed[key] = self._decode(record.value)
            except ValueError as error:
                log.warning("left out: not as expected on this topic", place=place, error=str(error))
        return changed

    def replace(self, values: dict[str, T]) -> None:
        """Know these values from now on, and tell what is different."""
        before, self._latest = self._latest, MappingProxyType(values)
        for key in sorted(before.keys() | values.keys()):
            if before.get(key) != values.get(key):
                self._tell(key, values.get(key))

    def _tell(self, key: str, value: T | None) -> None:
        try:
            self._on_change(key, value)
        except Exception as error:  # the reader must go on for all others
            log.exception("a change was not taken in", topic=self.topic, error=repr(error))


class Controls:
    """Follows topics from their beginning on, over the death of brokers too. A context manager.

    Where the brokers were away everything is read again: a broker may have lost what it had, and topics are small.

    Args:
        kafka: Where the brokers are; ``request_timeout_seconds`` is how long a silent one is waited for.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._controls: dict[str, Control[Any]] = {}
        self._stop = threading.Event()
        self._caught_up = threading.Event()
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._run, name="controls", daemon=True)

    def follow(
        self,
        topic: str,
        decode: Callable[[bytes], T],
        on_change: Callable[[str, T | None], None] = lambda _key, _value: None,
    ) -> Control[T]:
        """Follow a topic too; before ``start``.

        Args:
            topic: Full name of a topic that is kept compacted.
            decode: From a record's value; raises ValueError for what is none.
            on_change: Called in the reading thread with a key and its new value, None where it is gone.
        """
        control = self._controls[topic] = Control(topic, decode, on_change)
        return control

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def is_caught_up(self) -> bool:
        """Whether every topic is known to the end that it had when it was first fetched."""
        return self._caught_up.is_set()

    def wait_until_caught_up(self, timeout: float) -> None:
        """Return once every topic is known to the end that it had when it was first fetched.

        Raises:
            BrokerUnreachableError: That takes longer than so many seconds; the message says why.
        """
        if not self._caught_up.wait(timeout):
            why = self._problem or "they are still being read"
            raise BrokerUnreachableError(f"{', '.join(self._controls)} not read within {timeout:g} s: {why}")

    def close(self) -> None:
        """Read no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(self._kafka.request_timeout_seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with consumer(self._kafka, fetch_wait_seconds=QUIET_FETCH_SECONDS) as reader:
                    self._read(reader)
            except (BrokerError, KafkaError, OSError) as error:
                self._tell_problem(str(error))
            except Exception as error:  # a thread that ends unseen would leave the worker deaf
                log.exception("controls cannot be followed: trying on", error=repr(error))
            self._stop.wait(_PAUSE_SECONDS)

    def _read(self, reader: KafkaConsumer) -> None:
        behind = assign_whole(reader, self._controls, self._kafka)
        values: dict[str, dict[str, Any]] = {topic: {} for topic in self._controls}
        presence = Presence(self._kafka)
        deadline = time.monotonic() + self._kafka.request_timeout_seconds
        while behind and not self._stop.is_set():
            batches = reader.poll(timeout_ms=_POLL_MS)
            for partition, records in batches.items():
                values[partition.topic] = self._controls[partition.topic].applied(values[partition.topic], records)
            behind -= {partition for partition in behind if is_at_end(reader, partition)}
            if batches:
                deadline = time.monotonic() + self._kafka.request_timeout_seconds
            elif time.monotonic() > deadline:
                raise BrokerUnreachableError(f"the broker told nothing of {sorted(behind)}")
        if behind:
            return
        for topic, control in self._controls.items():
            control.replace(values[topic])
        self._tell_caught_up()
        while not self._stop.is_set():
            batches = reader.poll(timeout_ms=_POLL_MS)
            for partition, records in batches.items():
                control = self._controls[partition.topic]
                control.replace(control.applied(dict(control.latest), records))
            if not batches and presence.change() is False:
                raise BrokerUnreachableError(f"no broker listens at {self._kafka.bootstrap_servers}")

    def _tell_caught_up(self) -> None:
        counts = {control.topic: len(control.latest) for control in self._controls.values()}
        log.info("controls followed" if self._problem is None else "controls followed again", entries=counts)
        self._problem = None
        self._caught_up.set()

    def _tell_problem(self, problem: str) -> None:
        if self._problem is None and not self._stop.is_set():
            log.warning("controls cannot be followed: what was known holds on", problem=problem)
        self._problem = problem

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def assign_whole(reader: KafkaConsumer, topics: Iterable[str], kafka: KafkaSettings) -> set[TopicPartition]:
    """Have a consumer read topics from their beginning.

    Raises:
        TopicError: One is missing.
    """
    partitions = set()
    for topic in topics:
        numbers = reader.partitions_for_topic(topic)
        if not numbers:
            raise TopicError(f"no topic {topic} at {kafka.bootstrap_servers}: `tocsin topics create` makes it")
        partitions |= {TopicPartition(topic, number) for number in numbers}
    reader.assign(sorted(partitions))
    reader.seek_to_beginning(*partitions)
    return partitions


def is_at_end(reader: KafkaConsumer, partition: TopicPartition) -> bool:
    """Whether a partition was read to the end that its latest fetch told; False before the first."""
    # A fetch's mark, since Tansu's ListOffsets answers too small an end. The position passes what is no record.
    mark = reader.highwater(partition)
    return mark is not None and bool(reader.position(partition) >= mark)

"""A steady feed that remembers which messages a broker has acknowledged, and goes on while brokers come and go."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from kafka.errors import KafkaError

from benchmarks.support.chaos.waiting import wait_for
from streams.brokers.client import producer
from streams.brokers.errors import BrokerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.support.chaos.ledger import Place
    from benchmarks.support.stream import Stream

_SAMPLE = Path(__file__).parents[3] / "domains" / "finance" / "sample.jsonl"
_PAUSE_SECONDS = 0.5
_LONGEST_SECONDS = 60.0


class Sent(NamedTuple):
    """A message as it is to be sent."""

    text: str
    time: datetime
    kafka_time: float | None = None
    """Timestamp of the record, in seconds since the epoch; the producer's clock where absent."""


def plain(number: int) -> Sent:
    """A message of the domain's sample, of now."""
    texts = sample()
    return Sent(f"{texts[number % len(texts)]} ({number})", datetime.now(UTC))


@cache
def sample() -> list[str]:
    """Texts of the domain's sample."""
    return [json.loads(line)["text"] for line in _SAMPLE.read_text(encoding="utf-8").splitlines()]


class Feed:
    """Sends messages to all inputs in turn, from a thread, until left. A context manager.

    Args:
        stream: Whose inputs.
        rate: Messages a second.
        make: Message of a number.
    """

    def __init__(self, stream: Stream, rate: float, make: Callable[[int], Sent] = plain) -> None:
        self._kafka = stream.settings.kafka
        self._topics = list(stream.settings.topics.inputs)
        self._pause = 1.0 / rate
        self._make = make
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._lock = threading.Lock()
        self._places: list[Place] = []
        self.failed = 0
        """Messages that no broker has acknowledged; it may have them all the same."""

    @property
    def acknowledged(self) -> list[Place]:
        """Where each message stands that a broker has acknowledged."""
        with self._lock:
            return list(self._places)

    def wait_for_more(self, count: int) -> None:
        """Wait until so many further messages are acknowledged.

        Raises:
            TrialError: That takes too long.
        """
        goal = len(self.acknowledged) + count
        wait_for(lambda: len(self.acknowledged) >= goal, _LONGEST_SECONDS, f"for {count} more messages to be taken")

    def _run(self) -> None:
        number = 0
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                with producer(self._kafka, linger_ms=0) as sender:
                    while not self._stop.wait(max(0.0, due - time.monotonic())):
                        # What was missed while a broker was away is not made up for.
                        due = max(due, time.monotonic() - 1.0) + self._pause
                        self._send(sender, number)
                        number += 1
                    sender.flush()
            except (KafkaError, BrokerUnreachableError):
                self._stop.wait(_PAUSE_SECONDS)

    def _send(self, sender: Any, number: int) -> None:  # noqa: ANN401  untyped library's producer
        sent = self._make(number)
        body = {"id": f"m-{number}", "text": sent.text, "time": sent.time.isoformat(), "source": "chaos"}
        stamp = None if sent.kafka_time is None else round(sent.kafka_time * 1000)
        topic = self._topics[number % len(self._topics)]
        future = sender.send(topic, key=f"m-{number}".encode(), value=json.dumps(body).encode(), timestamp_ms=stamp)
        future.add_callback(self._taken)
        future.add_errback(self._refused)

    def _taken(self, metadata: Any) -> None:  # noqa: ANN401  untyped library's
        with self._lock:
            self._places.append((metadata.topic, metadata.partition, metadata.offset))

    def _refused(self, _: BaseException) -> None:
        with self._lock:
            self.failed += 1

    def stop(self) -> None:
        """Send no more; returns when what is in flight is settled."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

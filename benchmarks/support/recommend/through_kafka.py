"""Behaviors through a real broker and a real worker, at a steady rate: whether it keeps up, and what it takes.

The items' vectors are put on their topic as the worker itself would have written them, so that what is measured is
readers, and not the encoder.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from kafka.errors import CoordinatorNotAvailableError

from benchmarks.support.recommend.cost import make_behaviors, make_items
from benchmarks.support.served_version import served_version
from benchmarks.support.stream import Stream, forget_own_settings
from benchmarks.support.worker_process import WorkerProcess
from models.runtime import Encoder
from streams.brokers.client import admin_client, producer
from streams.brokers.reading import read_all
from streams.contract.recommendations import ItemVector
from streams.contract.records import encode
from streams.contract.topics import item_vectors_topic, reader_events_topic, recommendations_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.support.worker_process import Sample
    from streams.brokers.broker import Broker
    from streams.contract.recommendations import Behavior

_SEED = 17
_SAMPLE_SECONDS = 1.0
_OWN_PATIENCE = 600.0
_POLL_SECONDS = 2.0


class Load(NamedTuple):
    """How much is fed."""

    readers: int
    items: int
    rate: int
    """Behaviors a second."""
    seconds: float


class Reading(Stream):
    """A stream whose worker recommends."""

    @property
    def environment(self) -> dict[str, str]:
        """As of any stream, with recommendations, and without what else would take the cores."""
        return {**super().environment, "TOCSIN_RECOMMEND__ENABLED": "true"}

    def committed(self) -> int:
        """Behaviors that were counted, answered or waiting for nothing more, and are in a checkpoint."""
        group, topic = self.settings.kafka.group_id, reader_events_topic(self.settings.topics)
        try:
            with admin_client(self.settings.kafka) as admin:
                offsets = admin.list_group_offsets(group).get(group, {})
        except CoordinatorNotAvailableError:  # a new Kafka makes its topic of offsets when a first group comes
            return 0
        return sum(max(0, place.offset) for partition, place in offsets.items() if partition.topic == topic)


def measure_through(broker: Broker, registry: Path, load: Load, say: Callable[[str], None]) -> dict[str, Any]:
    """Feed behaviors, and wait until all of them are counted.

    Args:
        broker: A running broker that nobody else uses.
        registry: Where the encoder is; a worker needs one, though it reads nothing here.
        load: How much.
        say: Told what is done.

    Raises:
        WorkerError: The worker ended, or stood still.
    """
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        forget_own_settings(Path(folder))
        with Reading(broker, registry, reading_alone=True) as stream:
            say(f"{load.items:,} items onto their topic")
            _put_items(stream, registry, load.items)
            with WorkerProcess(stream, Path(folder)) as worker:
                worker.wait_until_ready()
                _warm_up(stream, worker, load, say)
                before = worker.sample()
                say(f"{load.rate:,} behaviors a second for {load.seconds:g} s")
                fed = _feed(stream, worker, load)
                end = worker.wait_until_committed(before.committed + fed.behaviors)
                worker.stop()
            return _figures(stream, load, fed, before, end, worker.samples)


class _Fed(NamedTuple):
    behaviors: int
    began: float
    seconds: float
    committed: int
    """When the last one had been sent."""


def _put_items(stream: Reading, registry: Path, count: int) -> None:
    embedder = Encoder.load(served_version(registry).folder, threads=1, sub_batch=8).embedder_sha256
    topic = item_vectors_topic(stream.settings.topics)
    with producer(stream.settings.kafka) as sender:
        for item, vector in make_items(count, np.random.default_rng(_SEED), datetime.now(UTC)):
            told = ItemVector(item=item, embedder=embedder, vector=vector.astype("<f4").tobytes())
            sender.send(topic, key=item.id.encode(), value=encode(told))
        sender.flush()


def _warm_up(stream: Reading, worker: WorkerProcess, load: Load, say: Callable[[str], None]) -> None:
    """Behaviors wait until all items are known: one a partition shows that they are."""
    say("waiting until the worker knows all items")
    told = make_behaviors(200, load.items, 200, np.random.default_rng(_SEED + 1), datetime.now(UTC))
    before = worker.sample().committed
    _send(stream, told)
    deadline = time.monotonic() + _OWN_PATIENCE
    while worker.sample().committed < before + len(told) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _send(stream: Reading, told: Sequence[Behavior]) -> None:
    with producer(stream.settings.kafka) as sender:
        for behavior in told:
            sender.send(stream.settings.recommend.behaviors_topic, key=behavior.user.encode(), value=encode(behavior))
        sender.flush()


def _feed(stream: Reading, worker: WorkerProcess, load: Load) -> _Fed:
    """Send at the rate, whatever the worker does, and look at it each second."""
    count = round(load.rate * load.seconds)
    start = datetime.now(UTC) - timedelta(seconds=load.seconds)
    told = make_behaviors(load.readers, load.items, count, np.random.default_rng(_SEED), start, load.seconds / count)
    waiting: Iterator[Behavior] = iter(told)
    topic, sent, began = stream.settings.recommend.behaviors_topic, 0, time.monotonic()
    looked = began
    with producer(stream.settings.kafka) as sender:
        while sent < count:
            due = min(count, round(load.rate * (time.monotonic() - began))) - sent
            for behavior in islice(waiting, due):
                sender.send(topic, key=behavior.user.encode(), value=encode(behavior))
            sent += due
            if time.monotonic() - looked > _SAMPLE_SECONDS:
                looked = time.monotonic()
                worker.sample()
            time.sleep(0.01)
        sender.flush()
    seconds = time.monotonic() - began
    return _Fed(count, began, seconds, worker.sample().committed)


def _rate(samples: Sequence[Sample], fed: _Fed) -> float:
    """Behaviors counted and kept a second, over the second half of the feed; checkpoints come in steps."""
    half = [sample for sample in samples if fed.began + fed.seconds / 2 <= sample.time <= fed.began + fed.seconds]
    return (half[-1].committed - half[0].committed) / (half[-1].time - half[0].time)


def _figures(
    stream: Reading, load: Load, fed: _Fed, before: Sample, end: Sample, samples: Sequence[Sample]
) -> dict[str, Any]:
    recommendations = sum(1 for _ in read_all(stream.settings, recommendations_topic(stream.settings.topics)))
    within = [sample for sample in samples if sample.time >= fed.began]
    return {
        "readers": load.readers,
        "items": load.items,
        "behaviors": fed.behaviors,
        "sent_per_second": fed.behaviors / fed.seconds,
        "counted_per_second": _rate(within, fed),
        "lag_at_the_end": before.committed + fed.behaviors - fed.committed,
        "seconds_to_catch_up": max(0.0, end.time - fed.began - fed.seconds),
        "recommendations": recommendations,
        "rss_bytes": max(sample.rss_bytes for sample in within),
        "cpu_seconds": end.cpu_seconds - before.cpu_seconds,
    }

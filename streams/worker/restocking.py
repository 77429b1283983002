"""Keeps the topic of item vectors in order: embeds anew what another trunk embedded, and takes out what is over.

Each worker looks after the partitions that go with those of the items topic that it reads, so that no two do the same.
Which vectors are old it knows by what it served before, so that workers in the midst of a rollout do not undo each
other's work; and it waits until all others should serve the new version too.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from streams.brokers.reading import read_all
from streams.contract.decoding import JsonDecoder
from streams.contract.outgoing import Output
from streams.contract.recommendations import ItemVector
from streams.contract.topics import item_vectors_topic
from streams.logic.items import item_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from concurrent.futures import Executor

    from kafka.consumer.fetcher import ConsumerRecord

    from exporters.recommend_metrics import RecommendMetrics
    from streams.contract.settings import Settings
    from streams.logic.items import ItemEmbedder
    from streams.logic.stall import Place, Position
    from streams.worker.publisher import BatchPublisher
    from streams.worker.shelves import Shelves

_LOOK_SECONDS = 5.0
_BATCH = 16
# So many times as long as a batch took, the next one waits: the stream has the processors.
_REST = 1.0

log = structlog.get_logger(__name__)

_vector = JsonDecoder(ItemVector)


class Restocker:
    """Looks after item vectors. Made in a running event loop.

    Args:
        shelves: What is known of them.
        embedder: Embeds with what serves now.
        publisher: Sends what changes; started, and stopped after this.
        settings: Names of topics, where the brokers are, and how long a rollout takes.
        metrics: Where it is counted.
        positions: Where the worker stands in each of its partitions; empty before it has any.
        executor: Where items are embedded; one thread.
    """

    def __init__(
        self,
        shelves: Shelves,
        embedder: ItemEmbedder,
        publisher: BatchPublisher,
        settings: Settings,
        metrics: RecommendMetrics,
        *,
        positions: Callable[[], Mapping[Place, Position]],
        executor: Executor,
    ) -> None:
        self._shelves = shelves
        self._embedder = embedder
        self._publisher = publisher
        self._settings = settings
        self._metrics = metrics
        self._positions = positions
        self._executor = executor
        self._topic = item_vectors_topic(settings.topics)
        self._loop = asyncio.get_running_loop()
        self._not_before = 0.0
        self._hopeless: set[tuple[int, int]] = set()
        """Places of items that the version that serves cannot embed."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="restock")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def exchanged(self) -> None:
        """Another encoder serves; from any thread."""
        self._loop.call_soon_threadsafe(self._exchanged)

    def _exchanged(self) -> None:
        self._not_before = time.monotonic() + self._settings.swap.stagger_seconds
        self._hopeless.clear()
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:
                # The stream goes on, and so do the vectors that there are.
                log.exception("item vectors cannot be looked after: trying on", error=repr(error))
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()

    async def _look(self) -> None:
        if not self._shelves.is_loaded:
            return
        self._shelves.expire()
        self._metrics.stale.set(self._shelves.stale_items)
        stale = self._shelves.stale(await self._own_partitions())
        if stale.expired:
            await self._withdraw(stale.expired)
        if time.monotonic() < self._not_before:
            return
        for partition, offsets in sorted(stale.anew.items()):
            await self._embed_anew(partition, offsets)

    async def _own_partitions(self) -> set[int]:
        """Partitions of item vectors that go with those of the items that this worker reads."""
        topic = self._settings.recommend.items_topic
        held = {number for name, number in self._positions() if name == topic}
        count = len(await self._publisher.partitions_of(topic))
        return {number for number in await self._publisher.partitions_of(self._topic) if number % count in held}

    async def _withdraw(self, expired: list[str]) -> None:
        ids = [id_ for id_ in expired if self._shelves.is_expired(id_)]
        await self._publisher.publish([Output(self._topic, item_key(id_), None) for id_ in ids])
        self._metrics.items.labels("expired").inc(len(ids))

    async def _embed_anew(self, partition: int, offsets: Collection[int]) -> None:
        wanted = {offset for offset in offsets if (partition, offset) not in self._hopeless}
        if not wanted:
            return
        batches = _batches(read_all(self._settings, self._topic, partition=partition), wanted)
        count = 0
        while batch := await asyncio.to_thread(next, batches, None):
            started = time.monotonic()
            items = [_vector.decode(record.value).item for record in batch]
            outputs = await self._loop.run_in_executor(self._executor, self._embedder.embed_anew, items)
            made = {output.key for output in outputs}
            self._hopeless |= {(partition, record.offset) for record in batch if record.key not in made}
            # Meanwhile an item may have been changed or withdrawn, which must not be undone.
            offset_of = {record.key: record.offset for record in batch}
            latest = [out for out in outputs if self._shelves.is_latest(_id(out.key), offset_of.get(out.key, -1))]
            await self._publisher.publish(latest)
            self._metrics.items.labels("embedded_anew").inc(len(latest))
            count += len(latest)
            await asyncio.sleep(_REST * (time.monotonic() - started))
        log.info("items were embedded anew", partition=partition, items=count)


def _batches(records: Iterator[ConsumerRecord], wanted: Collection[int]) -> Iterator[list[ConsumerRecord]]:
    """Those of some offsets, a few at a time."""
    batch: list[ConsumerRecord] = []
    for record in records:
        if record.offset in wanted and record.value is not None:
            batch.append(record)
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _id(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")

"""Recommendations in one worker: items, readers, the ranker, and the agents that bring them together."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import structlog

from exporters.recommend_metrics import RecommendMetrics
from models.items.index import ItemIndex
from models.items.ranker import NAME, load_ranker
from models.manifest import VersionError
from models.registry import Registry
from streams.agents.items import add_items
from streams.agents.readers import add_readers
from streams.agents.recommend import add_recommend
from streams.contract.topics import interests_topic, item_vectors_topic, reader_events_topic
from streams.logic.items import ItemEmbedder
from streams.logic.reader_events import Rekeyer
from streams.logic.recommend.ranking import Scorer, WeightsError
from streams.worker.loading import step_back
from streams.worker.readers import Readers
from streams.worker.readership import DEFAULT, Readership
from streams.worker.restocking import Restocker
from streams.worker.shelves import Shelves
from streams.worker.tailing import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from exporters.metrics import WorkerMetrics
    from models.items.ranker import Ranker
    from models.runtime import Encoder
    from streams.contract.settings import Settings
    from streams.logic.stall import Place, Position
    from streams.worker.application import Application
    from streams.worker.line import Line
    from streams.worker.pipeline import Pipeline
    from streams.worker.publisher import BatchPublisher
    from streams.worker.recovery import Recovery
    from streams.worker.serving import Serving

_RANKER_ALIAS = "champion"
_RANKER_SECONDS = 30.0

log = structlog.get_logger(__name__)


class Recommending:
    """Everything of recommendations that runs beside the stream. Adds its agents to the application when it is made.

    Three threads work: one follows the items and one embeds them, both stepping back behind those that read, and one
    recommends. Made in a running event loop, and only where the settings want recommendations.

    Args:
        app: The application, not yet started.
        serving: Whose encoder embeds.
        publisher: Where all goes; started before this is, and stopped after.
        settings: All of them.
        metrics: The worker's.
        recovery: Reads back what the last owner of a partition left.
        on_fatal: Told what the worker cannot go on with.
    """

    def __init__(
        self,
        app: Application,
        serving: Serving,
        publisher: BatchPublisher,
        settings: Settings,
        metrics: WorkerMetrics,
        recovery: Recovery,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        topics, recommend = settings.topics, settings.recommend
        counted = self._counted = RecommendMetrics(metrics.registry)
        self._model, self._registry = settings.model, Registry.of(settings.model)
        self._events = reader_events_topic(topics)
        self._positions, self._partitions = app.positions, topics.partitions
        self._share = 1.0
        self._serving = serving
        self._models: dict[str, str] = {}
        self._ranker: Ranker | None = None
        self._ranker_epoch = 0
        lower = step_back if settings.model.threads == 1 else _stay
        self._embedding = ThreadPoolExecutor(1, thread_name_prefix="items", initializer=lower)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recommend")
        self._shelves = Shelves(
            lambda width: ItemIndex(width, recommend.max_items, recommend.item_ttl_hours),
            _embedder_of(serving.current),
            ttl_hours=recommend.item_ttl_hours,
        )
        self._tail = Tail(settings.kafka, item_vectors_topic(topics), self._shelves, on_start=lower)
        self._readers = Readers(settings, lambda partition: recovery.replayed(interests_topic(topics), partition))
        self._readership = Readership(
            settings,
            self._shelves,
            self._readers,
            lambda: self._ranker,
            lambda embedder: self._models.get(embedder, ""),
            share=lambda: self._share,
        )
        self._readers.on_restored = self._readership.take_over
        embedder = ItemEmbedder(lambda: serving.current, settings)
        self._restocker = Restocker(
            self._shelves,
            embedder,
            publisher,
            settings,
            counted,
            positions=app.positions,
            executor=self._embedding,
        )
        app.on_assigned = self._take_on
        self._task: asyncio.Task[None] | None = None
        self.lines: list[Line[Any, Any] | Pipeline[Any, Any]] = [
            add_items(app, embedder, publisher, settings, counted, metrics, on_fatal, executor=self._embedding),
            add_readers(app, Rekeyer(settings), publisher, settings, metrics, on_fatal),
            add_recommend(
                app,
                self._readership,
                publisher,
                settings,
                counted,
                on_fatal,
                executor=self._thread,
                is_ready=lambda: self._shelves.is_loaded,
            ),
        ]
        counted.show(
            live=lambda: len(self._shelves),
            readers=lambda: len(self._readers),
            index_bytes=lambda: self._shelves.memory_bytes,
        )
        counted.serves(DEFAULT)

    def start(self) -> Self:
        """Begin; needs a running event loop."""
        self._serving.listen(self._exchanged)
        self._tail.start()
        self._task = asyncio.create_task(self._follow_ranker(), name="ranker")
        self._restocker.start()
        for line in self.lines:
            line.start()
        return self

    def forget(self, places: Collection[Place]) -> None:
        """These partitions are given up, and nothing of them is in hand."""
        self._readership.forget(places)

    def moving(self, positions: Mapping[Place, Position]) -> Mapping[Place, Position]:
        """Positions without those of readers' events while they wait until all items are known."""
        if self._shelves.is_loaded:
            return positions
        return {place: position for place, position in positions.items() if place[0] != self._events}

    async def stop(self) -> None:
        """End all but the lines, which the worker closes with its pipelines."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._restocker.stop()
        await asyncio.to_thread(self._tail.close)
        for thread in (self._embedding, self._thread):
            thread.shutdown(wait=False, cancel_futures=True)
        self._readers.close()

    def _take_on(self, places: Collection[Place]) -> None:
        """These partitions are this worker's, and no others."""
        self._readership.expect(self._of_readers(places))

    def _of_readers(self, places: Iterable[Place]) -> set[int]:
        """Partitions of readers' events that readers are in; those that were added stay empty, and have no state."""
        return {partition for topic, partition in places if topic == self._events and partition < self._partitions}

    def _exchanged(self, encoder: Encoder) -> None:
        embedder = _embedder_of(encoder)
        self._models[embedder] = encoder.model
        self._shelves.exchange(embedder)
        self._restocker.exchanged()

    async def _follow_ranker(self) -> None:
        """Take up each version of the ranker that becomes the champion; and see how many of the readers are here."""
        while True:
            # None before the worker has joined its group.
            self._share = len(self._of_readers(self._positions())) / self._partitions or 1.0
            try:
                await asyncio.to_thread(self._look_for_ranker)
            except (VersionError, OSError) as error:
                log.warning("the ranker cannot be loaded: the one before serves on", error=str(error))
            except Exception as error:
                log.exception("the ranker cannot be followed: trying on", error=repr(error))
            await asyncio.sleep(_RANKER_SECONDS)

    def _look_for_ranker(self) -> None:
        if not self._registry.versions(NAME):
            return
        state = self._registry.state(NAME)
        if state.epoch == self._ranker_epoch or state.aliases.champion is None:
            return
        ranker = load_known_ranker(self._registry, self._model.cache)
        self._ranker, self._ranker_epoch = ranker, state.epoch
        self._counted.serves(DEFAULT if ranker is None else ranker.version)
        log.info("the ranker serves", ranker=None if ranker is None else ranker.version)


def load_known_ranker(registry: Registry, cache: Path) -> Ranker | None:
    """The ranker's champion, which ranks by nothing that this version of Tocsin does not know; None before the first.

    Looked at before it is told that it serves: what is refused later would be told by the metric all the same.

    Args:
        registry: The registry.
        cache: Where versions from elsewhere are kept.

    Raises:
        VersionError: It is missing, corrupt, or no such ranker; or it weighs a feature that is not known.
        OSError: A file cannot be read for now.
    """
    ranker = load_ranker(registry, _RANKER_ALIAS, cache)
    if ranker is not None:
        try:
            Scorer(ranker.weights)
        except WeightsError as error:
            raise VersionError(f"{ranker.version}: {error}") from error
    return ranker


def _embedder_of(encoder: Encoder) -> str:
    """SHA-256 of the graph that embeds; empty for a version that has none."""
    try:
        return encoder.embedder_sha256
    except KeyError:
        log.warning("the version has no embedder: new items cannot be recommended", model=encoder.model)
        return ""


def _stay() -> None:
    """Take the processors like all others."""

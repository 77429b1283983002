"""Replies and briefs in one worker: the two agents, the documents, the generator, and the thread that they share."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import structlog

from exporters.reply_metrics import ReplyMetrics
from models.manifest import VersionError
from models.registry import Registry
from streams.agents.briefs import add_briefs
from streams.agents.replies import add_replies
from streams.contract.decoding import JsonDecoder
from streams.contract.replies import ConversationState
from streams.contract.topics import briefs_topic, conversations_topic
from streams.worker.answering import Answering
from streams.worker.briefing import Briefing, decoded
from streams.worker.conversations import Conversations
from streams.worker.drafting import Drafting
from streams.worker.library import Library
from streams.worker.registrar import Registrar
from streams.worker.writing import load_generator, open_index, try_in_process

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prometheus_client import CollectorRegistry

    from streams.contract.domain import Domain
    from streams.contract.settings import Settings
    from streams.logic.stall import Place
    from streams.worker.application import Application
    from streams.worker.line import Line
    from streams.worker.publisher import BatchPublisher
    from streams.worker.recovery import Recovery
    from streams.worker.serving import Serving

log = structlog.get_logger(__name__)

_state = JsonDecoder(ConversationState)


class Replying:
    """Everything of replies and briefs that runs beside the stream. Adds its agents to the application when it is made.

    One thread works for both: what it does takes a core as it is, and readings come first. Where the settings want
    neither, there is nothing.

    Args:
        app: The application, not yet started.
        serving: Whose encoder embeds.
        publisher: Where all goes; started before this is, and stopped after.
        settings: All of them.
        domain: Its rules for replies.
        metrics: The worker's registry of metrics.
        recovery: Reads back what the last owner of a partition left.
        on_fatal: Told what the worker cannot go on with.
    """

    def __init__(
        self,
        app: Application,
        serving: Serving,
        publisher: BatchPublisher,
        settings: Settings,
        domain: Domain,
        metrics: CollectorRegistry,
        recovery: Recovery,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self.lines: list[Line[Any, Any]] = []
        self._app = app
        self._publisher = publisher
        self._settings = settings
        self._domain = domain
        self._on_fatal = on_fatal
        self._recovery = recovery
        self._metrics = ReplyMetrics(metrics)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replies")
        registry = Registry.of(settings.model)
        writes = settings.model.model_copy(update={"name": settings.generator.name})
        self._registrar = Registrar(settings.model_copy(update={"model": writes}), registry, publisher)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drafting = Drafting(
            settings,
            registry,
            load_generator,
            self._metrics,
            try_in_process,
            self._give_up,
        )
        self._library: Library | None = None
        self._states: list[Conversations | Briefing] = []
        if settings.replies.enabled:
            self._library = Library(settings, serving, open_index, self._metrics.documents.set)
            self._add_replies(self._library)
        if settings.briefs.enabled:
            self._add_briefs()

    def start(self) -> Self:
        """Begin; needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        if self.lines:
            self._drafting.start()
        if self._library is not None:
            self._library.start()
        for line in self.lines:
            line.start()
        return self

    def forget(self, places: Collection[Place]) -> None:
        """These partitions are given up, and nothing of them is in hand."""
        for state in self._states:
            state.forget(places)

    async def stop(self) -> None:
        """End all but the lines, which the worker closes with its pipelines."""
        if self.lines:
            await self._drafting.stop()
        if self._library is not None:
            await asyncio.to_thread(self._library.stop)
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self._registrar.stop()

    def _give_up(self, version: int, previous: int, reason: str) -> None:
        """Have a version of the generator taken back for everybody; from the thread that answers."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._taken_back(version, previous, reason), self._loop)

    async def _taken_back(self, version: int, previous: int, reason: str) -> None:
        try:
            since = await self._state_now()
            if since is not None:
                self._registrar.tell("swap_failed", version, since, previous=previous, reasons=[reason])
            await self._registrar.roll_back(version, reason, {}, since=since)
        except Exception as error:
            # This worker has gone back; the others find out by themselves.
            log.exception("it cannot be told that a version of the generator is given up", error=repr(error))

    async def _state_now(self) -> int | None:
        try:
            return (await self._registrar.state()).epoch
        except (VersionError, OSError) as error:
            log.warning("the registry is away: a version is taken back once it is there", error=str(error))
            return None

    def _add_replies(self, library: Library) -> None:
        settings, drafting = self._settings, self._drafting
        topic = conversations_topic(settings.topics)
        conversations = Conversations(
            settings, lambda partition: self._recovery.read_latest(topic, partition, _state.decode)
        )
        self._states.append(conversations)
        self.lines.append(
            add_replies(
                self._app,
                Answering(settings, self._domain, conversations, library, drafting),
                self._publisher,
                settings,
                self._metrics,
                self._on_fatal,
                executor=self._thread,
                is_ready=lambda: library.is_ready and drafting.is_ready,
            )
        )

    def _add_briefs(self) -> None:
        settings, drafting = self._settings, self._drafting
        topic = briefs_topic(settings.topics)
        briefing = Briefing(
            settings,
            self._domain,
            drafting,
            lambda partition: decoded(record.value for record in self._recovery.replayed(topic, partition)),
        )
        self._states.append(briefing)
        self.lines.append(
            add_briefs(
                self._app,
                briefing,
                self._publisher,
                settings,
                self._metrics,
                self._on_fatal,
                executor=self._thread,
                is_ready=lambda: drafting.is_ready,
            )
        )

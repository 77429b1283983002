"""One worker process, from start to a clean stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from exporters.http import ProbeServer
from exporters.metrics import WorkerMetrics
from exporters.onlooker_metrics import OnlookerMetrics
from streams.agents.enrich import add_enrich
from streams.brokers.admin import topic_ids
from streams.contract.settings import SettingsError
from streams.contract.topics import (
    alerts_topic,
    all_topics,
    kept_in_place,
    reader_events_topic,
    recommendation_requests_topic,
    signals_topic,
    turns_topic,
)
from streams.logic.enricher import Enricher
from streams.logic.inputs import InputClocks
from streams.worker.application import build_application
from streams.worker.health import Health
from streams.worker.memory import what_stays_spared
from streams.worker.onlooker import Onlooker
from streams.worker.publisher import BatchPublisher
from streams.worker.recommending import Recommending
from streams.worker.recovery import Recovery
from streams.worker.replying import Replying
from streams.worker.surging import Surging
from streams.worker.swapping import Swapping
from streams.worker.topic_watch import TopicWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence

    from models.runtime import Encoder
    from streams.contract.domain import Domain
    from streams.contract.settings import Settings
    from streams.logic.stall import Place
    from streams.worker.application import Application
    from streams.worker.line import Line
    from streams.worker.pipeline import Pipeline
    from streams.worker.serving import Serving

    Carrier = Pipeline[Any, Any] | Line[Any, Any]

EXIT_OK = 0
EXIT_FAILED = 1
# After the time to shut down is over: to close what is open and end. The watchdog then ends the process.
_LAST_SECONDS = 2.0

log = structlog.get_logger(__name__)


def run_worker(
    settings: Settings,
    serving: Serving,
    domain: Domain,
    on_url: Callable[[str], None] = lambda _: None,
    *,
    epoch: int = 0,
) -> int:
    """Run until SIGTERM or SIGINT, or until the worker cannot go on.

    Args:
        settings: All of them.
        serving: Holds the model that answers first, loaded and warmed up; nobody else should, or it is never freed.
        domain: What is known of its entities.
        on_url: Told the base address of metrics and probes.
        epoch: Number of the state of the registry's aliases by which the model was chosen; what comes after it is
            followed.

    Returns:
        Exit code: 0 after a clean stop, 1 where the worker could not go on. A worker that has lag and does not move, or
        that does not stop when it should, ends the process itself, with 75.

    Raises:
        SettingsError: Its folder cannot be made.
    """
    import uvloop  # noqa: PLC0415  absent on Windows, where nothing else here would run either

    exit_code: int = uvloop.run(_run(settings, serving, domain, on_url, epoch))
    return exit_code


async def _run(settings: Settings, serving: Serving, domain: Domain, on_url: Callable[[str], None], epoch: int) -> int:
    end = _End()
    on_fatal = end.fail
    end.on_signals()
    _make_folder(settings)
    metrics = WorkerMetrics()
    app = build_application(settings)
    publisher = BatchPublisher(settings.kafka, kept_in_place(settings), on_retry=metrics.retries.labels("publish").inc)
    clocks = InputClocks(settings)
    recovery = Recovery(settings)
    swapping = Swapping(settings, serving, epoch, publisher, metrics.registry)
    onlooker = Onlooker(
        serving,
        publisher,
        settings,
        OnlookerMetrics(metrics.registry),
        multi_label=domain.topic_mode == "multi",
        positions=app.positions,
    )
    enricher = Enricher(serving, settings, domain, on_reading=(swapping.see, onlooker.see))
    enrich = add_enrich(app, enricher, clocks, publisher, settings, metrics, on_fatal, on_batch=swapping.observe)
    replying = Replying(app, serving, publisher, settings, domain, metrics.registry, recovery, on_fatal)
    recommending = (
        Recommending(app, serving, publisher, settings, metrics, recovery, on_fatal)
        if settings.recommend.enabled
        else None
    )
    pipelines: list[Carrier] = [enrich, *replying.lines, *(recommending.lines if recommending is not None else ())]
    health = Health(
        lambda: app.positions() if recommending is None else recommending.moving(app.positions()),
        metrics,
        settings.worker.stall_timeout_seconds,
        agent_of=_agents(settings),
        is_member=app.is_member,
        restored_at=lambda: recovery.moved_at,
    )
    serving.listen(lambda answering: _show(answering, metrics, health))

    with ProbeServer(
        settings.metrics.host, settings.metrics.port, metrics.registry, health=health.health, ready=health.ready
    ) as probes:
        on_url(probes.url)
        await publisher.start()
        surging = None
        if settings.surge.enabled:
            surging = await Surging.prepare(app, publisher, clocks, settings, metrics, recovery, on_fatal)
            pipelines.append(surging.pipeline)
            await surging.start()
        app.hold_intake = lambda: _all_held(pipelines)
        app.on_revoked = lambda places: _forget(places, clocks, surging, replying, recommending)
        _begin(enrich, replying, recommending, health, swapping, onlooker)
        topics = _watch_topics(settings, on_fatal)
        faust = asyncio.create_task(_run_until_crash(app, on_fatal), name="faust")
        log.info(
            "worker started",
            group=settings.kafka.group_id,
            model=serving.current.model,
            metrics=f"{probes.url}/metrics",
        )
        with what_stays_spared():
            await end.asked.wait()
        within = settings.worker.shutdown_timeout_seconds
        health.stopping(within=within + _LAST_SECONDS)

        async def shut_down() -> None:
            await _finish(pipelines, app, abort=bool(end.failures))
            for beside in (topics, surging, replying, recommending, onlooker, swapping):
                if beside is not None:
                    await beside.stop()
            await app.stop()
            await faust
            await publisher.stop()

        end.failures += await _in_time(shut_down(), within)
        if not end.failures:
            health.stop()
    for failure in end.failures:
        log.error("worker failed", error=repr(failure), exc_info=failure)
    return EXIT_FAILED if end.failures else EXIT_OK


def _make_folder(settings: Settings) -> None:
    folder = settings.worker.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"worker.data_dir: {folder} cannot be made: {error.strerror}") from error


class _End:
    """Whether the worker is to end, and what it cannot go on with. Made in a running event loop."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.failures: list[BaseException] = []

    def fail(self, error: BaseException) -> None:
        self.failures.append(error)
        self.asked.set()

    def on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self.asked.set)


async def _in_time(shut_down: Coroutine[Any, Any, None], within: float) -> list[BaseException]:
    """Shut down within so many seconds; the failure to do so, where it takes longer."""
    try:
        async with asyncio.timeout(within):
            await shut_down
    except TimeoutError as error:
        log.error(  # noqa: TRY400  the time-out is the whole story
            "not stopped in time: what is in hand is read again by the next worker",
            setting="worker.shutdown_timeout_seconds",
            seconds=within,
        )
        return [error]
    return []


def _agents(settings: Settings) -> Callable[[Place], str]:
    """Name of the agent that reads a partition."""
    topics = settings.topics
    agents = dict.fromkeys(topics.inputs, "enrich")
    agents |= {signals_topic(topics): "surge", turns_topic(topics): "replies", alerts_topic(topics): "briefs"}
    agents |= dict.fromkeys((settings.recommend.behaviors_topic, recommendation_requests_topic(topics)), "readers")
    agents |= {settings.recommend.items_topic: "items", reader_events_topic(topics): "recommend"}
    return lambda place: agents.get(place[0], "")


def _show(answering: Encoder, metrics: WorkerMetrics, health: Health) -> None:
    metrics.show_model(answering.manifest.name, answering.manifest.version, answering.manifest.precision)
    health.model_loaded(answering.model)


async def _finish(pipelines: Sequence[Carrier], app: Application, *, abort: bool) -> None:
    """Finish and commit what is in hand; or leave it, where the worker cannot go on, to whoever comes after."""
    if abort:
        await asyncio.gather(*(pipeline.abort() for pipeline in pipelines))
        return
    log.info("stopping: finishing what is in hand", messages=sum(pipeline.in_flight for pipeline in pipelines))
    # At once: they share threads, and one that is not yet closed would begin anew what the others wait for.
    await asyncio.gather(*(pipeline.close() for pipeline in pipelines))
    await app.commit_acknowledged()


@asynccontextmanager
async def _all_held(pipelines: Sequence[Carrier]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(pipeline.held()) for pipeline in pipelines))
        yield


def _watch_topics(settings: Settings, on_gone: Callable[[BaseException], None]) -> TopicWatch:
    names = [spec.name for spec in all_topics(settings)]
    return TopicWatch(names, lambda: topic_ids(settings), settings.kafka.bootstrap_servers, on_gone).start()


def _begin(*besides: Pipeline[Any, Any] | Replying | Recommending | Health | Swapping | Onlooker | None) -> None:
    for beside in besides:
        if beside is not None:
            beside.start()


def _forget(places: Collection[Place], clocks: InputClocks, *besides: Surging | Replying | Recommending | None) -> None:
    clocks.forget(places)
    for beside in besides:
        if beside is not None:
            beside.forget(places)


async def _run_until_crash(app: Application, on_fatal: Callable[[BaseException], None]) -> None:
    """Start Faust and wait until it is stopped; what crashes it, or keeps it from starting, is fatal."""
    try:
        await app.start()
        await app.wait_until_stopped()
    except Exception as error:  # noqa: BLE001  told to the caller, who ends the process
        on_fatal(error)
    else:
        if app.crash_reason is not None:
            on_fatal(app.crash_reason)

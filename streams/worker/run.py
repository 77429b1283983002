"""One worker process, from start to a clean stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import structlog

from exporters.http import ProbeServer
from exporters.metrics import WorkerMetrics
from streams.agents.enrich import add_enrich
from streams.logic.enricher import Enricher
from streams.worker.application import build_application
from streams.worker.health import Health
from streams.worker.publisher import BatchPublisher

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.runtime import Encoder
    from streams.contract.settings import Settings
    from streams.worker.application import Application

EXIT_OK = 0
EXIT_FAILED = 1
# After the time to shut down is over: to close what is open and end. The watchdog then ends the process.
_LAST_SECONDS = 2.0

log = structlog.get_logger(__name__)


def run_worker(settings: Settings, encoder: Encoder, on_url: Callable[[str], None] = lambda _: None) -> int:
    """Run until SIGTERM or SIGINT, or until the worker cannot go on.

    Args:
        settings: All of them.
        encoder: The model that answers, loaded and warmed up.
        on_url: Told the base address of metrics and probes.

    Returns:
        Exit code: 0 after a clean stop, 1 where the worker could not go on. A worker that has lag and does not move, or
        that does not stop when it should, ends the process itself, with 75.
    """
    import uvloop  # noqa: PLC0415  absent on Windows, where nothing else here would run either

    exit_code: int = uvloop.run(_run(settings, encoder, on_url))
    return exit_code


async def _run(settings: Settings, encoder: Encoder, on_url: Callable[[str], None]) -> int:
    stop = asyncio.Event()
    failures: list[BaseException] = []

    def on_fatal(error: BaseException) -> None:
        failures.append(error)
        stop.set()

    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)

    settings.worker.data_dir.mkdir(parents=True, exist_ok=True)
    metrics = WorkerMetrics()
    metrics.show_model(settings.model.name, encoder.manifest.version, encoder.manifest.precision)
    app = build_application(settings)
    publisher = BatchPublisher(settings.kafka, on_retry=metrics.retries.labels("publish").inc)
    pipeline = add_enrich(app, Enricher(encoder, settings), publisher, settings, metrics, on_fatal)
    app.hold_intake = pipeline.held
    health = Health(app.positions, metrics, settings.worker.stall_timeout_seconds)
    health.model_loaded(encoder.model)

    with ProbeServer(
        settings.metrics.host, settings.metrics.port, metrics.registry, health=health.health, ready=health.ready
    ) as probes:
        on_url(probes.url)
        await publisher.start()
        pipeline.start()
        health.start()
        faust = asyncio.create_task(_run_until_crash(app, on_fatal), name="faust")
        log.info("worker started", group=settings.kafka.group_id, model=encoder.model, metrics=f"{probes.url}/metrics")
        await stop.wait()
        health.stopping(within=settings.worker.shutdown_timeout_seconds + _LAST_SECONDS)
        try:
            async with asyncio.timeout(settings.worker.shutdown_timeout_seconds):
                if failures:
                    await pipeline.abort()
                else:
                    log.info("stopping: finishing what is in hand", messages=pipeline.in_flight)
                    await pipeline.close()
                    await app.commit_acknowledged()
                await app.stop()
                await faust
                await publisher.stop()
        except TimeoutError as error:
            failures.append(error)
            log.error(  # noqa: TRY400  the time-out is the whole story
                "not stopped in time: what is in hand is read again by the next worker",
                setting="worker.shutdown_timeout_seconds",
                seconds=settings.worker.shutdown_timeout_seconds,
            )
        if not failures:
            health.stop()
    for failure in failures:
        log.error("worker failed", error=repr(failure), exc_info=failure)
    return EXIT_FAILED if failures else EXIT_OK


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

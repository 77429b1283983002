"""``tocsin worker``: read the input topics and publish what the model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from streams.brokers.placing import require_places
from streams.brokers.ready import wait_until_ready
from streams.cli import common
from streams.cli.reach import require_topics
from streams.contract.domain import load_domain
from streams.contract.logs import configure_logging
from streams.contract.settings import Settings
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from streams.worker.serving import Serving

_BROKER_TIMEOUT_SECONDS = 60.0

log = structlog.get_logger(__name__)


def worker(
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /healthz and /readyz; 0 takes a free one.", show_default=False)
    ] = None,
    version: Annotated[str | None, typer.Option(help="Alias or version to serve; over the settings.")] = None,
    group_id: Annotated[str | None, typer.Option(help="Consumer group; over the settings.")] = None,
) -> None:
    """Read messages with the model until stopped (SIGTERM or Ctrl-C finishes what is in hand).

    Workers of one group share the partitions: start as many as there are partitions.

    Example: `tocsin --bootstrap-servers kafka:9092 worker --metrics-port 9464`
    """
    common.flags.set("metrics", port=metrics_port)
    common.flags.set("model", alias=version)
    common.flags.set("kafka", group_id=group_id)
    settings = common.settings()
    configure_logging(settings.log)
    domain = load_domain(settings.domain)

    # A worker may start before its broker, as under docker compose.
    wait_until_ready(settings.kafka, timeout=_BROKER_TIMEOUT_SECONDS)
    require_topics(settings.kafka, [topic.name for topic in all_topics(settings)])
    for topic in require_places(settings):
        log.warning("further partitions stay empty: keys stay where their state is", topic=topic)

    # Late, so that the command line stays quick for all other commands.
    from streams.worker.memory import return_what_is_freed  # noqa: PLC0415
    from streams.worker.run import run_worker  # noqa: PLC0415

    return_what_is_freed()
    serving, epoch = _first_version(settings)
    raise typer.Exit(
        run_worker(
            settings, serving, domain, on_url=lambda url: common.err.print(f"metrics: {url}/metrics"), epoch=epoch
        )
    )


def _first_version(settings: Settings) -> tuple[Serving, int]:
    """What answers first, and the number of the latest state of aliases that is dealt with by that."""
    from models.registry import Registry  # noqa: PLC0415  as above
    from models.runtime import Encoder  # noqa: PLC0415
    from streams.cli.registry_faults import registry_faults  # noqa: PLC0415
    from streams.worker.serving import Serving  # noqa: PLC0415

    model = settings.model
    with registry_faults(advice=". Make a first model: `tocsin models bootstrap`"):
        registry = Registry.of(model)
        # First: what changes while it loads is told by a pointer of a later epoch.
        state = registry.state(model.name)
        version, encoder = registry.resolve_and_load(
            model.name,
            model.alias,
            model.cache,
            lambda folder: Encoder.load(folder, threads=model.threads, sub_batch=model.sub_batch),
        )
    encoder.warm_up(embedder=settings.enrich.publish_embedding)
    is_refused = model.alias == "champion" and version != state.aliases.champion
    # Not dealt with, so that the worker tries that champion again, tells of it, and has it taken back.
    return Serving(encoder), max(0, state.epoch - 1) if is_refused else state.epoch

"""``tocsin desk``: the desk's web page."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from models.registry import Registry
from retrain import promotion
from retrain.decisions import decision_of
from retrain.label_requests import in_turn
from retrain.label_topic import read_labels
from streams.cli import common, desk
from streams.cli.promotion import tried
from streams.cli.stopping import Stop
from streams.contract.logs import configure_logging
from streams.contract.model_records import ModelPointer
from streams.contract.settings import Settings
from streams.desk.ports import Retraining

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from msgspec import Struct

    from streams.desk.server import DeskServer

_EXTRA = "the page needs `pip install 'tocsin[desk]'`"


def desk_page(
    port: Annotated[
        int | None, typer.Option(help="Port of the page; 0 takes a free one; over the settings.", show_default=False)
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; other hosts need desk.token; over the settings.", show_default=False),
    ] = None,
    by: desk.By = None,
) -> None:
    """Serve the desk's page until stopped: what rings, drafts to review, labels to give, models.

    The address that it prints holds a token, another one after each start; one that is set (desk.token) is not
    printed. With desk.tokens each person opens the page with a token of their own, and their name stands with what
    they do.

    Example: `tocsin --bootstrap-servers kafka:9092 desk --port 9470`
    """
    common.flags.set("desk", port=port, host=host)
    settings = common.settings()
    configure_logging(settings.log)
    try:
        server = serve_desk(settings, desk.speaker(by))
    except OSError as error:
        raise common.CommandError(str(error.strerror)) from error
    with server, Stop().on_signals() as stop:
        # A token that was set is known to whoever set it; what is printed stands in a container's log.
        address = server.address if settings.desk.token is None else f"{server.url}#token=..."
        common.say(f"desk: {address}", common.err)
        stop.wait_for(Event().wait)


def serve_desk(settings: Settings, speaker: str) -> DeskServer:
    """The page's server, to be entered as a context manager; its ``address`` opens the page.

    Args:
        settings: Brokers, topics, domain, ``desk.host``, ``desk.port`` (0 for a free one), ``desk.token``.
        speaker: Name that the page proposes to who has given none.

    Raises:
        CommandError: The extra ``desk`` is not installed.
        SettingsError: It is to listen to other hosts without a token.
        OSError: The port is taken; the message names the setting.
    """
    try:
        # Late: it is an extra, and other commands need not wait for it.
        from streams.desk.server import DeskServer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise common.CommandError(f"{error.name} is not installed: {_EXTRA}") from error
    return DeskServer(settings, _retraining(settings), speaker)


def _retraining(settings: Settings) -> Retraining:
    def promote(version: int, by: str, reason: str, champion: int | None) -> ModelPointer:
        registry = Registry.of(settings.model)
        tried(settings, registry, str(version))
        return promotion.promote(settings, registry, version, by, reason, expected=champion)

    def roll_back(by: str, reason: str, champion: int | None) -> ModelPointer:
        registry = Registry.of(settings.model)
        tried(settings, registry, "previous")
        return promotion.rollback(settings, registry, by, reason, expected=champion)

    return Retraining(
        in_turn=in_turn,
        agreements=_agreements(settings),
        decision=decision_of,
        promote=promote,
        roll_back=roll_back,
    )


def _agreements(settings: Settings) -> Callable[[], Sequence[Struct]] | None:
    try:
        # Late: it is in the retrain extra.
        from retrain.agreement import agreements  # noqa: PLC0415
    except ImportError:
        return None
    return partial(_measured, settings, agreements)


def _measured(settings: Settings, measure: Callable[..., Sequence[Struct]]) -> Sequence[Struct]:
    return measure(read_labels(settings).labels)

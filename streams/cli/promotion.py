"""``tocsin models promote|rollback|pin|unpin|announce``: which version serves, decided by a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from models.registry import Registry
from retrain import promotion
from streams.cli import common, desk
from streams.cli.registry_faults import registry_faults
from streams.contract.model_records import ModelPointer
from streams.contract.settings import Settings

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the registry and told to everybody.")]


def promote(
    version: Annotated[str, typer.Argument(metavar="VERSION|ALIAS", help="A number, challenger or previous.")],
    reason: Reason = "",
    by: desk.By = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Let a version serve, once it has shown here that it is whole and answers as it should.

    Every worker changes to it while the stream runs. They watch it for a while (swap.watch_seconds), and take it back
    by themselves where it fails or is too slow.

    Example: `tocsin models promote 7 --reason "better on refunds"`
    """
    settings = common.settings()

    def move(registry: Registry) -> ModelPointer:
        number = _tried(settings, registry, version)
        return promotion.promote(settings, registry, number, desk.speaker(by), reason)

    _print(settings, _moved(settings, move), as_json=as_json)


def rollback(
    champion: Annotated[
        int | None,
        typer.Option("--from", help="The version that is to go: nothing is changed where another serves by now."),
    ] = None,
    reason: Reason = "",
    by: desk.By = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Let the version before serve again; every worker changes back to it, at once where it is still loaded.

    Workers take a version that fails back by themselves: with `--from` yours is not taken back twice.

    Example: `tocsin models rollback --from 7 --reason "calls complaints praise"`
    """
    settings = common.settings()

    def move(registry: Registry) -> ModelPointer:
        name = settings.model.name
        expected = registry.aliases(name).get("champion") if champion is None else champion
        _tried(settings, registry, "previous")
        return promotion.rollback(settings, registry, desk.speaker(by), reason, expected=expected)

    _print(settings, _moved(settings, move), as_json=as_json)


def pin(
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION|ALIAS", help="What is to serve; the champion where absent.")
    ] = None,
    reason: Reason = "",
    by: desk.By = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Let a version serve and no other, whatever retraining finds, until it is unpinned.

    Workers do not take a pinned version back for being slow or failing at some messages: they tell, and go on.

    Example: `tocsin models pin --reason "audit until Friday"`
    """
    settings = common.settings()

    def move(registry: Registry) -> ModelPointer:
        number = None if version is None else _tried(settings, registry, version)
        return promotion.pin(settings, registry, number, desk.speaker(by), reason)

    _print(settings, _moved(settings, move), as_json=as_json, how="is pinned")


def unpin(reason: Reason = "", by: desk.By = None, *, as_json: desk.AsJson = False) -> None:
    """Let others take the champion's place again.

    Example: `tocsin models unpin`
    """
    settings = common.settings()
    pointer = _moved(settings, lambda registry: promotion.unpin(settings, registry, desk.speaker(by), reason))
    _print(settings, pointer, as_json=as_json, how="is the champion, and no longer pinned")


def announce(*, as_json: desk.AsJsonLines = False) -> None:
    """Tell the workers again what the registry says, where they were not told; it changes nothing else.

    Example: `tocsin models announce`
    """
    settings = common.settings()
    with registry_faults():
        pointers = promotion.announce(settings, Registry.of(settings.model))
    if not pointers:
        raise common.CommandError(f"no version of {settings.model.name} serves", common.NOT_FOUND)
    if as_json:
        common.print_json_lines(pointers)
        return
    for pointer in pointers:
        common.say(f"{pointer.alias}: {pointer.model}:{pointer.version} (epoch {pointer.epoch})")


def add_to(app: typer.Typer) -> None:
    """Put the commands under ``tocsin models``."""
    for command in (promote, rollback, pin, unpin, announce):
        app.command()(command)


def tried(settings: Settings, registry: Registry, version: str) -> int:
    """Number of a version that is whole, and answers here as it did at export.

    Raises:
        VersionError: It is not.
    """
    # Late, so that the command line stays quick for all other commands.
    from models.runtime import Encoder  # noqa: PLC0415

    model = settings.model
    number = registry.resolve(model.name, version)
    folder = registry.fetch(model.name, number, model.cache)
    Encoder.load(folder, threads=model.threads, sub_batch=model.sub_batch)
    return number


def _tried(settings: Settings, registry: Registry, version: str) -> int:
    with common.err.status(f"trying {settings.model.name}:{version}"):
        return tried(settings, registry, version)


def _moved(settings: Settings, move: Callable[[Registry], ModelPointer]) -> ModelPointer:
    with registry_faults():
        return move(Registry.of(settings.model))


def _print(settings: Settings, pointer: ModelPointer, *, as_json: bool, how: str = "is the champion") -> None:
    if as_json:
        common.print_json(pointer)
        return
    within = settings.swap.stagger_seconds
    common.say(
        f"{pointer.model}:{pointer.version} {how} (epoch {pointer.epoch}); workers take it up one after the other "
        f"within some {within:g} s"
    )

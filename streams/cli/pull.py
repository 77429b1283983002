"""``tocsin models pull``: fetch base weights."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import common
from streams.cli.extras import bootstrap_extra

if TYPE_CHECKING:
    from models.base_files import BaseWeights
    from models.generator.weights import BaseFiles


class Base(StrEnum):
    """Models that are made of base weights."""

    ENCODER = "encoder"
    GENERATOR = "generator"
    ALL = "all"


def pull(
    which: Annotated[Base, typer.Argument(help="Whose weights.")] = Base.ALL,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a base a line, for scripts.")] = False,
) -> None:
    """Fetch and verify base weights alone, so that a later bootstrap needs no network.

    Example: `tocsin models pull`
    """
    settings = common.settings()
    with bootstrap_extra():
        from models import weights  # noqa: PLC0415  a worker's install lacks what it needs
        from models.base_files import WeightsError  # noqa: PLC0415  likewise
        from models.generator import weights as generator_weights  # noqa: PLC0415  likewise
    finders: dict[Base, tuple[str, Callable[[str, Path], BaseWeights | BaseFiles]]] = {
        Base.ENCODER: (settings.model.base, weights.resolve),
        Base.GENERATOR: (settings.generator.base, generator_weights.find),
    }
    for kind in finders if which is Base.ALL else (which,):
        name, find = finders[kind]
        with common.err.status(f"fetching {name}, of the {kind}"):
            try:
                base = find(name, settings.model.cache)
            except WeightsError as error:
                raise common.CommandError(str(error)) from error
        if as_json:
            common.print_json({"of": kind, "base": base.name, "folder": str(base.folder), "sha256": base.sha256})
        else:
            common.say(f"{base.name}, of the {kind}, lies in {base.folder}")

"""``tocsin models sign``: vouch for versions that were made before there was a key."""

from __future__ import annotations

from typing import Annotated

import typer

from models.registry import Registry
from streams.cli import common
from streams.cli.registry_faults import registry_faults


def add_to(app: typer.Typer) -> None:
    """Add the command to ``tocsin models``."""
    app.command()(sign)


def sign(
    versions: Annotated[list[int], typer.Argument(metavar="VERSION...", help="Numbers of versions.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the model; model.name where absent.", show_default=False)
    ] = None,
) -> None:
    """Sign versions with the key in model.key_file, every file verified first: it says that you trust them.

    What is registered under a key is signed by itself; this is for what is older.

    Example: `TOCSIN_MODEL__KEY_FILE=registry.key tocsin models sign 1 2`
    """
    model = common.settings().model
    with registry_faults():
        registry = Registry.of(model)
        for version in versions:
            registry.sign(name or model.name, version, model.cache)
            common.say(f"{name or model.name}:{version} is signed")

"""Makes a first generator: the base weights as they are, not fine-tuned, without torch, in less than a minute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.export import code_version
from models.generator.export import write_files
from models.generator.weights import find, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.generator.weights import BaseFiles
    from models.manifest import Precision
    from models.registry import Registry

    Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Made:
    """What a registered generator was made with, beside its files."""

    max_tokens: int
    width: int
    lineage: dict[str, Any]


def bootstrap(*, base: str, precision: Precision, out: Path, cache: Path, on_progress: Progress | None = None) -> Made:
    """Make a version's files, all but its manifest. The same base and precision give the same bytes.

    Args:
        base: Base weights, as the settings name them.
        precision: Of the weights that are served.
        out: An empty folder for the files.
        cache: Folder in which fetched weights are kept.
        on_progress: Told of a stage's name, and how much of it is done, of how much.

    Raises:
        WeightsError: The base weights cannot be had, or are none that can be served.
    """
    tell = on_progress or _silent
    tell("base weights", 0, 2)
    files = find(base, cache)
    tell("base weights", 1, 2)
    loaded = load(files)
    tell("base weights", 2, 2)
    tell("graph", 0, 1)
    config = write_files(loaded, out, precision)
    tell("graph", 1, 1)
    return Made(config.context, loaded.llama.sizes.hidden_size, lineage(files))


def lineage(files: BaseFiles) -> dict[str, Any]:
    """What a generator was made from."""
    return {
        "base": files.name,
        "base_sha256": files.sha256,
        "base_file": files.weights[0].name,
        "code_version": code_version(),
        "parent": None,
    }


def register(registry: Registry, folder: Path, name: str, precision: Precision, made: Made) -> int:
    """Take a folder's files as the next version of a generator; its number.

    Args:
        registry: Where versions are.
        folder: The files.
        name: Name of the generator.
        precision: Of its weights.
        made: What it was made with.

    Raises:
        VersionError: A file cannot be registered.
    """
    return registry.register(
        folder,
        name,
        precision=precision,
        max_tokens=made.max_tokens,
        width=made.width,
        metrics={},
        lineage=made.lineage,
        kind="generator",
    )


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody wants to know."""

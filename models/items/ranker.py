"""The ranker's version as the registry keeps it: weights as JSON, and a projection where one was learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.aliases import ALIASES
from models.manifest import MANIFEST, Manifest, VersionError, encode, read
from streams.contract.ranking import Projection, RankerWeights

if TYPE_CHECKING:
    from pathlib import Path

    from models.registry import Registry

NAME = "ranker"
WEIGHTS = "ranker.json"
PROJECTION = "projection.npy"


class Ranker(NamedTuple):
    """A version."""

    version: str
    """As recommendations tell it, such as ``ranker:2``."""
    weights: RankerWeights
    projection: Projection | None


def load_ranker(registry: Registry, alias_or_version: str, cache: Path) -> Ranker | None:
    """A version from the registry, verified; None for an alias that was never set, such as before the first ranker.

    Args:
        registry: The registry.
        alias_or_version: What to serve; in the place of a refused champion the previous one is loaded.
        cache: Where versions from elsewhere are kept.

    Raises:
        VersionError: The version is missing, corrupt, or no such ranker.
        OSError: A file cannot be read for now.
    """
    if alias_or_version in ALIASES and alias_or_version not in registry.aliases(NAME):
        return None
    return registry.resolve_and_load(NAME, alias_or_version, cache, open_ranker)[1]


def open_ranker(folder: Path) -> Ranker:
    """A version out of a folder whose files the registry has verified.

    Raises:
        VersionError: A file is missing or is not what it should be.
        OSError: A file cannot be read for now.
    """
    manifest = read(folder / MANIFEST, Manifest)
    if WEIGHTS not in manifest.files:
        raise VersionError(f"{folder / MANIFEST} names no {WEIGHTS}: it is no ranker's version")
    weights = read(folder / WEIGHTS, RankerWeights)
    projection = _open_projection(folder / PROJECTION) if PROJECTION in manifest.files else None
    if (projection is None) != (weights.embedder is None):
        raise VersionError(f"{folder / WEIGHTS} must name an embedder where there is a {PROJECTION}, and only there")
    return Ranker(f"{manifest.name}:{manifest.version}", weights, projection)


def write_ranker(folder: Path, weights: RankerWeights, projection: Projection | None) -> None:
    """Write a version's files, for the registry to take."""
    (folder / WEIGHTS).write_bytes(encode(weights))
    if projection is not None:
        rows = np.concatenate([projection.mean[:, None], projection.appeal[:, None], projection.matrix], axis=1)
        np.save(folder / PROJECTION, rows.astype("<f4"), allow_pickle=False)


def fits(ranker: Ranker, embedder: str) -> Projection | None:
    """The projection, where it takes the vectors of an embedder, told by its SHA-256; none otherwise."""
    return ranker.projection if ranker.weights.embedder == embedder else None


def _open_projection(path: Path) -> Projection:
    """Columns of one array, [width, 2 + reduced]: mean, appeal, and the matrix."""
    try:
        rows = np.load(path, allow_pickle=False)
    except (FileNotFoundError, ValueError) as error:
        raise VersionError(f"{path}: {error}") from error
    if not isinstance(rows, np.ndarray) or rows.dtype != np.float32 or rows.ndim != 2 or rows.shape[1] <= 2:  # noqa: PLR2004
        raise VersionError(f"{path} is no array of float32 with a mean, an appeal and a matrix")
    if not np.isfinite(rows).all():
        raise VersionError(f"{path} holds what is no finite number")
    return Projection(rows[:, 0].copy(), rows[:, 2:].copy(), rows[:, 1].copy())

"""A ranker in the registry."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.items.ranker import NAME, PROJECTION, WEIGHTS, fits, load_ranker, write_ranker
from models.manifest import VersionError
from models.registry import Registry
from streams.contract.ranking import Projection, RankerWeights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EMBEDDER = "ab" * 32


def weights(embedder: str | None = None) -> RankerWeights:
    return RankerWeights(features=("topic",), means=(0.1,), scales=(0.2,), coefficients=(0.3,), embedder=embedder)


def projection() -> Projection:
    generator = np.random.default_rng(3)
    return Projection(*(generator.standard_normal(shape).astype(np.float32) for shape in (8, (8, 3), 8)))


def registered(registry: Registry, folder: Path) -> int:
    number = registry.register(folder, NAME, precision="fp32", max_tokens=1, width=1, metrics={}, lineage={})
    registry.set_alias(NAME, "champion", number)
    return number


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(str(tmp_path / "registry"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def test_a_version_comes_back_as_it_was_written(registry: Registry, folder: Path, tmp_path: Path) -> None:
    write_ranker(folder, weights(EMBEDDER), projection())
    registered(registry, folder)
    ranker = load_ranker(registry, "champion", tmp_path / "cache")
    assert (ranker.version, ranker.weights) == ("ranker:1", weights(EMBEDDER))
    for one, other in zip(ranker.projection, projection(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_projection_fits_the_vectors_that_it_was_learned_on_alone(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    write_ranker(folder, weights(EMBEDDER), projection())
    registered(registry, folder)
    ranker = load_ranker(registry, "1", tmp_path)
    assert fits(ranker, EMBEDDER) is ranker.projection
    assert fits(ranker, "cd" * 32) is None


def test_a_file_that_cannot_be_read_for_now_is_no_fault_of_the_version(
    registry: Registry, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ranker(folder, weights(EMBEDDER), projection())
    registered(registry, folder)

    def lack(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("models.items.ranker.np.load", lack)
    with pytest.raises(OSError, match="Too many open files"):
        load_ranker(registry, "champion", tmp_path / "cache")


def test_where_none_was_ever_promoted_there_is_none(registry: Registry, folder: Path, tmp_path: Path) -> None:
    assert load_ranker(registry, "champion", tmp_path) is None
    write_ranker(folder, weights(), None)
    registry.register(folder, NAME, precision="fp32", max_tokens=1, width=1, metrics={}, lineage={})
    assert load_ranker(registry, "champion", tmp_path) is None
    assert load_ranker(registry, "1", tmp_path).projection is None


@pytest.mark.parametrize("embedder", [None, EMBEDDER])
def test_a_projection_and_its_embedder_come_together(
    registry: Registry, folder: Path, tmp_path: Path, embedder: str | None
) -> None:
    write_ranker(folder, weights(embedder), None if embedder else projection())
    registered(registry, folder)
    with pytest.raises(VersionError, match=r"must name an embedder where there is a projection\.npy"):
        load_ranker(registry, "champion", tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: np.save(folder / PROJECTION, np.array([{}], object), allow_pickle=True),
        lambda folder: np.save(folder / PROJECTION, np.zeros((8, 2), np.float32)),
        lambda folder: np.save(folder / PROJECTION, np.full((8, 5), np.nan, np.float32)),
        lambda folder: np.save(folder / PROJECTION, np.zeros((8, 5))),
        lambda folder: (folder / PROJECTION).write_bytes(b"nothing"),
        lambda folder: (folder / WEIGHTS).write_text('{"features": []}'),
        lambda folder: (folder / WEIGHTS).unlink(),
    ],
)
def test_a_version_that_is_no_ranker_is_refused(
    registry: Registry, folder: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    write_ranker(folder, weights(EMBEDDER), projection())
    spoil(folder)
    registered(registry, folder)
    with pytest.raises(VersionError):
        load_ranker(registry, "champion", tmp_path)

"""Model versions for the tests of the registry and the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import fsspec
import pytest
from support import toy_model

from models.registry import Registry
from models.runtime import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def toy_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of an int8 version (model, embedder, tokenizer, labels, parity); read only."""
    return toy_model.write_files(tmp_path_factory.mktemp("toy") / "files")


@pytest.fixture(scope="session")
def toy_version(toy_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a whole version in a registry; read only."""
    registry = Registry(str(tmp_path_factory.mktemp("registry")))
    number = registry.register(toy_files, "encoder", **toy_model.facts())
    return registry.fetch("encoder", number, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def encoder(toy_version: Path) -> Encoder:
    return Encoder.load(toy_version, threads=1, sub_batch=4)


@pytest.fixture
def memory_url() -> Iterator[str]:
    """An object store for one test."""
    url = f"memory://{uuid4().hex}"
    yield url
    store = fsspec.filesystem("memory")
    if store.exists(url):
        store.rm(url, recursive=True)


@pytest.fixture(params=["folder", "memory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path, memory_url: str) -> Registry:
    return Registry(str(tmp_path / "registry") if request.param == "folder" else memory_url)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Files of a version that is no encoder: the registry does not ask what is in them."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "labels.json").write_text('{"topics": ["earnings"]}')
    (folder / "report.md").write_text("# Report\n")
    return folder

"""Model versions for the tests of the registry and the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import toy_model

from models.registry import Registry
from models.runtime import Encoder

if TYPE_CHECKING:
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

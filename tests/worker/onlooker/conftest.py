"""Versions of a toy model, each with a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import toy_model
from support.onlooking import (
    sentences,
)

from models.registry import Registry
from models.runtime import Encoder
from models.training_reference import REFERENCE, describe, encode

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two versions of the toy model, each with a reference."""
    files = toy_model.write_files(tmp_path_factory.mktemp("toy") / "files")
    registry = Registry(str(tmp_path_factory.mktemp("registry")))
    bare = registry.fetch("encoder", registry.register(files, "encoder", **toy_model.facts()), files)
    encoder = Encoder.load(bare, threads=1, sub_batch=4)
    (files / REFERENCE).write_bytes(encode(describe(encoder, sentences(1, 60), sentences(2, 80))))
    return [registry.fetch("encoder", registry.register(files, "encoder", **toy_model.facts()), files) for _ in "ab"]


@pytest.fixture
def encoders(versions: list[Path]) -> list[Encoder]:
    return [Encoder.load(folder, threads=1, sub_batch=4) for folder in versions]

"""A toy language model as base weights and as versions, for the tests of the generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import toy_llama

from models.generator.bootstrap import Made, register
from models.generator.export import write_files
from models.generator.runtime import Generator
from models.generator.weights import find, load
from models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.generator.weights import Base
    from models.manifest import Precision


@pytest.fixture(scope="session")
def toy_base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = toy_llama.write(tmp_path_factory.mktemp("llama") / "base", toy_llama.llama())
    return load(find(str(folder), folder))


@pytest.fixture(scope="session")
def make_version(tmp_path_factory: pytest.TempPathFactory, toy_base: Base) -> Callable[..., Path]:
    """Makes a registered version of the toy; the folder is read only."""

    def make(precision: Precision = "fp32", base: Base | None = None) -> Path:
        files = tmp_path_factory.mktemp("files")
        config = write_files(base or toy_base, files, precision)
        registry = Registry(str(tmp_path_factory.mktemp("registry")))
        made = Made(config.context, toy_llama.sizes().hidden_size, {})
        number = register(registry, files, "generator", precision, made)
        return registry.fetch("generator", number, files)

    return make


@pytest.fixture(scope="session")
def version(make_version: Callable[..., Path]) -> Path:
    return make_version()


@pytest.fixture(scope="session")
def generator(version: Path) -> Generator:
    return Generator.load(version, threads=1)

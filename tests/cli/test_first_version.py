"""What a worker begins with, and how much of the registry is dealt with by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import versions

from models import promoting
from models.promoting import Story
from models.registry import Registry
from streams.cli.common import CommandError
from streams.cli.worker import _first_version
from streams.contract.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path

ANN = Story(by="ann", reason="a test")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"))
    for labels in (versions.FIRST, versions.RENAMED):
        promoting.promote(registry, versions.NAME, versions.add(registry, labels), ANN)
    return registry


def first(registry: Registry, tmp_path: Path, alias: str = "champion") -> tuple[int, int]:
    """Number of the version, and that of the state."""
    model = ModelSettings(registry=registry.url, alias=alias, cache=tmp_path / "cache", threads=1, sub_batch=4)
    serving, epoch = _first_version(Settings(model=model))
    return serving.current.manifest.version, epoch


def test_the_champion_is_dealt_with(registry: Registry, tmp_path: Path) -> None:
    assert first(registry, tmp_path) == (2, 2)


def test_a_champion_that_is_refused_is_yet_to_be_dealt_with(registry: Registry, tmp_path: Path) -> None:
    with open(f"{registry.url}/{versions.NAME}/2/model.onnx", "r+b") as file:  # noqa: PTH123  in the midst of the file
        file.seek(500)
        file.write(b"\0\1\2\3")
    assert first(registry, tmp_path) == (1, 1)


def test_whoever_was_told_a_version_follows_nothing(registry: Registry, tmp_path: Path) -> None:
    assert first(registry, tmp_path, "1") == (1, 2)


def test_a_registry_that_cannot_be_read_is_told_by_its_setting(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_away(*_: object) -> None:
        raise TimeoutError("no answer")

    monkeypatch.setattr(Registry, "state", be_away)
    with pytest.raises(CommandError, match=r"\(model\.registry\) cannot be read or written: no answer"):
        first(registry, tmp_path)

"""A person decides which version serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import versions
from support.commands import Tocsin

from models import promoting
from models.promoting import Story
from models.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.settings import Settings

pytestmark = [
    pytest.mark.integration,
    pytest.mark.parametrize(
        "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
    ),
]
NAME = versions.NAME


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"))
    for _ in range(3):
        versions.add(registry)
    return registry


@pytest.fixture
def models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stream_settings: Settings, registry: Registry
) -> Tocsin:
    """Commands with three versions in the registry, none of which serves."""
    model = stream_settings.model.model_copy(update={"registry": registry.url})
    return Tocsin(monkeypatch, capsys).under(stream_settings.model_copy(update={"model": model}))


def champion(registry: Registry) -> int | None:
    return registry.state(NAME).aliases.champion


def test_promote_roll_back_and_roll_back_again(models: Tocsin, registry: Registry) -> None:
    for version in ("1", "2", "3"):
        promoted = models("models", "promote", version, "--reason", "better", "--by", "ann", "--json")
        assert promoted.code == 0, promoted.err
        assert (promoted.json["version"], promoted.json["by"]) == (int(version), "ann")
    back = models("models", "rollback", "--by", "ann")
    assert back.code == 0, back.err
    assert "encoder:2 is the champion (epoch 4)" in back.out
    assert models("models", "rollback", "--by", "ann").code == 0
    assert champion(registry) == 1
    nothing = models("models", "rollback", "--by", "ann")
    assert nothing.code == 1
    assert "previous" in nothing.err
    assert models("models", "promote", "previous", "--by", "ann").code == 1


def test_a_version_that_was_taken_back_already_is_not_taken_back_twice(models: Tocsin, registry: Registry) -> None:
    for version in ("1", "2", "3"):
        assert models("models", "promote", version, "--by", "ann").code == 0
    promoting.roll_back(registry, NAME, Story(by="a worker"), expected=3)
    late = models("models", "rollback", "--from", "3", "--by", "ann")
    assert late.code == 1
    assert "the champion of encoder is 2 by now and no longer 3" in late.err
    assert champion(registry) == 2


def test_what_a_worker_takes_back_while_the_one_before_is_tried_is_not_taken_back_twice(
    models: Tocsin, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1", "2", "3"):
        assert models("models", "promote", version, "--by", "ann").code == 0

    def tried(*_: object) -> int:
        promoting.roll_back(registry, NAME, Story(by="a worker"), expected=3)
        return 2

    monkeypatch.setattr("streams.cli.promotion._tried", tried)
    assert models("models", "rollback", "--by", "ann").code == 1
    assert champion(registry) == 2


def test_a_version_that_is_not_whole_does_not_serve(models: Tocsin, registry: Registry) -> None:
    assert models("models", "promote", "1", "--by", "ann").code == 0
    with open(f"{registry.url}/{NAME}/2/model.onnx", "r+b") as file:  # noqa: PTH123  in the midst of the file
        file.seek(500)
        file.write(b"\0\1\2\3")
    refused = models("models", "promote", "2", "--by", "ann")
    assert refused.code == 1
    assert "model.onnx is corrupt" in refused.err
    assert models("models", "promote", "9", "--by", "ann").code == 1
    assert champion(registry) == 1


def test_what_is_pinned_stays_until_it_is_unpinned(models: Tocsin, registry: Registry) -> None:
    none = models("models", "pin", "--by", "ann")
    assert none.code == 1
    assert "no champion to pin" in none.err
    pinned = models("models", "pin", "2", "--reason", "audit", "--by", "ann")
    assert pinned.code == 0, pinned.err
    assert "encoder:2 is pinned" in pinned.out
    assert "version 2 is pinned by ann since" in models("models", "list").out
    refused = models("models", "promote", "3", "--by", "ben")
    assert refused.code == 1
    assert "pinned by ann" in refused.err
    assert models("models", "unpin", "--by", "ann").code == 0
    assert models("models", "promote", "3", "--by", "ben").code == 0
    assert champion(registry) == 3


def test_what_the_registry_says_is_announced(models: Tocsin, registry: Registry) -> None:
    assert models("models", "announce").code == 3
    registry.set_alias(NAME, "champion", 2)
    announced = models("models", "announce", "--json")
    assert announced.code == 0, announced.err
    assert (announced.json["version"], announced.json["epoch"]) == (2, 1)

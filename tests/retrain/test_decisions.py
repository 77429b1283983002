from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support import toy_model

from models.manifest import VersionError
from models.registry import Registry
from retrain.decisions import DecisionRecord, decision_of, keep_decision

if TYPE_CHECKING:
    from pathlib import Path

RECORD = DecisionRecord(
    run="run-1",
    time=datetime(2026, 7, 1, tzinfo=UTC),
    champion=1,
    promote=False,
    reasons=["It is no better."],
    figures={"better": {"passed": False}},
)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"))
    registry.register(toy_model.write_files(tmp_path / "toy"), "encoder", **toy_model.facts())
    return registry


def test_a_decision_is_kept_beside_its_version_which_stays_whole(registry: Registry, tmp_path: Path) -> None:
    assert decision_of(registry, "encoder", 1) is None
    keep_decision(registry, "encoder", 1, RECORD)
    assert decision_of(registry, "encoder", 1) == RECORD
    registry.fetch("encoder", 1, tmp_path)
    assert registry.versions("encoder") == [1]


def test_a_decision_is_final(registry: Registry) -> None:
    keep_decision(registry, "encoder", 1, RECORD)
    with pytest.raises(FileExistsError):
        keep_decision(registry, "encoder", 1, RECORD)


def test_a_corrupt_decision_is_named(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "registry/encoder/1/decision.json").write_bytes(b"{")
    with pytest.raises(VersionError, match=r"decision\.json of encoder:1"):
        decision_of(registry, "encoder", 1)

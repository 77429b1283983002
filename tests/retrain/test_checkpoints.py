"""A run's folder after kills, and after other runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch")
module = pytest.importorskip("retrain.checkpoints")

pytestmark = pytest.mark.train


def checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir()
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def test_the_latest_is_the_highest_whole_one_and_halves_are_thrown_away(tmp_path: Path) -> None:
    kept = module.Checkpoints(tmp_path, "this run")
    assert kept.latest() is None
    for step in (9, 10):
        checkpoint(tmp_path, step)
        kept.mark(step)
    half = checkpoint(tmp_path, 11)
    assert kept.latest() == tmp_path / "checkpoint-10"
    assert module.Checkpoints(tmp_path, "this run").latest() == tmp_path / "checkpoint-10"
    assert not half.exists()


def test_another_run_begins_anew_and_leaves_files_that_are_not_ours(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 1)
    (tmp_path / "note.txt").write_text("mine")
    kept = module.Checkpoints(tmp_path, "this run")
    checkpoint(tmp_path, 4)
    kept.mark(4)
    kept.save_best(network)
    (tmp_path / "search.db").touch()
    (tmp_path / "search").mkdir()
    other = module.Checkpoints(tmp_path, "another run")
    assert other.latest() is None
    assert {path.name for path in tmp_path.iterdir()} == {"note.txt", "run.sha256"}


def test_the_best_comes_back(tmp_path: Path) -> None:
    kept = module.Checkpoints(tmp_path, "this run")
    best, later = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    kept.save_best(best)
    module.Checkpoints(tmp_path, "this run").load_best(later)
    assert torch.equal(best.weight, later.weight)
    assert not list(tmp_path.glob("*.tmp"))

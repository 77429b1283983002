"""A training run of the generator that was killed goes on, and ends in the weights that it would have had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from support import generator_tuning_run as tuning

from retrain.generator.checkpoints import Checkpoint, Epoch, Place

if TYPE_CHECKING:
    from retrain.generator.finetune import TunedGenerator

pytestmark = pytest.mark.train

TESTS = Path(__file__).parents[2]
PAIRS = len(tuning.THINGS)


def same(one: TunedGenerator, other: TunedGenerator) -> bool:
    ours, theirs = one.base.llama.weights, other.base.llama.weights
    return one.history == other.history and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def killed(folder: Path, at: int, method: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "support.generator_tuning_run", str(folder), str(at), method],
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As in the process that is killed: sums of another order are other sums."""
    torch.set_num_threads(1)


@pytest.mark.timeout(300)  # processes of their own, which import torch
@pytest.mark.parametrize(
    ("method", "at", "goes_on_at"),
    [
        # In the second pass, whose second step was kept; and where only the pass before was.
        ("lora", PAIRS + 6, PAIRS + 2),
        ("full", PAIRS + 4, PAIRS),
    ],
)
def test_a_run_that_was_killed_goes_on_and_ends_in_the_same_weights(
    tmp_path: Path, method: str, at: int, goes_on_at: int
) -> None:
    undisturbed = tuning.run(tmp_path, method=method, keeps=False)  # type: ignore[arg-type]
    killed(tmp_path, at, method)
    told: list[int] = []
    resumed = tuning.run(tmp_path, method=method, tell=lambda _, done, __: told.append(done))  # type: ignore[arg-type]
    assert told[0] == goes_on_at + 2
    assert same(resumed, undisturbed)


def test_a_finished_run_that_is_asked_for_again_learns_nothing_more(tmp_path: Path) -> None:
    finished = tuning.run(tmp_path)
    told: list[int] = []
    again = tuning.run(tmp_path, tell=lambda _, done, __: told.append(done))
    assert told == []
    assert same(again, finished)


def test_another_run_begins_anew(tmp_path: Path) -> None:
    tuning.run(tmp_path)
    told: list[int] = []
    tuning.run(tmp_path, seed=14, tell=lambda _, done, __: told.append(done))
    assert told[0] == 2


def test_what_cannot_be_read_is_no_checkpoint(tmp_path: Path) -> None:
    place = Place(
        identity="this run",
        epoch=2,
        learnt=4,
        loss=1.5,
        tokens=9,
        history=[Epoch(number=0, training_loss=None, validation_loss=2.0)],
    )
    kept = Checkpoint(tmp_path, "this run")
    assert kept.load() is None
    kept.save(place, {"weight a": torch.ones(3)})
    loaded = kept.load()
    assert loaded is not None
    assert loaded[0] == place
    assert torch.equal(loaded[1]["weight a"], torch.ones(3))
    assert Checkpoint(tmp_path, "another run").load() is None
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:40])
    assert kept.load() is None

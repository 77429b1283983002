"""A generator's version is tried in a process of its own: what is wrong with it is told, and hurts nobody."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from support import toy_llama

from models.generator.trial import GeneratorTrial, try_generator
from models.generator.weights import find, load
from models.manifest import VersionError
from models.trial import TrialError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Loaded by the interpreter of the trial at its start: what a defect of native code does to its process.
_DOES_WHEN_LOADED = """
import os, signal
import onnxruntime

class Session(onnxruntime.InferenceSession):
    def __init__(self, path, *given, **named):
        super().__init__(path, *given, **named)
        os.kill(os.getpid(), signal.{signal})

onnxruntime.InferenceSession = Session
"""


def _trial(folder: Path, against: Path | None = None, **more: float) -> GeneratorTrial:
    return GeneratorTrial(
        folder=str(folder), threads=1, batch=1, against=None if against is None else str(against), **more
    )


def _breaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signal: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(_DOES_WHEN_LOADED.format(signal=signal))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_a_good_version_passes_alone_and_against_one_like_it(version: Path) -> None:
    try_generator(_trial(version))
    # Of so small a graph the time is mostly noise: what is far apart is tried below.
    try_generator(_trial(version, version, max_slowdown=20.0))


def test_a_corrupt_graph_is_refused(version: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(version, tmp_path / "1")
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-2000])
    with pytest.raises(VersionError, match=r"model\.onnx"):
        try_generator(_trial(folder))


def test_a_version_that_writes_otherwise_than_at_its_export_is_refused(version: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(version, tmp_path / "1")
    recorded = json.loads((folder / "parity.json").read_text())
    for sample in recorded["samples"]:
        sample["tokens"] = [token + 1 for token in sample["tokens"]]
    (folder / "parity.json").write_text(json.dumps(recorded))
    with pytest.raises(VersionError, match="parity sample"):
        try_generator(_trial(folder))


@pytest.mark.parametrize("signal", ["SIGABRT", "SIGSEGV"])
def test_a_version_that_ends_its_process_is_refused_and_ends_no_other(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal: str
) -> None:
    _breaks(monkeypatch, tmp_path, signal)
    with pytest.raises(VersionError, match=signal):
        try_generator(_trial(version))


def test_a_trial_that_somebody_ends_says_nothing_of_the_version(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _breaks(monkeypatch, tmp_path, "SIGKILL")
    with pytest.raises(TrialError, match="ended with -9"):
        try_generator(_trial(version))


def test_a_version_that_is_far_slower_is_refused(
    version: Path, make_version: Callable[..., Path], tmp_path: Path
) -> None:
    large = toy_llama.llama(hidden_size=256, intermediate_size=1024, num_hidden_layers=8, head_dim=64)
    folder = toy_llama.write(tmp_path / "base", large)
    slow = make_version(base=load(find(str(folder), tmp_path)))
    with pytest.raises(VersionError, match=r"times as long for a token .* \(swap.max_slowdown\)"):
        try_generator(_trial(slow, version, max_slowdown=2.0))
    try_generator(_trial(version, slow, max_slowdown=2.0))

"""A candidate's files: whole, registrable, calibrated, and measured as they serve."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from support import toy_bert, toy_model, toy_rows

from models.base_files import NOTICES, TOKENIZER
from models.bert import load_trunk
from models.export import as_served
from models.manifest import Parity
from models.registry import Registry
from models.runtime import Encoder
from models.tokens import TextTokenizer
from models.weights import resolve
from retrain.answers import answer
from retrain.calibration import fit_temperatures
from retrain.candidate import Exported, export
from retrain.dataset import read
from retrain.evaluate import evaluate
from retrain.history import Epoch
from retrain.parts import ask
from retrain.report import CandidateReport
from retrain.warm_start import warm_start
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.base_files import BaseWeights
    from retrain.dataset import Dataset

pytestmark = pytest.mark.train

MAX_TOKENS = 24
PHONE = "+1 415 555 2671"
HANDLE = "@jane_doe"


def quiet(*_: object) -> None:
    """Nobody wants to know."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> BaseWeights:
    folder = toy_bert.write(tmp_path_factory.mktemp("base"))
    (folder / NOTICES[0]).write_text("as you like")
    return resolve(str(folder), folder)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    frozen = [replace(row, text=f"{row.text} {PHONE} {HANDLE}") for row in toy_rows.rows(60, 3)]
    recent = [replace(row, control=bool(number % 2)) for number, row in enumerate(toy_rows.rows(30, 4))]
    return toy_rows.dataset(train=toy_rows.rows(160, 1), validation=toy_rows.rows(120, 2), frozen=frozen, recent=recent)


@pytest.fixture(scope="module")
def make(weights: BaseWeights, dataset: Dataset) -> Callable[[Path], Exported]:
    trunk = load_trunk(weights.folder)
    tokenizer = TextTokenizer(weights.folder / TOKENIZER, MAX_TOKENS)
    settings = Settings()
    heads = warm_start(dataset.train, dataset.labels, trunk, tokenizer, None, seed=13, tell=quiet)
    history = [
        Epoch(number=0, step=0, training_loss=None, validation_loss=2.0, scores={"topic": 0.5, "sentiment": 0.5}),
        Epoch(number=1, step=9, training_loss=1.5, validation_loss=1.5, scores={"topic": 0.75, "sentiment": 0.5}),
    ]
    # All of retrain.finetune.Tuned, which only torch can import.
    tuned: Any = SimpleNamespace(trunk=trunk, heads=heads, history=history, settings=settings.retrain)
    return lambda out: export(tuned, dataset, tokenizer, weights, settings, out)


@pytest.fixture(scope="module")
def made(make: Callable[[Path], Exported], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    """An int8 one: random weights read next to nothing, so that what int8 costs them is chance."""
    out = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        allow(patch, 2.0)
        return out, make(out)


def allow(monkeypatch: pytest.MonkeyPatch, loss: float) -> None:
    monkeypatch.setattr("models.quantize.ALLOWED_LOSS", loss)
    monkeypatch.setattr("models.quantize.ALLOWED_HEAD_LOSS", loss)


def test_a_candidate_can_be_registered_and_serves(made: tuple[Path, Exported], tmp_path: Path) -> None:
    out, exported = made
    assert sorted(path.name for path in out.iterdir()) == [
        "LICENSE", "confusion-intent.png", "confusion-sentiment.png", "confusion-topic.png", "confusion-towards.png",
        "data.jsonl", "embedder.onnx", "labels.json", "model.onnx", "parity.json", "reference.json", "reliability.png",
        "report.html", "report.json", "report.md", "tokenizer.json",
    ]  # fmt: skip
    registry = Registry(str(tmp_path / "registry"))
    number = registry.register(
        out,
        "encoder",
        precision=exported.precision,
        max_tokens=exported.max_tokens,
        width=exported.width,
        metrics=exported.metrics,
        lineage=exported.lineage,
    )
    encoder = Encoder.load(registry.fetch("encoder", number, tmp_path), threads=1, sub_batch=4)
    assert encoder.labels == toy_model.LABELS
    assert len(encoder.read(["acme wins"])[0].topic_scores) == 3
    assert np.allclose(np.linalg.norm(encoder.embed(["acme", "beta loses"]), axis=1), 1.0, atol=1e-5)
    assert encoder.training_reference() is not None


def test_the_report_is_of_the_files_as_they_serve(made: tuple[Path, Exported], dataset: Dataset) -> None:
    out, exported = made
    report = msgspec.json.decode((out / "report.json").read_bytes(), type=CandidateReport)
    assert report == exported.report
    encoder = as_served(out, precision="int8", max_tokens=MAX_TOKENS, width=toy_bert.WIDTH)
    # In the same batches: what int8 gives depends on them.
    asked = ask(encoder, dataset)
    assert [len(rows) for rows, _ in asked.values()] == [60, 30, 15]
    for name, (rows, answers) in asked.items():
        assert report.parts[name] == evaluate(rows, answers, dataset.train, dataset.labels)
    frozen = report.parts["frozen"]
    assert exported.metrics["topic"]["accuracy"] == frozen.heads["topic"].accuracy
    control = report.parts["control"]
    assert exported.metrics["control"]["sentiment"]["macro_f1"] == control.heads["sentiment"].macro_f1
    assert report.rows == {"train": 160, "validation": 120, "frozen": 60, "recent": 30}
    assert (report.precision, report.quantization[-1].accepted) == ("int8", True)
    assert {one.name for one in report.robustness} >= {"typos", "upper case", "other names"}
    assert exported.lineage["data_sha256"] == dataset.sha256


def test_every_head_with_enough_labels_is_calibrated_on_the_validation_part(
    made: tuple[Path, Exported], dataset: Dataset
) -> None:
    temperatures = made[1].report.temperatures
    assert set(temperatures) == {"topic", "sentiment", "intent", "entities", "towards"}
    assert temperatures["sentiment"].items == len(dataset.validation)
    assert temperatures["sentiment"].value != 1.0
    for one in temperatures.values():
        assert one.loss_after <= one.loss_before
    # What is served has the temperature in it: fitted once more, it is one.
    encoder = as_served(made[0], precision="int8", max_tokens=MAX_TOKENS, width=toy_bert.WIDTH)
    again = fit_temperatures(dataset.validation, answer(encoder, dataset.validation), dataset.labels)
    assert again["sentiment"].value == pytest.approx(1.0, rel=0.02)
    assert again["entities"].value == pytest.approx(1.0, rel=0.02)


def test_the_snapshot_is_the_data_set(made: tuple[Path, Exported], dataset: Dataset) -> None:
    assert read(made[0] / "data.jsonl") == dataset


def test_what_goes_to_every_worker_holds_no_personal_data(made: tuple[Path, Exported]) -> None:
    parity = msgspec.json.decode((made[0] / "parity.json").read_bytes(), type=Parity)
    assert all(told not in sample.text for sample in parity.samples for told in (PHONE, HANDLE))
    assert any("[phone]" in sample.text for sample in parity.samples)
    for name in ("report.json", "report.md", "report.html", "reference.json"):
        written = (made[0] / name).read_text(encoding="utf-8")
        assert all(told not in written for told in (PHONE, HANDLE))


def test_the_reports_for_people_tell_of_each_part_and_head(made: tuple[Path, Exported]) -> None:
    text = (made[0] / "report.md").read_text(encoding="utf-8")
    for told in ("| topic |", "| typos |", "by lot", "## Training", "| B-ORG |", "temperature", "reliability.png"):
        assert told in text
    assert (made[0] / "report.html").read_text(encoding="utf-8").count("data:image/png;base64") == 5


def test_int8_that_costs_too_much_is_not_served_and_the_temperatures_are_those_of_fp32(
    make: Callable[[Path], Exported], made: tuple[Path, Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, -2.0)
    exported = make(tmp_path)
    assert exported.precision == "fp32"
    assert [path.name for path in tmp_path.glob("*.onnx")] == ["model.onnx"]
    assert not [one for one in exported.report.quantization if one.accepted]
    assert exported.report.temperatures != made[1].report.temperatures


def test_the_same_network_gives_the_same_bytes(
    make: Callable[[Path], Exported], made: tuple[Path, Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, 2.0)
    make(tmp_path)
    # The reports tell how long things took.
    for path in sorted(tmp_path.iterdir()):
        if not path.name.startswith("report."):
            assert path.read_bytes() == (made[0] / path.name).read_bytes(), path.name

"""Two models before the same rows: what the gate is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace
from support import toy_model, toy_rows

from models.export import as_served
from retrain.answers import answer
from retrain.gate import decide
from retrain.judging import judge, scores_of
from retrain.slices import MIN_SLICE
from streams.contract.labels import LabelledEntity
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from models.manifest import Labels
    from models.runtime import Encoder
    from retrain.dataset import Dataset

pytestmark = pytest.mark.train

UNKNOWN = replace(toy_model.LABELS, topics=("deals", "markets", "earnings"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Encoder]:
    """A good one; one that takes two topics for one another; one without intents."""

    def served(labels: Labels) -> Encoder:
        folder = toy_model.write_files(tmp_path_factory.mktemp("toy"), labels)
        width = len(toy_model.vocabulary())
        return as_served(folder, precision="int8", max_tokens=toy_model.MAX_TOKENS, width=width)

    without = replace(toy_model.LABELS, intents=())
    return {"good": served(toy_model.LABELS), "mistaken": served(UNKNOWN), "without": served(without)}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    recent = [replace(row, control=bool(number % 2)) for number, row in enumerate(toy_rows.rows(80, 4))]
    return toy_rows.dataset(frozen=toy_rows.rows(160, 3), recent=recent)


def test_both_answer_the_same_rows_of_every_part(models: dict[str, Encoder], dataset: Dataset) -> None:
    champion, candidate = judge(models["mistaken"], models["good"], dataset)
    assert {name: len(part.ids) for name, part in candidate.parts.items()} == {
        "frozen": 160, "recent": 80, "control": 40,
    }  # fmt: skip
    for name, part in champion.parts.items():
        assert part.ids == candidate.parts[name].ids
        assert np.array_equal(part.groups, candidate.parts[name].groups)
    assert champion.perturbed.keys() == candidate.perturbed.keys() >= {"typos", "upper case", "other names"}
    for name, part in champion.perturbed.items():
        assert part.ids == candidate.perturbed[name].ids
    frozen = candidate.parts["frozen"]
    assert set(frozen.heads) == {"topic", "sentiment", "intent", "entities", "towards"}
    assert {name: int(members.sum()) for name, members in frozen.slices.items()}["source=toy"] == 160 >= MIN_SLICE
    assert min(champion.latency_ms, candidate.latency_ms) > 0


def test_the_gate_takes_the_better_one_and_neither_a_copy_nor_the_worse(
    models: dict[str, Encoder], dataset: Dataset
) -> None:
    rules = RetrainSettings(resamples=500, slowdown=1000.0)
    better = decide(*judge(models["mistaken"], models["good"], dataset), rules)
    assert better.promote, better.reasons
    assert not decide(*judge(models["good"], models["good"], dataset), rules).promote
    assert not decide(*judge(models["good"], models["mistaken"], dataset), rules).promote


def test_what_a_head_gains_is_counted_on_each_row(models: dict[str, Encoder]) -> None:
    def entity(start: int, end: int, sentiment: str | None) -> LabelledEntity:
        return LabelledEntity(start=start, end=end, type="ORG", sentiment=sentiment)  # type: ignore[arg-type]

    silent = replace(toy_rows.rows(1)[0], topics=None, sentiment=None, intent=None, entities=None)
    rows = [
        replace(silent, text="acme beta wins profit", entities=(entity(0, 4, "positive"), entity(5, 9, None))),
        replace(silent, text="acme loses", topics=("deals",), sentiment="negative"),
        replace(silent, text="wins", entities=()),
    ]
    scores = scores_of(rows, answer(models["good"], rows), toy_model.LABELS)
    # Two entities side by side, each twice counted: as labelled and as found.
    assert scores["entities"].gained.tolist() == scores["entities"].possible.tolist() == [4, 0, 0]
    assert scores["towards"].possible.tolist() == [1, 0, 0]
    assert (scores["topic"].gained.tolist(), scores["topic"].possible.tolist()) == ([0, 0, 0], [0, 1, 0])
    assert (scores["sentiment"].gained.tolist(), "intent" in scores) == ([0, 1, 0], False)
    sure = {head: one.sureness for head, one in scores.items()}
    assert [(head, one and one.answers.tolist()) for head, one in sorted(sure.items())] == [
        ("entities", [2, 0, 0]), ("sentiment", [0, 1, 0]), ("topic", [0, 1, 0]), ("towards", [1, 0, 0]),
    ]  # fmt: skip
    assert sure["sentiment"] is not None
    # Right, and as good as sure of it; the topic is wrong, and what it was sure by is in excess.
    assert -0.1 < sure["sentiment"].excess[1].sum() <= 0
    assert sure["topic"] is not None
    assert sure["topic"].excess[1].sum() > 0


def test_several_topics_of_a_row_gain_by_their_f1(models: dict[str, Encoder]) -> None:
    labels = replace(toy_model.LABELS, topic_mode="multi")
    silent, row = (replace(toy_rows.rows(1)[0], text="profit", topics=said) for said in (None, ("earnings", "deals")))
    rows = [silent, row]
    scores = scores_of(rows, answer(models["good"], rows), labels)["topic"]
    assert (scores.gained.tolist(), scores.possible.tolist()) == ([0.0, 2.0], [0.0, 3.0])
    # Each topic is a yes or no of its own.
    assert scores.sureness is not None
    assert scores.sureness.answers.tolist() == [0, len(labels.topics)]


def test_the_gate_holds_no_head_to_the_calibration_of_a_model_that_lacks_it(
    models: dict[str, Encoder], dataset: Dataset
) -> None:
    """Sure of nothing and right in nothing would be perfectly calibrated, and nobody could take its place."""
    figures = decide(*judge(models["without"], models["good"], dataset), RetrainSettings(resamples=100)).figures
    assert {name for name in figures if name.startswith("calibration: ")} == {
        "calibration: topic", "calibration: sentiment", "calibration: entities", "calibration: towards",
    }  # fmt: skip
    both = decide(*judge(models["good"], models["good"], dataset), RetrainSettings(resamples=100)).figures
    assert "calibration: intent" in both


def test_a_model_that_lacks_a_head_gains_nothing_there(models: dict[str, Encoder], dataset: Dataset) -> None:
    champion, candidate = judge(models["without"], models["good"], dataset)
    lacking, having = (one.parts["frozen"].heads["intent"] for one in (champion, candidate))
    assert lacking.gained.sum() == 0
    assert np.array_equal(lacking.possible, having.possible)
    assert having.gained.sum() == having.possible.sum()


def test_a_part_without_rows_is_missing(models: dict[str, Encoder]) -> None:
    dataset = toy_rows.dataset(frozen=toy_rows.rows(6, 3))
    champion, _ = judge(models["good"], models["good"], dataset)
    assert set(champion.parts) == {"frozen"}

"""What is kept of a measured cell, what a set came to, and what perturbed texts are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.quality import _headline, _lost, _tables
from benchmarks.support.sets.cells import Cell, keep, kept
from benchmarks.support.sets.corpora import CORPORA, Corpus, replace_row
from benchmarks.support.sets.learning import Figures
from benchmarks.support.sets.perturbed import Perturbed, perturbed
from models.manifest import Labels
from models.tagging import entity_tags
from retrain.rows import Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TEXTS = ("Shares fell after the warning", "PROFIT ROSE AGAIN", "12 34")


def row(number: int, text: str) -> Row:
    of = Row(id=str(number), text=text, kind="news", source="", origin="label", group=str(number))
    return replace_row(of, sentiment="negative" if number % 3 == 0 else "neutral")


def corpus(task: str = "sentiment") -> Corpus:
    rows = [row(number, text) for number, text in enumerate(TEXTS)]
    labels = Labels(
        topics=("one",), topic_mode="single", sentiments=("negative", "neutral", "positive"), intents=(),
        entity_tags=entity_tags(("PER",)),
    )  # fmt: skip
    return Corpus("some", "Some set", task, labels, rows, rows, "none", "others say .9")  # type: ignore[arg-type]


def figures(accuracy: float, **more: object) -> Figures:
    return Figures(accuracy, accuracy - 0.1, None, 1.0, **more)  # type: ignore[arg-type]


def test_changed_rows_are_compared_with_the_very_rows_that_they_were_made_of() -> None:
    asked: list[list[str]] = []

    def measure(rows: Sequence[Row]) -> float:
        asked.append([one.id for one in rows])
        return float(sum(one.text in TEXTS for one in rows))

    found = perturbed([row(number, text) for number, text in enumerate(TEXTS)], measure)
    assert asked[::2] == asked[1::2]
    # Digits have neither case nor letters to mistype, capitals are in upper case already.
    assert found["typos"] == Perturbed(2, 2.0, 0.0)
    assert found["upper case"] == Perturbed(1, 1.0, 0.0)
    assert found["a distracting sentence"] == Perturbed(3, 3.0, 0.0)
    assert "other names" not in found


def test_a_cell_is_kept_whole(tmp_path: Path) -> None:
    cell = Cell("some", "full", 13)
    measured = figures(0.8, ece=0.02, perturbed={"typos": Perturbed(10, 0.8, 0.7)})
    assert kept(tmp_path, cell) is None
    keep(tmp_path / "made", cell, measured)
    assert kept(tmp_path / "made", cell) == measured


def test_a_set_is_told_by_the_medians_of_its_strongest_method() -> None:
    found = {
        Cell("some", "words", 13): figures(0.7),
        Cell("some", "heads", 13): figures(0.9, ece=0.3),
        Cell("other", "full", 13): figures(0.1),
    }
    told = _headline(found, corpus())
    assert (told["method"], told["accuracy"], told["baseline_accuracy"], told["ece"]) == ("heads", 0.9, 0.7, 0.3)
    assert (told["published"], told["seeds"]) == ("others say .9", 1)
    assert told["majority_accuracy"] == pytest.approx(2 / 3)
    found |= {Cell("some", "full", seed): figures(0.8 + seed / 1000, ece=0.01) for seed in (13, 14, 19)}
    told = _headline(found, corpus())
    assert (told["method"], told["seeds"], told["accuracy"]) == ("full", 3, pytest.approx(0.814))


def test_entities_are_told_by_their_own_names() -> None:
    found = {Cell("some", "heads", 13): Figures(0.97, 0.86, 0.9, 1.0, 0.01)}
    told = _headline(found, corpus("entities"))
    assert (told["token_micro"], told["token_macro"], told["entity_f1"], told["ece"]) == (0.97, 0.86, 0.9, 0.01)
    assert "accuracy" not in told
    assert told["majority_accuracy"] is told["baseline_accuracy"] is None


def test_a_set_that_nobody_learnt_has_no_figures() -> None:
    told = _headline({}, corpus())
    assert told["method"] is None
    assert "accuracy" not in told


def test_what_is_lost_is_told_in_points() -> None:
    assert _lost([Perturbed(10, 0.80, 0.70), Perturbed(10, 0.80, 0.78)]) == "-6.0"
    assert _lost([]) == "-"


def test_the_table_of_methods_shows_what_was_measured_and_dashes_elsewhere() -> None:
    sets = dict.fromkeys(CORPORA, corpus())
    thorough = sets["phrasebank_50agree"]
    found = {
        Cell(thorough.name, "words", 13): figures(0.7),
        Cell(thorough.name, "full", 13): figures(0.8, ece=0.02, perturbed={"typos": Perturbed(10, 0.8, 0.7)}),
        Cell(thorough.name, "full", 14): figures(0.9, ece=0.04, perturbed={"typos": Perturbed(10, 0.8, 0.6)}),
    }
    lines = _tables(found, sets).splitlines()
    assert "| TF-IDF + linear SVM | 0.700 | 0.600 | - | - | 1 | 1 s |" in lines
    assert "| **full** | 0.850 ± 0.071 | 0.750 ± 0.071 | 0.030 ± 0.014 | -15.0 | 2 | 1 s |" in lines

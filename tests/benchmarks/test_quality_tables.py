"""What is kept of a measured cell, what a set came to, and what perturbed texts are compared with."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from benchmarks import quality
from benchmarks.quality import _headline, _lost, _tables, _united
from benchmarks.support.real_messages import RealDataError
from benchmarks.support.sets import learning
from benchmarks.support.sets.cells import JOINED, Cell, keep, kept
from benchmarks.support.sets.corpora import CORPORA, Corpus, load, replace_row
from benchmarks.support.sets.judging import SOURCE_TOKEN, Figures
from benchmarks.support.sets.learning import tocsin_of_several
from benchmarks.support.sets.perturbed import Perturbed, perturbed
from models.evaluation import Found
from models.manifest import Labels
from models.tagging import entity_tags
from retrain.entity_scores import token_table, word_tags
from retrain.rows import Row
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from retrain.dataset import Dataset
    from retrain.tuned import Tuned

_TASKS = {"ag_news": "topic", "banking77": "intent", "conll2003": "entities"}
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
    assert told["majority_accuracy"] is told["baseline_accuracy"] is told["joined"] is None
    found |= {Cell("some", JOINED, 13): Figures(0.95, 0.8, 0.85, 1.0, 0.02)}
    told = _headline(found, corpus("entities"))
    assert told["token_micro"] == 0.97
    assert told["joined"] == {"token_micro": 0.95, "token_macro": 0.8, "entity_f1": 0.85, "ece": 0.02}


def test_entities_are_shown_tag_by_tag() -> None:
    tokens = token_table([["B-ORG", "I-ORG", "O"]], [["B-ORG", "O", "O"]])
    found = {Cell("some", "full", 13): Figures(tokens.micro.f1, tokens.macro.f1, 0.9, 1.0, tokens=tokens)}
    lines = _tables(found, dict.fromkeys(CORPORA, corpus("entities"))).splitlines()
    assert "| B-ORG | 1.000 | 1.000 | 1.000 | 1 |" in lines
    assert "| O | 0.500 | 1.000 | 0.667 | 1 |" in lines
    assert any("F1 0.900; tokens 0.667 / 0.556" in line for line in lines)


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


def test_sets_learnt_together_have_the_names_of_all_and_learn_nothing_that_any_of_them_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = corpus(), corpus("intent")
    first = replace(first, train=[row(number, "text") for number in range(40)], test=[])
    labels = msgspec.structs.replace(second.labels, intents=("refund",))
    second = replace(second, name="second", labels=labels, train=[], test=[row(number, "text") for number in (3, 4)])
    seen: list[Dataset] = []

    def refuse(dataset: Dataset, *_rest: object) -> Tuned:
        seen.append(dataset)
        raise KeyboardInterrupt

    monkeypatch.setattr(learning, "finetune", refuse)
    base = learning.Base(None, None, None)  # type: ignore[arg-type]  # it is not looked at
    with pytest.raises(KeyboardInterrupt):
        tocsin_of_several([first, second], labels, base, RetrainSettings(method="full"), lambda *_: None)
    (dataset,) = seen
    assert dataset.labels == labels
    rows = {one.id for one in (*dataset.train, *dataset.validation)}
    assert rows == {str(number) for number in range(40)} - {"3", "4"}
    assert dataset.validation
    assert {one.id for one in dataset.train}.isdisjoint(one.id for one in dataset.validation)


def test_the_names_of_sets_together_are_those_of_each_head_s_own_set() -> None:
    of = corpus("entities")
    topics = replace(corpus("topic"), labels=msgspec.structs.replace(of.labels, topics=("world", "sports")))
    intents = replace(corpus("intent"), labels=msgspec.structs.replace(of.labels, intents=("refund",)))
    united = _united([of, corpus(), topics, intents])
    assert (united.topics, united.intents) == (("world", "sports"), ("refund",))
    assert united.entity_tags == of.labels.entity_tags


def test_one_run_of_sets_together_gives_a_cell_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    def learn(corpora: Sequence[Corpus], *_rest: object) -> dict[str, Figures]:
        runs.append([one.name for one in corpora])
        return {one.name: figures(0.9) for one in corpora}

    monkeypatch.setattr(quality, "load", lambda name: replace(corpus(_TASKS.get(name, "sentiment")), name=name))
    monkeypatch.setattr(quality, "tocsin_of_several", learn)
    monkeypatch.setattr(quality, "_base", lambda _name: None)
    found = quality._measure(argparse.Namespace(quick=True, afresh=False, only=JOINED))
    assert runs == [list(quality._TOGETHER)]
    assert set(found) == {Cell(name, JOINED, 13) for name in quality._TOGETHER}


def test_the_tags_of_conll_s_test_part_are_those_that_others_count() -> None:
    try:
        of = load("conll2003")
    except RealDataError:
        pytest.skip("CoNLL-2003 is not here: set TOCSIN_DATA")
    tags = Counter(
        tag
        for one in of.test
        for tag in word_tags(
            one.text, [Found(entity.type, entity.start, entity.end) for entity in one.entities or ()], SOURCE_TOKEN
        )
    )
    assert tags == {
        "B-LOC": 1668, "I-LOC": 257, "B-MISC": 702, "I-MISC": 216, "B-ORG": 1661, "I-ORG": 835,
        "B-PER": 1617, "I-PER": 1156, "O": 38323,
    }  # fmt: skip

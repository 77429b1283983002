"""The trials and their tables, on readers who do not exist."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from support.recommend import NOON, WIDTH, an_item, noise

from benchmarks.support.recommend.cost import measure
from benchmarks.support.recommend.log import Log
from benchmarks.support.recommend.tables import tables
from benchmarks.support.recommend.tocsin import Shelf
from benchmarks.support.recommend.trials import cold, overall
from streams.contract.recommendations import Behavior

SUBJECTS, EACH, READERS, READ = 4, 40, 24, 30


def log_and_shelf() -> tuple[Log, Shelf]:
    """Each reader reads items of one subject; text tells them apart."""
    generator = np.random.default_rng(2)
    names = [(subject, number) for subject in range(SUBJECTS) for number in range(EACH)]
    items = [an_item(f"{one}-{other}", text=f"subject{one} story{other}", hours=1.0) for one, other in names]
    vectors = np.array(
        [noise(100 * one + other, near=np.eye(WIDTH, dtype=np.float32)[one], spread=0.8) for one, other in names]
    )
    behaviors = [
        Behavior(
            user=f"r{reader}", item=f"{reader % SUBJECTS}-{number}", action="click", time=NOON + timedelta(hours=at)
        )
        for reader in range(READERS)
        for at, number in enumerate(generator.permutation(EACH)[:READ].tolist())
    ]
    return Log(items, sorted(behaviors, key=lambda behavior: behavior.time)), Shelf(items, vectors)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    log, shelf = log_and_shelf()
    found = overall(log, shelf, lambda _: None)
    return found | {"cold": cold(log, shelf, 2, lambda _: None), "cost": measure(20, 300, 200)}


def test_tocsin_finds_what_readers_care_for_in_items_known_and_new(figures: dict[str, Any]) -> None:
    for part in (figures, figures["cold"]):
        assert part["auc"]["tocsin"] > 0.85
        assert part["auc"]["tfidf"] > 0.85
        assert part["auc"]["random"] == pytest.approx(0.5, abs=0.08)
        assert part["auc"]["recency"] == pytest.approx(0.5, abs=0.08)


def test_of_new_items_counts_know_nothing(figures: dict[str, Any]) -> None:
    assert figures["auc"]["item_knn"] > 0.95
    assert figures["cold"]["auc"]["item_knn"] == pytest.approx(0.5, abs=0.08)


def test_what_is_served_is_a_list_and_has_no_auc(figures: dict[str, Any]) -> None:
    assert "tocsin_as_served" not in figures["auc"]
    assert figures["ndcg_10"]["tocsin_as_served"] > 0.3


def test_all_of_it_is_told_in_tables(figures: dict[str, Any]) -> None:
    told = tables(figures)
    assert told.count("| **Tocsin, learned** |") == 2
    assert f"| ItemKNN | {figures['auc']['item_knn']:.3f} |" in told
    assert "behaviors taken in, a second" in told

"""The measures, against scikit-learn's and by hand."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, roc_auc_score

from benchmarks.support.recommend.measures import measure, measure_list, measure_reader


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.standard_normal(80)
    relevant = generator.random(80) < 0.15
    found = measure_reader(scores, relevant, np.zeros(80))
    assert found.auc == pytest.approx(roc_auc_score(relevant, scores))
    assert found.ndcg_5 == pytest.approx(ndcg_score(relevant[None], scores[None], k=5))
    assert found.ndcg_10 == pytest.approx(ndcg_score(relevant[None], scores[None], k=10))
    assert found.mrr == pytest.approx(1.0 / (1.0 + (scores > scores[relevant].max()).sum()))


def test_whoever_cannot_tell_gets_what_the_lot_gives() -> None:
    relevant = np.zeros((400, 100), bool)
    relevant[:, :10] = True
    found = measure(np.zeros((400, 100)), relevant, np.ones_like(relevant), seed=1).mean(axis=0)
    assert found[0] == pytest.approx(0.5, abs=0.02)
    assert found[3] == pytest.approx(0.1, abs=0.02)


def test_what_is_not_ranked_counts_neither_way_and_who_has_nothing_to_find_is_left_out() -> None:
    scores = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    relevant = np.array([[False, True, False], [True, False, False]])
    ranked = np.array([[False, True, True], [False, True, True]])
    assert measure(scores, relevant, ranked, seed=1).tolist() == [[1.0, 1.0, 1.0, 1.0]]


def test_a_list_is_measured_by_what_could_have_stood_in_it() -> None:
    hits = np.array([False, True, False, True])
    found = measure_list(hits, relevant=3)
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert np.isnan(found.auc)
    assert found.mrr == 0.5
    assert found.ndcg_10 == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / ideal)
    assert measure_list(np.zeros(10, bool), relevant=1)[1:] == (0.0, 0.0, 0.0)

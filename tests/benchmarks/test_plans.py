from pathlib import Path

import numpy as np
import pytest

from benchmarks.support.multiply_adds import work_of_graph
from benchmarks.support.runtime_alone import candidates, cut_into_runs
from models.graph import Graph


def lengths_of(runs: list[list[int]], lengths: list[int]) -> list[list[int]]:
    return [[lengths[place] for place in run] for run in runs]


def test_runs_hold_texts_of_like_length() -> None:
    lengths = [3, 9, 4, 8, 2]
    assert lengths_of(cut_into_runs(lengths, texts=2, tokens=None), lengths) == [[9, 8], [4, 3], [2]]


def test_runs_hold_no_more_tokens_than_allowed() -> None:
    lengths = [10, 9, 5, 4, 4, 1, 100]
    runs = cut_into_runs(lengths, texts=99, tokens=20)
    assert lengths_of(runs, lengths) == [[100], [10, 9], [5, 4, 4, 1]]
    assert sorted(place for run in runs for place in run) == list(range(len(lengths)))


def test_every_plan_is_tried_once_and_the_usual_one_among_them() -> None:
    plans = candidates(2, quick=False)
    assert len(set(plans)) == len(plans)
    assert {plan.lanes for plan in plans} == {1, 2}
    assert any(plan.texts == 16 and plan.tokens is None and not plan.spinning for plan in plans)


def test_multiply_adds_are_counted_from_the_products_shapes(tmp_path: Path) -> None:
    """A table of 3 wide rows, a layer of 3 by 5 on each token, products of all pairs of tokens, a head on the text."""
    graph = Graph()
    ids = graph.input("ids", ["batch", "length"])
    rows = graph.op("Gather", graph.constant(np.ones((4, 3), np.float32)), ids)
    layer = graph.linear(rows, np.ones((3, 5), np.float32), np.ones(5, np.float32), "layer")
    pairs = graph.op("MatMul", layer, graph.op("Transpose", layer, perm=[0, 2, 1]))
    text = graph.op("ReduceMax", layer, graph.constant([1]), keepdims=0)
    graph.output(graph.linear(text, np.ones((5, 2), np.float32), np.ones(2, np.float32), "score"), "head", ["batch", 2])
    graph.output(pairs, "pairs", ["batch", "length", "length"])
    path = tmp_path / "graph.onnx"
    path.write_bytes(graph.model().SerializeToString())
    work = work_of_graph(path)
    assert work.fp32 == pytest.approx((5 * 2, 3 * 5, 5), abs=0.01)
    assert work.int8 == pytest.approx((0, 0, 0), abs=0.01)
    assert work.of([2, 7]).fp32 == pytest.approx(2 * 10 + 15 * 9 + 5 * (4 + 49), abs=0.1)

"""Outlying inputs set apart: the same answers in fp32, better ones in int8."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from support import toy_bert

from models import quantize
from models.bert import embedder, load_trunk
from models.outliers import APART, set_apart
from models.sessions import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

INNER = 96
"""Columns between the two maps: two of them are set apart."""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    """An encoder of which two inner columns of each network hold values a hundred times as large as the others'."""
    trunk = load_trunk(toy_bert.write(tmp_path_factory.mktemp("base")))
    random = np.random.default_rng(2)
    weights = dict(trunk.weights)
    for layer in range(trunk.layers):
        prefix = f"encoder.layer.{layer}"
        inner = random.normal(size=(INNER, trunk.width)).astype(np.float32)
        outlying = random.permutation(INNER)[:2]
        inner[outlying] *= 100.0
        weights[f"{prefix}.intermediate.dense.weight"] = inner
        weights[f"{prefix}.intermediate.dense.bias"] = random.normal(size=INNER).astype(np.float32)
        outer = random.normal(size=(trunk.width, INNER)).astype(np.float32)
        # Else they would be all that the next layer hears of.
        outer[:, outlying] /= 100.0
        weights[f"{prefix}.output.dense.weight"] = outer
    return embedder(replace(trunk, weights=weights))


def _embedded(model: onnx.ModelProto) -> NDArray[np.float32]:
    random = np.random.default_rng(5)
    ids = random.integers(0, toy_bert.WORDS, (8, 12))
    mask = (np.arange(12) < random.integers(3, 13, (8, 1))).astype(np.int64)
    session = open_session(model.SerializeToString())
    found: NDArray[np.float32] = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    return found


def test_in_fp32_the_answers_stay_what_they_were(graph: onnx.ModelProto) -> None:
    before = graph.SerializeToString()
    parted = set_apart(graph)
    assert graph.SerializeToString() == before
    assert sum(node.name.endswith(APART) for node in parted.graph.node) == toy_bert.LAYERS
    np.testing.assert_allclose(_embedded(parted), _embedded(graph), atol=1e-5)


def test_the_columns_that_are_set_apart_are_the_outlying_ones(graph: onnx.ModelProto) -> None:
    parted = set_apart(graph)
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in parted.graph.initializer}
    for layer in range(toy_bert.LAYERS):
        columns = np.abs(constants[f"encoder.layer.{layer}.intermediate.dense.weight"]).max(axis=0)
        assert columns[-2:].min() > 10 * columns[:-2].max()
        assert constants[f"encoder.layer.{layer}.output.dense.weight{APART}"].shape[0] == 2


def test_int8_is_finer_for_it(graph: onnx.ModelProto, tmp_path: Path) -> None:
    onnx.save(graph, tmp_path / "fp32.onnx")
    expected = _embedded(graph)
    errors = []
    for apart in (False, True):
        # The second maps alone, so that no other rounding stands before theirs.
        step = quantize.Step("trial", (f"*{APART}", "*attention*", "*intermediate*", "gather*", "matmul*"), apart=apart)
        quantize.quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", step)
        errors.append(float(np.abs(_embedded(onnx.load(tmp_path / "int8.onnx")) - expected).max()))
    assert errors[1] < errors[0] / 2


def test_a_narrow_network_is_left_as_it_is(tmp_path: Path) -> None:
    toy_bert.write(tmp_path)
    graph = embedder(load_trunk(tmp_path))
    assert set_apart(graph).SerializeToString() == graph.SerializeToString()

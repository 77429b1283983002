"""How much arithmetic a graph asks for: the multiply-adds of its matrix products, by the shapes that they have."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import helper

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_INT8 = frozenset({"MatMulInteger", "QLinearMatMul"})
_FP32 = frozenset({"MatMul", "Gemm"})
_LENGTHS = (8, 16, 32)


class Work(NamedTuple):
    """Multiply-adds, by the precision of the product."""

    int8: float
    fp32: float


class GraphWork(NamedTuple):
    """Multiply-adds of one text as a polynomial of its length: for the text, for each token, for each pair of tokens.

    Attributes:
        int8: Coefficients of the length to the power of 0, 1 and 2.
        fp32: Likewise.
    """

    int8: tuple[float, ...]
    fp32: tuple[float, ...]

    def of(self, lengths: Iterable[int]) -> Work:
        """Of texts of these lengths in tokens, together."""
        columns = np.vander(np.array(list(lengths), np.float64), 3, increasing=True).sum(axis=0)
        return Work(float(columns @ self.int8), float(columns @ self.fp32))


def work_of_graph(path: Path) -> GraphWork:
    """Count a graph's multiply-adds, which are at most quadratic in the length: three lengths tell the polynomial.

    Args:
        path: A graph whose inputs are int64 [batch, length].
    """
    model = onnx.load(path)
    products = [node for node in model.graph.node if node.op_type in _INT8 | _FP32]
    # The graph is run with its products shown: shapes that depend on the length are more than inference can tell.
    shown = {name for node in products for name in (node.input[0], node.output[0])}
    known = {value.name for value in model.graph.output}
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in sorted(shown - known))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    inputs, names = [value.name for value in session.get_inputs()], sorted(shown)
    counted = []
    for length in _LENGTHS:
        values = session.run(names, {name: np.ones((1, length), np.int64) for name in inputs})
        shapes = dict(zip(names, (value.shape for value in values), strict=True))
        each = {node.output[0]: prod(shapes[node.output[0]]) * shapes[node.input[0]][-1] for node in products}
        counted.append(
            [sum(each[node.output[0]] for node in products if node.op_type in kinds) for kinds in (_INT8, _FP32)]
        )
    powers = np.vander(np.array(_LENGTHS, np.float64), 3, increasing=True)
    int8, fp32 = np.linalg.solve(powers, np.array(counted, np.float64)).T.round(3).tolist()
    return GraphWork(tuple(int8), tuple(fp32))

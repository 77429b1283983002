"""The machine's arithmetic limit: how many multiply-adds a second its matrix products reach, without any model."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.support.rooms import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LARGE = (2048, 2048, 2048)
_SECONDS = 1.0
_BEST_OF = 5


def best_rate(multiply_adds: int, product: Callable[[], object]) -> float:
    """Multiply-adds a second of a product, the best of a few spells: what disturbs it is not the machine's limit."""
    product()
    best = 0.0
    for _ in range(_BEST_OF):
        count, started = 0, time.perf_counter()
        while (seconds := time.perf_counter() - started) < _SECONDS / _BEST_OF or count == 0:
            product()
            count += 1
        best = max(best, count * multiply_adds / seconds)
    return best


def numpy_product(rows: int, inner: int, columns: int) -> Callable[[], object]:
    """A product (sgemm) by numpy's BLAS."""
    random = np.random.default_rng(0)
    left = random.random((rows, inner), np.float32)
    right = random.random((inner, columns), np.float32)
    return lambda: left @ right


def runtime_product(rows: int, inner: int, columns: int, *, int8: bool) -> Callable[[], object]:
    """The runtime's own product by a constant, as a model's layers have it: fp32, or unsigned by signed int8."""
    random = np.random.default_rng(0)
    left: NDArray[np.generic] = random.random((rows, inner), np.float32)
    right: NDArray[np.generic] = random.random((inner, columns), np.float32)
    if int8:
        left = random.integers(0, 255, (rows, inner), np.uint8)
        right = random.integers(-127, 127, (inner, columns), np.int8)
    kinds = (TensorProto.UINT8, TensorProto.INT32) if int8 else (TensorProto.FLOAT, TensorProto.FLOAT)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger" if int8 else "MatMul", ["left", "right"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", kinds[0], [rows, inner])],
        [helper.make_tensor_value_info("product", kinds[1], [rows, columns])],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda: session.run(["product"], {"left": left})


def main() -> None:
    """Measure large products and such as the model's layers are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, required=True, help="Width of the model.")
    parser.add_argument("--tokens", type=int, required=True, help="Tokens in one of its runs.")
    given = parser.parse_args()
    layer = (given.tokens, given.width, 4 * given.width)
    rates = {
        f"{name}_{size}_gigaflops": 2e-9 * best_rate(rows * inner * columns, make(rows, inner, columns))
        for size, (rows, inner, columns) in {"large": LARGE, "layer": layer}.items()
        for name, make in {
            "numpy_fp32": numpy_product,
            "runtime_fp32": lambda *shape: runtime_product(*shape, int8=False),
            "runtime_int8": lambda *shape: runtime_product(*shape, int8=True),
        }.items()
    }
    tell(rates | {"layer_shape": layer, "large_shape": LARGE})


if __name__ == "__main__":
    main()

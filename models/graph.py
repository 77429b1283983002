"""A small builder of ONNX graphs: nodes in the order in which they are asked for, constants beside them.

Names are counted, so that the same calls make the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

OPSET = 20
"""The first opset with Gelu; LayerNormalization came with 17."""

# The oldest onnxruntime that is allowed (1.20) reads it.
_IR_VERSION = 10

CONTRIB = "com.microsoft"
"""The domain of onnxruntime's own operators; a graph with one of them runs there alone."""

Dimension = int | str
"""A size, or the name of one that may differ from run to run."""


class Graph:
    """An ONNX graph that grows by one node a call.

    A value is known by its name, which each call returns and the next ones take.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._count = 0

    def input(self, name: str, shape: Sequence[Dimension], dtype: type[np.generic] = np.int64) -> str:
        """Declare an input, of int64 where nothing else is said."""
        self._inputs.append(helper.make_tensor_value_info(name, _element(dtype), shape))
        return name

    def output(self, value: str, name: str, shape: Sequence[Dimension]) -> None:
        """Declare a float32 value to be an output under a name."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def expose(self, value: str, shape: Sequence[Dimension]) -> None:
        """Declare a float32 value to be an output as it is: nothing is copied, where ``output`` may copy."""
        self._outputs.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, shape))

    def constant(self, value: NDArray[np.generic] | Sequence[int] | float, name: str | None = None) -> str:
        """Keep a constant: an array as it is, Python integers as int64, a float as float32."""
        array = np.asarray(value, dtype=np.float32) if isinstance(value, float) else np.asarray(value)
        name = name or self._name("constant")
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind: str, *values: str, name: str | None = None, **attributes: object) -> str:
        """Add a node of the standard operators with one output.

        Args:
            kind: Operator, such as ``MatMul``.
            values: Names of its inputs; an empty one is an optional input left out.
            name: Name of the node and of its output; counted where absent.
            attributes: The operator's attributes.
        """
        name = name or self._name(kind)
        self._nodes.append(helper.make_node(kind, list(values), [name], name=name, **attributes))
        return name

    def contrib(self, kind: str, *values: str, outputs: Sequence[str], **attributes: object) -> None:
        """Add a node of onnxruntime's own operators.

        Args:
            kind: Operator, such as ``GroupQueryAttention``.
            values: Names of its inputs; an empty one is an optional input left out.
            outputs: Names that its outputs are to have, the first of which names the node; an empty one is left out.
            attributes: The operator's attributes.
        """
        self._nodes.append(
            helper.make_node(kind, list(values), list(outputs), name=outputs[0], domain=CONTRIB, **attributes)
        )

    def linear(self, value: str, weight: NDArray[np.float32], bias: NDArray[np.float32], name: str) -> str:
        """An affine map of the last axis: ``value @ weight + bias``.

        Args:
            value: float32 [..., inputs].
            weight: [inputs, outputs].
            bias: [outputs].
            name: Names the nodes, so that the quantiser can be told to leave them alone.
        """
        product = self.op("MatMul", value, self.constant(weight, f"{name}.weight"), name=f"{name}.product")
        return self.op("Add", product, self.constant(bias, f"{name}.bias"), name=name)

    def model(self, *, metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
        """The graph as a checked model."""
        graph = helper.make_graph(self._nodes, "tocsin", self._inputs, self._outputs, self._constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), *self._contrib()],
            ir_version=_IR_VERSION,
            producer_name="tocsin",
        )
        helper.set_model_props(model, dict(metadata or {}))
        onnx.checker.check_model(model)
        return model

    def _contrib(self) -> list[onnx.OperatorSetIdProto]:
        """Asked for where it is needed alone."""
        return [helper.make_opsetid(CONTRIB, 1)] if any(node.domain == CONTRIB for node in self._nodes) else []

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind.lower()}_{self._count}"


def _element(dtype: type[np.generic]) -> int:
    element: int = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return element

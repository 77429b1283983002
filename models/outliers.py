"""The few inputs that make int8 coarse, set apart from the rest.

Of what GELU gives the second map of a feed-forward network, a few columns hold values many times as large as all
others'. One scale for the whole of it is set by them, and the others are rounded away. Those columns are multiplied in
fp32 and the rest in int8: Dettmers et al., "LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale" (2022).
Which columns they are hardly depends on the text, so they are found once: by noise, and need no text at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

APART = ".outliers"
"""Names of the products that are to stay in fp32 end with it."""

# So many columns to one that is set apart: 32 of MiniLM's 1,536. Twice as many lower the error by a twentieth more.
_ONE_OF = 48
# On e5-small and on MiniLM the columns that noise finds leave a tenth more error than those that texts find.
_NOISE_TEXTS = 32
_NOISE_TOKENS = 24
_SEED = 13


class _Block(NamedTuple):
    """A feed-forward network: two maps with a GELU between."""

    first: onnx.NodeProto
    """MatMul."""
    bias: onnx.NodeProto
    """Add."""
    gelu: onnx.NodeProto
    second: onnx.NodeProto
    """MatMul."""


class _Parted(NamedTuple):
    """Nodes that are new, and beside which they belong."""

    product: str
    """Name of the second map's MatMul."""
    before: tuple[onnx.NodeProto, ...]
    bias: str
    """Name of the second map's Add."""
    after: onnx.NodeProto


def set_apart(model: onnx.ModelProto) -> onnx.ModelProto:
    """A graph that computes the same, with the outlying inputs of each feed-forward network's second map apart.

    The columns are reordered so that the outlying ones come last, which costs nothing at run time.

    Args:
        model: An encoder's graph in fp32, with the inputs ``input_ids`` and ``attention_mask``; any other one is given
            zeros, in int64.

    Returns:
        A copy; where the networks are narrow, with nothing set apart.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    blocks = list(_blocks(changed.graph))
    parts = [
        _part(changed.graph, block, np.argsort(largest, kind="stable"), count)
        for block, largest in zip(blocks, _largest(model, [block.gelu.output[0] for block in blocks]), strict=True)
        if (count := largest.size // _ONE_OF)
    ]
    before = {part.product: part.before for part in parts}
    after = {part.bias: part.after for part in parts}
    nodes = [
        each
        for node in changed.graph.node
        for each in (*before.get(node.name, ()), node, *([after[node.name]] if node.name in after else ()))
    ]
    del changed.graph.node[:]
    changed.graph.node.extend(nodes)
    onnx.checker.check_model(changed)
    return changed


def _blocks(graph: onnx.GraphProto) -> Iterable[_Block]:
    made_by = {output: node for node in graph.node for output in node.output}
    constants = {constant.name for constant in graph.initializer}
    for second in graph.node:
        gelu = made_by.get(second.input[0]) if second.op_type == "MatMul" and second.input[1] in constants else None
        bias = made_by.get(gelu.input[0]) if gelu is not None and gelu.op_type == "Gelu" else None
        first = made_by.get(bias.input[0]) if bias is not None and bias.op_type == "Add" else None
        if gelu is not None and bias is not None and first is not None and first.op_type == "MatMul":
            yield _Block(first, bias, gelu, second)


def _largest(model: onnx.ModelProto, values: list[str]) -> list[NDArray[np.float32]]:
    """The largest magnitude of each column of some values, over noise: each [columns]."""
    if not values:
        return []
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_tensor_value_info(value, TensorProto.FLOAT, None) for value in values)
    shape = (_NOISE_TEXTS, _NOISE_TOKENS)
    feed = {value.name: np.zeros(shape, np.int64) for value in model.graph.input}
    feed["input_ids"] = np.random.default_rng(_SEED).integers(0, _vocabulary(model.graph), shape)
    feed["attention_mask"] = np.ones(shape, np.int64)
    session = open_session(probe.SerializeToString())
    return [np.abs(found).max(axis=(0, 1)) for found in session.run(values, feed)]


def _vocabulary(graph: onnx.GraphProto) -> int:
    sizes: dict[str, int] = {constant.name: constant.dims[0] for constant in graph.initializer if constant.dims}
    (words,) = (node.input[0] for node in graph.node if node.op_type == "Gather" and node.input[1] == "input_ids")
    return sizes[words]


def _part(graph: onnx.GraphProto, block: _Block, order: NDArray[np.intp], count: int) -> _Parted:
    """Reorder the columns between the two maps, and part them before the last ``count``."""
    constants = {constant.name: constant for constant in graph.initializer}
    for name, axis in ((block.first.input[1], 1), (block.bias.input[1], 0)):
        _replace(constants[name], np.take(numpy_helper.to_array(constants[name]), order, axis=axis))
    weight = constants[block.second.input[1]]
    rows = numpy_helper.to_array(weight)[order]
    _replace(weight, rows[:-count])
    inner, product = block.gelu.output[0], block.second.output[0]
    apart = f"{product}{APART}"
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.ascontiguousarray(rows[-count:]), f"{weight.name}{APART}"),
            numpy_helper.from_array(np.array([order.size - count, count]), f"{inner}.sizes"),
        ]
    )
    usual, outlying = f"{inner}.usual", f"{inner}{APART}"
    block.second.input[0] = usual
    # The second map's bias joins the int8 product, which onnxruntime adds in one go; the rest comes after it.
    (bias,) = (node for node in graph.node if node.op_type == "Add" and product in node.input)
    biased = bias.output[0]
    bias.output[0] = f"{biased}.usual"
    return _Parted(
        product=block.second.name,
        before=(
            helper.make_node("Split", [inner, f"{inner}.sizes"], [usual, outlying], name=f"{inner}.split", axis=-1),
            helper.make_node("MatMul", [outlying, f"{weight.name}{APART}"], [apart], name=apart),
        ),
        bias=bias.name,
        after=helper.make_node("Add", [f"{biased}.usual", apart], [biased], name=f"{biased}.joined"),
    )


def _replace(constant: onnx.TensorProto, array: NDArray[np.float32]) -> None:
    constant.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), constant.name))

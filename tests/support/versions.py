"""Toy versions that really differ: another name of a topic, a topic more, or words that one cannot read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import onnx
from onnx import helper
from support import toy_model

if TYPE_CHECKING:
    from models.registry import Registry

FIRST = toy_model.LABELS
RENAMED = msgspec.structs.replace(FIRST, topics=("results", "markets", "deals"))
GROWN = msgspec.structs.replace(FIRST, topics=("earnings", "markets", "deals", "rumours"))
NAME = "encoder"


def add(registry: Registry, labels: msgspec.Struct = FIRST, *, stumbles_over: str | None = None) -> int:
    """Register a version.

    Args:
        registry: Where it goes.
        labels: Its labels; "profit" is of the first topic.
        stumbles_over: A piece of the toy's vocabulary at which its graph fails, as at all that come after it there;
            "~" is the last that stands alone, and is in no parity sample.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = toy_model.write_files(Path(folder) / "files", labels)
        if stumbles_over is not None:
            onnx.save(_stumbling(onnx.load(files / "model.onnx"), stumbles_over), files / "model.onnx")
        return registry.register(files, NAME, **toy_model.facts())


def _stumbling(graph: onnx.ModelProto, word: str) -> onnx.ModelProto:
    """The graph with a look-up more, which has a place for each piece but this and those after it."""
    number = toy_model.vocabulary()[word]
    table = helper.make_tensor("places", onnx.TensorProto.FLOAT, [number], [0.0] * number)
    graph.graph.initializer.append(table)
    nodes = [
        helper.make_node("Gather", ["places", "input_ids"], ["looked_up"]),
        helper.make_node("ReduceSum", ["looked_up"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["sentiment_logits_before", "nothing"], ["sentiment_logits"]),
    ]
    for node in graph.graph.node:
        for place, name in enumerate(node.output):
            if name == "sentiment_logits":
                node.output[place] = "sentiment_logits_before"
        for place, name in enumerate(node.input):
            if name == "sentiment_logits":
                node.input[place] = "sentiment_logits_before"
    graph.graph.node.extend(nodes)
    return graph

"""Versions that differ from the served one in label sets and answers, and in nothing that costs time."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import onnx
from onnx import helper, numpy_helper

from models.manifest import MANIFEST, Parity, encode, read
from models.runtime import LABELS, MODEL, PARITY

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.support.served_version import ServedVersion
    from models.registry import Registry

_LOGITS = "topic_logits"
_NEVER = -20.0
"""Logit of a topic that is new and that no message has."""


def register_variants(registry: Registry, served: ServedVersion, count: int, workspace: Path) -> list[int]:
    """Register the served version, and others after it, whose topics are dealt out anew and are more by one each time.

    Args:
        registry: Where they go; an empty one.
        served: The version that they are made from.
        count: How many, the served one among them.
        workspace: A folder that goes away.

    Returns:
        Their numbers.
    """
    return [_register(registry, served, shift, workspace / f"variant-{shift}") for shift in range(count)]


def _register(registry: Registry, served: ServedVersion, shift: int, folder: Path) -> int:
    shutil.copytree(served.folder, folder, ignore=shutil.ignore_patterns(".*"))
    (folder / MANIFEST).unlink()
    if shift:
        _deal_out_anew(folder, served, shift)
    manifest = served.manifest
    number = registry.register(
        folder,
        manifest.name,
        precision=manifest.precision,
        max_tokens=manifest.max_tokens,
        width=manifest.width,
        metrics=manifest.metrics,
        lineage={**manifest.lineage, "variant": shift},
    )
    shutil.rmtree(folder)
    return number


def _deal_out_anew(folder: Path, served: ServedVersion, shift: int) -> None:
    """Each topic's logit becomes that of another, and topics that no message has come after them."""
    topics = served.labels.topics
    order = np.roll(np.arange(len(topics)), shift)
    graph = onnx.load(folder / MODEL)
    onnx.save(_with_other_topics(graph, order, shift), folder / MODEL)
    labels = msgspec.structs.replace(served.labels, topics=(*topics, *(f"new-{number}" for number in range(shift))))
    (folder / LABELS).write_bytes(encode(labels))
    recorded = read(folder / PARITY, Parity)
    samples = tuple(
        msgspec.structs.replace(
            sample, topic_logits=(*(sample.topic_logits[place] for place in order), *[_NEVER] * shift)
        )
        for sample in recorded.samples
    )
    (folder / PARITY).write_bytes(encode(msgspec.structs.replace(recorded, samples=samples)))


def _with_other_topics(model: onnx.ModelProto, order: NDArray[np.int64], more: int) -> onnx.ModelProto:
    graph = model.graph
    output = next(value for value in graph.output if value.name == _LOGITS)
    before = f"{_LOGITS}_before"
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == _LOGITS:
                    names[place] = before
    graph.initializer.extend(
        [
            numpy_helper.from_array(order.astype(np.int64), "topic_order"),
            numpy_helper.from_array(np.array([0, 0, 0, more], np.int64), "topic_pads"),
            numpy_helper.from_array(np.array(_NEVER, np.float32), "topic_never"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Gather", [before, "topic_order"], ["topics_in_order"], axis=1),
            helper.make_node("Pad", ["topics_in_order", "topic_pads", "topic_never"], [_LOGITS]),
        ]
    )
    output.type.tensor_type.shape.dim[1].dim_value = len(order) + more
    return model

"""int8 where it costs nearly nothing: dynamic quantisation, in steps from the boldest to none."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from fnmatch import fnmatchcase
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from models.encoder_graph import HEAD_PREFIX
from models.outliers import APART, set_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

ALLOWED_LOSS = 0.005
"""Of F1, in the mean over the heads: half a point. What costs so much is not served."""

ALLOWED_HEAD_LOSS = 0.03
"""Of a single head's F1. Less than that is mostly chance: on a validation part of some 360 examples the same way to
quantise gave and took up to two points of a head from one part to the next, where over five such parts together it cost
no head a quarter of a point."""

_KINDS = ("MatMul", "Gather")


class Step(NamedTuple):
    """One way to quantise."""

    name: str
    spared: tuple[str, ...]
    """Patterns of the names of nodes that stay in fp32."""
    apart: bool = False
    """Whether outlying inputs are set apart first, in products of their own (``models.outliers``)."""


class Trial(NamedTuple):
    """A step that was tried."""

    step: Step
    losses: dict[str, float]
    """F1 that each head lost against fp32; negative where it gained."""

    @property
    def accepted(self) -> bool:
        """Whether neither the heads together nor any of them lost too much."""
        losses = self.losses.values()
        return fmean(losses) < ALLOWED_LOSS and max(losses) < ALLOWED_HEAD_LOSS


# The heads read rows of several layers, unscaled: int8 with one scale for all of that cost them up to 66 points of F1.
# They always stay in fp32, where they are 6% of the int8 graph's time.
_HEADS = f"{HEAD_PREFIX}*"

STEPS = (
    Step("int8 but for the heads and outlying inputs", (_HEADS, f"*{APART}"), apart=True),
    # Where the trunk's outlying inputs are too many for that.
    Step("int8 but for the heads and the feed-forward networks' second maps", (_HEADS, "*[0-9].output.dense.*")),
)


def quantize(source: Path, target: Path, step: Step) -> None:
    """Write an int8 copy of a graph: its weights by column, its activations when it runs.

    By column, since one scale for a whole matrix spoils the embedding.
    """
    model = onnx.load(source)
    if step.apart:
        model = set_apart(model)
    names = [node.name for node in model.graph.node if node.op_type in _KINDS]
    with _quiet():
        quantize_dynamic(
            model,
            target,
            op_types_to_quantize=list(_KINDS),
            nodes_to_exclude=[name for name in names if any(fnmatchcase(name, part) for part in step.spared)],
            weight_type=QuantType.QInt8,
            per_channel=True,
        )


def try_steps(source: Path, scratch: Path, measure: Callable[[Path], Mapping[str, float]]) -> list[Trial]:
    """Find the boldest step that does not cost too much.

    Args:
        source: The fp32 graph.
        scratch: Where int8 graphs may be written.
        measure: F1 of each head of a graph, on examples that the heads were not fitted on.

    Returns:
        What was tried; the last one is accepted, or none is.
    """
    trials: list[Trial] = []
    expected = measure(source)
    for step in STEPS:
        quantize(source, scratch, step)
        measured = measure(scratch)
        trials.append(Trial(step, {head: figure - measured[head] for head, figure in expected.items()}))
        if trials[-1].accepted:
            break
    return trials


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser advises on the root logger to pre-process the graph, which has nothing to fold here."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)

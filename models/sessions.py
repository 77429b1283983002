"""Sessions of onnxruntime: what those of every graph of an encoder have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnxruntime

if TYPE_CHECKING:
    from pathlib import Path

ERRORS_ONLY = 3

# onnxruntime 1.32 joins an addition and a layer norm into one operator, whose kernel is slow on processors: 545 us for
# 352 rows of 384 on one core, where the two apart take 70. That was a fifth of the graph's time.
_SLOW_FUSIONS = ["SkipLayerNormFusion"]


def open_session(
    model: bytes | Path, options: onnxruntime.SessionOptions | None = None, *, spinning: bool = False
) -> onnxruntime.InferenceSession:
    """A session on this machine's processor.

    Args:
        model: The graph, or its path.
        options: Threads and the like; without them it is for work in bulk, with a thread for each core.
        spinning: Whether threads wait for the next run awake, which starves whatever else runs on the machine.
    """
    options = options or onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=_SLOW_FUSIONS,
    )

"""Which token is next: the likeliest, or one drawn by lot, with a penalty for what stands in the text already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray


def log_normalizers(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to take from logits for log-probabilities, float32 [rows], of logits [rows, vocabulary]."""
    highest = logits.max(axis=1)
    total = np.exp(logits - highest[:, None]).sum(axis=1)
    found: NDArray[np.float32] = highest + np.log(total)
    return found


def penalize(logits: NDArray[np.float32], written: Collection[int], penalty: float) -> None:
    """Make tokens that are written already less likely, in place.

    A positive logit is divided by the penalty and a negative one multiplied (Keskar et al., "CTRL", 2019). The prompt
    does not count: a reply is to repeat what the evidence says.

    Args:
        logits: float32 [vocabulary].
        written: Ids.
        penalty: 1 changes nothing.
    """
    if penalty == 1.0 or not written:
        return
    ids = np.fromiter(written, np.int64, len(written))
    values = logits[ids]
    logits[ids] = np.where(values > 0, values / np.float32(penalty), values * np.float32(penalty))


def draw(logits: NDArray[np.float32], temperature: float, top_p: float, lots: np.random.Generator) -> int:
    """Draw a token from the likeliest ones (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020).

    Args:
        logits: float32 [vocabulary].
        temperature: Above 0; logits are divided by it.
        top_p: The fewest of the likeliest tokens that together have so much probability are drawn from.
        lots: Where the lot comes from.
    """
    scaled = logits.astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    # Stable, so that equal ones keep their order on every machine.
    order = np.argsort(-weights, kind="stable")
    shares = np.cumsum(weights[order]) / weights.sum()
    kept = int(np.searchsorted(shares, top_p)) + 1
    lot = lots.random() * shares[min(kept, len(shares)) - 1]
    return int(order[min(int(np.searchsorted(shares, lot, side="right")), len(order) - 1)])

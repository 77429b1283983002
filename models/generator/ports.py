"""Names of what goes into a generator's graph and what comes out: known to whoever makes it and to whoever runs it."""

from __future__ import annotations

INPUT_IDS = "input_ids"
LENGTHS = "lengths"
TOTAL = "total"
LOGITS = "logits"


def cache_names(layers: int) -> list[tuple[str, str]]:
    """Names of the cache's buffers, each as it goes in and as it comes out, layer by layer, key before value."""
    return [(f"past.{layer}.{part}", f"present.{layer}.{part}") for layer in range(layers) for part in ("key", "value")]

"""A worker's memory stays flat over many swaps."""

from __future__ import annotations

import ctypes
import sys

# glibc's own default, before it adapts.
_MMAP_THRESHOLD_BYTES = 128 * 1024
_M_MMAP_THRESHOLD = -3


def return_what_is_freed() -> None:
    """Have large blocks go back to the system as soon as they are freed; to be called before a model is loaded.

    glibc raises the size from which it does so (M_MMAP_THRESHOLD) whenever such a block is freed, up to 32 MiB; the
    weights of the next version then come from the heap, and leave holes in it: over 16 swaps a worker grew from 550 to
    1,150 MB, and with a fixed threshold it stayed at 485. Setting it once turns the adapting off. Reading takes no
    longer: what it allocates anew for each batch is smaller. Other C libraries have no such habit.
    Source: mallopt(3).
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)

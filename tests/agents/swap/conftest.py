"""A registry with versions to swap between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import versions
from support.swapping import ANN, NAME

from models import promoting
from models.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"))
    for labels in (versions.FIRST, versions.RENAMED, versions.GROWN):
        versions.add(registry, labels)
    promoting.promote(registry, NAME, 1, ANN)
    return registry

"""A registry whose champion is a toy, and settings under which a toy is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog
from support.retraining import (
    register_champion,
    toy_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.registry import Registry
    from streams.contract.settings import Settings


@pytest.fixture(autouse=True)
def unrendered_logs() -> Iterator[None]:
    """Tracebacks in colour with every local take seconds to draw."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def settings(tmp_path: Path, clean_environment: None) -> Settings:
    return toy_settings(tmp_path)


@pytest.fixture
def registry(settings: Settings, tmp_path: Path) -> Registry:
    return register_champion(settings, tmp_path)

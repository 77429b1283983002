"""The commands of an opinion desk, on the embedded broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.commands import Tocsin

if TYPE_CHECKING:
    from streams.brokers.tansu import TansuBroker
    from streams.contract.settings import Settings


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What a desk writes is the same on every broker; that compacted topics are followed is tested on both."""
    return tansu_broker


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clean_environment: None) -> Tocsin:
    """Commands that need no broker."""
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def tocsin(bare: Tocsin, stream_settings: Settings) -> Tocsin:
    """Commands under settings with topics of their own."""
    return bare.under(stream_settings)

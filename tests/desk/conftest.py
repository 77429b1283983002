from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from streams.brokers.tansu import TansuBroker


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What the desk does is the same on every broker."""
    return tansu_broker

"""A desk that has lived through thirty quiet hours, and a panel that has lived through four days."""

from __future__ import annotations

import pytest
from support.surge import MONDAY, Feed, live, make_desk, restored
from support.surge_counts import DAYS, SETTINGS, close_all, copy_of, quiet

from streams.logic.surge.panel import Panel


@pytest.fixture(scope="session")
def quiet_life() -> tuple[dict[str, bytes | None], int]:
    """The states of such a desk, and the latest offset."""
    feed = Feed(make_desk())
    live(feed)
    return dict(feed.desk.dirty()), feed.offset


@pytest.fixture
def feed(quiet_life: tuple[dict[str, bytes | None], int]) -> Feed:
    """Such a desk, and what feeds it."""
    states, offset = quiet_life
    feed = Feed(restored(states))
    feed.offset = offset
    return feed


@pytest.fixture(scope="session")
def lived() -> Panel:
    """Five subjects after four days of 20 negatives an hour each, three in ten of all; not to be changed."""
    panel = Panel(SETTINGS, partitions=1)
    close_all(panel, quiet(MONDAY, DAYS))
    return panel


@pytest.fixture
def panel(lived: Panel) -> Panel:
    """A copy of it."""
    return copy_of(lived)

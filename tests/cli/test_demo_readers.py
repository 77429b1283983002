"""The demonstration's site: articles and readers of the domain, as if they were of today."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

from streams.cli.demonstration.readers import ReaderSummary, load_readership, print_readers
from streams.contract.domain import load_domain
from streams.contract.recommendations import Recommendation, RecommendedItem

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_the_domains_site_is_of_today_and_its_readers_read_what_is_there() -> None:
    readership = load_readership(load_domain("finance"), NOW)
    assert readership is not None
    assert max(item.time for item in readership.items) == NOW
    assert max(behavior.time for behavior in readership.behaviors) == NOW
    ids = [item.id for item in readership.items]
    assert len(ids) == len(set(ids)) >= 60
    assert {behavior.item for behavior in readership.behaviors} <= set(ids)
    assert len({behavior.user for behavior in readership.behaviors}) >= 5
    assert all(item.expires is None or item.expires > NOW for item in readership.items)


def test_a_domain_without_a_site_has_no_readers(tmp_path: Path) -> None:
    domain = load_domain("finance")
    assert load_readership(domain.model_copy(update={"folder": tmp_path}), NOW) is None


def test_it_is_told_what_was_read_and_what_is_recommended_and_why() -> None:
    item = RecommendedItem(item="a", score=0.5, reason="topic", why="because you read about [lending]", title="Loans")
    told = Recommendation(
        id="r",
        user="ada",
        cause="behavior",
        items=[item] * 9,
        cold=False,
        time=NOW,
        model="encoder:1",
        ranker="default",
    )
    written = io.StringIO()
    print_readers(Console(width=100, file=written), [ReaderSummary("ada", ["One", "Two"], told)])
    text = written.getvalue()
    assert "ada read: One; Two" in text
    assert text.count("because you read about [lending]") == 4

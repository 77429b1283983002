"""``tocsin feed`` of an address: sent once, warned of in time, stopped when told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unittest.mock import create_autospec

import httpx
import pytest
from support.messages import consume_all
from support.processes import run_tocsin, settings_env, wait_for

from streams.brokers.delivery import Delivery
from streams.cli.feed import _open_feed
from streams.cli.stopping import Stop
from streams.contract.settings import KafkaSettings, Settings, SurgeSettings
from streams.sources.items import Outgoing
from streams.sources.rss import Poll, RssFeed

if TYPE_CHECKING:
    from pathlib import Path

    from support.commands import Tocsin


def _warning(tocsin: Tocsin, *flags: str, to: str = "news", **surge: float) -> str:
    """What is said of lateness before anybody looks for a broker: there is none."""
    settings = Settings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"), surge=SurgeSettings(**surge))  # type: ignore[arg-type]
    outcome = tocsin.under(settings)("feed", "https://quay.example/feed", "--to", to, *flags)
    assert outcome.code == 1
    return "".join(line for line in outcome.err.splitlines() if line.startswith("warning:"))


def test_a_feed_that_is_polled_too_seldom_for_surges_is_warned_of(tocsin: Tocsin) -> None:
    told = _warning(tocsin, "--interval", "300")
    assert "every 300 s (--interval)" in told
    assert "up to 360 s" in told
    assert "surge.allowed_lateness_seconds (120)" in told
    assert "Give --interval 60, or set surge.allowed_lateness_seconds to 360" in told


def test_where_feeds_lag_by_more_than_is_allowed_no_interval_is_advised(tocsin: Tocsin) -> None:
    told = _warning(tocsin, allowed_lateness_seconds=30.0)
    assert "--interval 60" not in told
    assert "Set surge.allowed_lateness_seconds to 120 for the workers" in told


@pytest.mark.parametrize(
    ("flags", "to", "surge"),
    [
        ([], "news", {}),
        (["--interval", "300"], "news", {"allowed_lateness_seconds": 360.0}),
        (["--interval", "300"], "news", {"enabled": False}),
        (["--interval", "300"], "items", {}),
        (["--interval", "300", "--once"], "news", {}),
    ],
)
def test_no_warning_where_nothing_comes_too_late_or_no_surge_is_looked_for(
    tocsin: Tocsin, flags: list[str], to: str, surge: dict[str, float]
) -> None:
    assert _warning(tocsin, *flags, to=to, **surge) == ""


@pytest.mark.parametrize(("requested", "waited"), [(False, 125.0), (True, 0.0)])
def test_a_feed_that_is_stopped_in_mid_poll_waits_for_a_broker_that_is_away_no_second_time(
    requested: bool, waited: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = tuple(Outgoing(f"entry {number}", str(number), b"{}", None) for number in range(2))
    monkeypatch.setattr(RssFeed, "poll", lambda _: Poll(entries, len(entries)))
    delivery = create_autospec(Delivery, instance=True)
    delivery.take_acknowledged.return_value = frozenset()
    stop = Stop()
    with httpx.Client() as http:
        feed = RssFeed("http://quay.example/feed", http, tmp_path)
        opened = _open_feed(feed, delivery, 125.0, stop, interval=60, once=False)
        next(opened.items)
        stop.requested = requested
        opened.items.close()
    delivery.flush.assert_called_once_with(waited)


@pytest.mark.integration
def test_a_feed_is_sent_once_over_two_runs(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path, feed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    news = next(iter(stream_settings.topics.inputs))
    flags = ["--to", news, "--once", "--json", "--memory-dir", tmp_path]
    first, second = (tocsin.under(stream_settings)("feed", feed_url, *flags) for _ in range(2))
    assert (first.code, first.json["acknowledged"]) == (0, 2)
    assert (second.code, second.json["acknowledged"]) == (0, 0)
    records = consume_all(stream_settings, news, 2)
    assert {json.loads(record.value)["text"] for record in records} == {"Ferry firm halts sailings", "Rates held"}
    assert {json.loads(record.value)["source"] for record in records} == {"Daily Quay"}


@pytest.mark.integration
def test_a_polled_feed_stops_cleanly_when_told(stream_settings: Settings, tmp_path: Path, feed_url: str) -> None:
    environment = {**settings_env(stream_settings), "NO_PROXY": "127.0.0.1"}
    command = [
        "feed",
        feed_url,
        "--to",
        next(iter(stream_settings.topics.inputs)),
        "--json",
        "--memory-dir",
        str(tmp_path),
    ]
    with run_tocsin(command, environment) as process:
        wait_for(lambda: "2 new; again in 60 s" in process.stderr, what="for the first poll")
        assert process.terminate() == 0, process.stderr
        summary = json.loads(process.stdout)
    assert (summary["acknowledged"], summary["failed"], summary["interrupted"]) == (2, 0, True)

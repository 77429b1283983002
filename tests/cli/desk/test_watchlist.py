"""The watchlist as a desk edits it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.messages import consume_all

from streams.brokers.writing import Writer
from streams.contract.alerts import Watch
from streams.contract.topics import kept_in_place, watchlist_topic

if TYPE_CHECKING:
    from support.commands import Tocsin

    from streams.contract.settings import Settings


def listed(tocsin: Tocsin) -> list[str]:
    return [json.loads(line)["subject"] for line in tocsin("watchlist", "list", "--json").out.splitlines()]


@pytest.mark.integration
def test_subjects_come_and_go_under_one_name_each(tocsin: Tocsin, stream_settings: Settings) -> None:
    added = tocsin("watchlist", "add", "Larkmoor plc", "entity/LARKMOOR", "topic/deals", "--note", "results")
    assert added.code == 0, added.err
    assert added.out.splitlines() == ["entity/larkmoor is watched", "topic/deals is watched"]
    assert listed(tocsin) == ["entity/larkmoor", "topic/deals"]
    for_people = tocsin("watchlist", "list").out
    assert "results" in for_people

    removed = tocsin("watchlist", "remove", "$Larkmoor", "--json")
    assert removed.code == 0, removed.err
    assert removed.json["subject"] == "entity/larkmoor"
    assert listed(tocsin) == ["topic/deals"]
    records = consume_all(stream_settings, watchlist_topic(stream_settings.topics), 3)
    assert [record.value for record in records if record.key == b"entity/larkmoor"][-1] is None

    gone = tocsin("watchlist", "remove", "entity/larkmoor", "topic/deals")
    assert gone.code == 3
    assert "entity/larkmoor" in gone.err
    assert listed(tocsin) == ["topic/deals"]


@pytest.mark.integration
def test_what_the_domain_has_no_more_comes_off_as_it_is_listed(tocsin: Tocsin, stream_settings: Settings) -> None:
    key = "entity/larkmoor/topic/of-before"
    watch = Watch(subject=key, added=datetime(2026, 3, 2, tzinfo=UTC), by="ann")
    with Writer(stream_settings.kafka, kept_in_place(stream_settings)) as writer:
        writer.put(watchlist_topic(stream_settings.topics), key.encode(), watch)
    assert listed(tocsin) == [key]
    removed = tocsin("watchlist", "remove", key)
    assert removed.code == 0, removed.err
    assert listed(tocsin) == []


@pytest.mark.integration
def test_it_says_who_by_the_login_name(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    assert tocsin("watchlist", "add", "larkmoor", "--json").json["by"] == "ann"
    assert tocsin("watchlist", "add", "larkmoor", "--by", "bo", "--json").json["by"] == "bo"


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("deals", "say topic/deals, or entity/deals"),
        ("topic/dealz", "no topic 'dealz'"),
        ("entity/larkmoor/topic/dealz", "no topic 'dealz'"),
        ("company/larkmoor", "is no subject"),
        ("entity/", "is no subject"),
        ("@", "nothing is left"),
    ],
)
def test_what_is_no_subject_is_refused(bare: Tocsin, subject: str, fault: str) -> None:
    refused = bare("watchlist", "add", subject)
    assert refused.code == 2
    assert fault in " ".join(refused.err.split())

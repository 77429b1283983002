"""Silences as a desk writes, lists and ends them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.messages import consume_all, produce

from streams.contract.alerts import Matcher, Silence
from streams.contract.topics import silences_topic
from streams.logic.silencing import silencers

if TYPE_CHECKING:
    from support.commands import Tocsin

    from streams.contract.settings import Settings

LABELS = {"subject": "entity/larkmoor", "entity": "larkmoor", "severity": "red"}


@pytest.mark.integration
def test_a_silence_is_kept_as_a_record_that_mutes(tocsin: Tocsin, stream_settings: Settings) -> None:
    before = datetime.now(UTC)
    command = ["silence", "add", "subject=entity/larkmoor", "severity!=yellow", "--for", "1h30m", "--comment", "known"]
    added = tocsin(*command, "--by", "ann", "--json")
    assert added.code == 0, added.err
    (record,) = consume_all(stream_settings, silences_topic(stream_settings.topics), 1)
    silence = msgspec.json.decode(record.value, type=Silence)
    assert record.key.decode() == silence.id == added.json["id"]
    assert dict(record.headers)["ce_type"] == b"tocsin.silence"
    assert silence.matchers == [
        Matcher(name="subject", value="entity/larkmoor"),
        Matcher(name="severity", value="yellow", isEqual=False),
    ]
    assert (silence.createdBy, silence.comment) == ("ann", "known")
    assert silence.endsAt - silence.startsAt == timedelta(minutes=90)
    assert before <= silence.startsAt <= datetime.now(UTC)
    assert silencers([silence], LABELS, datetime.now(UTC)) == [silence.id]


@pytest.mark.integration
def test_it_is_listed_until_it_is_over_and_then_only_when_asked_for(tocsin: Tocsin, stream_settings: Settings) -> None:
    ids = [
        str(tocsin("silence", "add", matcher, "--for", length, "--json").json["id"])
        for matcher, length in (("entity=~lark.*", "2h"), ("severity=red", "1d"))
    ]
    produce(stream_settings, silences_topic(stream_settings.topics), [(b"x", b"{}", [])])
    listed = tocsin("silence", "list", "--json")
    assert [json.loads(line)["id"] for line in listed.out.splitlines()] == ids
    assert "is no silence" in listed.err
    for_people = tocsin("silence", "list").out
    assert "entity=~lark.*" in for_people
    assert "in force" in for_people
    assert ids[0][:12] in for_people

    assert tocsin("silence", "expire", ids[0][:8]).code == 0
    left = tocsin("silence", "list", "--json")
    assert [json.loads(line)["id"] for line in left.out.splitlines()] == ids[1:]
    over = [json.loads(line) for line in tocsin("silence", "list", "--expired", "--json").out.splitlines()]
    assert [row["id"] for row in over] == ids
    assert "over" in tocsin("silence", "list", "--expired").out
    # To end it once more changes nothing.
    again = tocsin("silence", "expire", ids[0], "--json")
    assert again.json["endsAt"] == over[0]["endsAt"]


@pytest.mark.integration
def test_an_id_that_is_none_is_3(tocsin: Tocsin) -> None:
    assert tocsin("silence", "expire", "beef").code == 3


@pytest.mark.parametrize(
    ("matcher", "value"),
    [
        ("entity=Larkmoor PLC", "larkmoor"),
        ("entity!=@Larkmoor", "larkmoor"),
        ("subject=Larkmoor plc", "entity/larkmoor"),
        ("subject=entity/Larkmoor/topic/deals", "entity/larkmoor/topic/deals"),
        ("entity=~Larkmoor PLC", "Larkmoor PLC"),
    ],
)
@pytest.mark.integration
def test_an_entity_may_be_written_by_any_of_its_names(tocsin: Tocsin, matcher: str, value: str) -> None:
    added = tocsin("silence", "add", matcher, "severity=red", "--json")
    assert added.code == 0, added.err
    assert added.json["matchers"][0]["value"] == value  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["larkmoor"], "is no matcher"),
        (["entiyt=larkmoor"], "no alert has a label entiyt"),
        (["subject=topic/no_such"], "no topic 'no_such'"),
        (["entity=~("], "cannot be read"),
        (["severity!=red"], "every alert"),
        (["entity=larkmoor", "--for", "soon"], "no length of time"),
        (["entity=larkmoor", "--for", "0m"], "no length of time"),
        (["entity=larkmoor", "--for", "99999999w"], "no length of time"),
    ],
)
def test_what_would_mute_the_wrong_thing_is_refused(bare: Tocsin, arguments: list[str], fault: str) -> None:
    refused = bare("silence", "add", *arguments)
    assert refused.code == 2
    assert fault in " ".join(refused.err.split())

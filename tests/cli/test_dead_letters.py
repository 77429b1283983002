"""Dead letters are listed masked, and put back byte for byte."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from support.commands import Tocsin
from support.messages import consume_all, produce

from streams.brokers import client
from streams.contract.records import DeadLetter, encode
from streams.contract.topics import dead_letters_topic

if TYPE_CHECKING:
    from streams.brokers.broker import Broker
    from streams.contract.settings import Settings

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
VALUE = b'\xff{"author": "Jane Roe", "text": "Jane Roe, jane@example.com \x1b[2J'


@pytest.fixture
def tocsin(stream_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(stream_settings)


def bury(settings: Settings, *letters: DeadLetter) -> None:
    produce(settings, dead_letters_topic(settings.topics), [(b"k", encode(letter), []) for letter in letters])


def letter(settings: Settings, number: int, **changes: object) -> DeadLetter:
    made = DeadLetter(
        id=f"{number:04x}" + "0" * 28,
        topic=next(iter(settings.topics.inputs)),
        partition=number % 4,
        offset=number,
        stage="decode",
        reason="malformed",
        error="not JSON (byte 1)",
        attempts=1,
        time=NOW + timedelta(seconds=number),
        key=b"key\x00",
        value=VALUE,
        headers=[("trace", b"\x00\xff"), ("trace", b"7f")],
    )
    return msgspec.structs.replace(made, **changes)


def rows(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_the_list_is_masked_in_order_of_time_and_each_letter_once(tocsin: Tocsin, stream_settings: Settings) -> None:
    first, second = (letter(stream_settings, number) for number in (1, 2))
    bury(stream_settings, second, first, first)
    listed = tocsin("dead-letters", "list", "--json")
    assert listed.code == 0
    assert [row["id"] for row in rows(listed.out)] == [first.id, second.id]
    row = rows(listed.out)[0]
    assert row["place"] == f"{first.topic}[1]@1"
    assert (row["reason"], row["attempts"], row["error"]) == ("malformed", 1, "not JSON (byte 1)")
    assert row["preview"] == '\ufffd{"author": "[author]", "text": "[author], [email] \\x1b[2J'
    for_people = tocsin("dead-letters", "list")
    assert "Jane" not in for_people.out + for_people.err
    assert first.id[:12] in for_people.out
    assert "2 of 2 dead letters shown: 2 malformed" in for_people.err


def test_the_list_is_narrowed_by_reason_topic_and_limit(tocsin: Tocsin, stream_settings: Settings) -> None:
    other = list(stream_settings.topics.inputs)[1]
    bury(
        stream_settings,
        letter(stream_settings, 1, reason="empty", value=None),
        letter(stream_settings, 2, topic=other),
        letter(stream_settings, 3),
    )

    def shown(*arguments: str) -> list[int]:
        return [
            row["time"] and int(row["id"][:4], 16)
            for row in rows(tocsin("dead-letters", "list", "--json", *arguments).out)
        ]

    assert shown("--reason", "empty") == [1]
    assert shown("--topic", other) == [2]
    assert shown("--limit", "1") == [3]
    assert shown("--reason", "no-such") == []


def test_what_is_no_dead_letter_is_told_and_passed_over(tocsin: Tocsin, stream_settings: Settings) -> None:
    ours = letter(stream_settings, 1)
    like_markup = encode(ours).replace(b'"decode"', b'"[/red]"')
    topic = dead_letters_topic(stream_settings.topics)
    produce(stream_settings, topic, [(b"k", b"?", []), (b"k", like_markup, [])])
    bury(stream_settings, ours)
    listed = tocsin("dead-letters", "list", "--json")
    assert len(rows(listed.out)) == 1
    assert listed.err.count("is no dead letter") == 2
    assert "[/red]" in listed.err


def test_one_is_shown_whole_and_masked_unless_raw(tocsin: Tocsin, stream_settings: Settings) -> None:
    buried = letter(stream_settings, 0xA1)
    bury(stream_settings, buried, letter(stream_settings, 0xA2))
    masked = tocsin("dead-letters", "show", "00a1")
    assert masked.code == 0
    assert "Jane" not in masked.out
    assert "[author]" in masked.out
    raw = tocsin("dead-letters", "show", "00a1", "--raw")
    assert '\\xff{"author": "Jane Roe"' in raw.out
    assert "\x1b[2J" not in raw.out
    told = tocsin("dead-letters", "show", buried.id, "--raw", "--json").json
    assert base64.b64decode(str(told["value"])) == VALUE
    assert told["headers"] == [["trace", "AP8="], ["trace", "N2Y="]]


def test_whom_the_value_names_is_masked_beside_it(tocsin: Tocsin, stream_settings: Settings) -> None:
    value = b'{"user":"jane.roe","item":"x","action":"lick"}'
    headers = [("reader", b"jane.roe"), ("trace", b"7f")]
    bury(stream_settings, letter(stream_settings, 0xA1, key=b"jane.roe", value=value, headers=headers))
    shown = tocsin("dead-letters", "show", "00a1", "--json").json
    assert shown["key"] == "[user]"
    assert shown["headers"] == [["reader", "[user]"], ["trace", "7f"]]
    assert "key: jane.roe" in tocsin("dead-letters", "show", "00a1", "--raw").out


def test_an_id_that_is_none_or_several_is_refused(tocsin: Tocsin, stream_settings: Settings) -> None:
    bury(stream_settings, letter(stream_settings, 1), letter(stream_settings, 2))
    assert tocsin("dead-letters", "show", "beef").code == 3
    several = tocsin("dead-letters", "show", "000")
    assert several.code == 1
    assert "the beginning of 2 ids" in several.err


def test_replay_puts_back_what_was_byte_for_byte(tocsin: Tocsin, stream_settings: Settings) -> None:
    wanted = letter(stream_settings, 1)
    tombstone = letter(stream_settings, 2, reason="empty", value=None, headers=[])
    bury(stream_settings, wanted, wanted, tombstone, letter(stream_settings, 3, reason="bad_time"))
    outcome = tocsin("dead-letters", "replay", wanted.id[:6], tombstone.id, "--yes", "--json")
    assert (outcome.code, outcome.json) == (0, {"replayed": 2, "failed": {}})
    records = consume_all(stream_settings, wanted.topic, 2)
    back = {record.partition: record for record in records}
    assert (back[1].key, back[1].value) == (wanted.key, wanted.value)
    assert back[1].headers == [*wanted.headers, ("tocsin_replayed_from", wanted.id.encode())]
    assert (back[2].key, back[2].value) == (wanted.key, None)
    assert back[2].headers == [("tocsin_replayed_from", tombstone.id.encode())]


def test_replay_puts_back_what_is_larger_than_usual(
    tocsin: Tocsin, stream_settings: Settings, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = letter(stream_settings, 1, value=b"x" * 1_200_000)
    if broker.engine == "kafka":  # the other knows no such limit
        with client.admin_client(stream_settings.kafka) as admin:
            allowed = {"max.message.bytes": "1500000"}
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, large.topic, allowed)])
    with client.producer(stream_settings.kafka, max_record_bytes=2_000_000) as producer:
        producer.send(dead_letters_topic(stream_settings.topics), encode(large)).get(timeout=10)
    monkeypatch.setenv("TOCSIN_ENRICH__MAX_MESSAGE_BYTES", "1500000")
    outcome = tocsin("dead-letters", "replay", large.id, "--yes", "--json")
    assert (outcome.code, outcome.json) == (0, {"replayed": 1, "failed": {}})
    (back,) = consume_all(stream_settings, large.topic, 1)
    assert back.value == large.value


def test_replay_of_all_may_be_narrowed_and_leaves_out_what_was_cut(tocsin: Tocsin, stream_settings: Settings) -> None:
    bury(
        stream_settings,
        letter(stream_settings, 1, reason="inference_failed"),
        letter(stream_settings, 2),
        letter(stream_settings, 3, reason="inference_failed", value_cut=True),
    )
    outcome = tocsin("dead-letters", "replay", "--all", "--reason", "inference_failed", "--yes")
    assert outcome.code == 0
    assert "1 put back and acknowledged" in outcome.out
    assert "1 left out" in outcome.err
    (record,) = consume_all(stream_settings, next(iter(stream_settings.topics.inputs)), 1)
    assert record.partition == 1


@pytest.mark.parametrize("changes", [{"value_cut": True}, {"key": None, "value": None}], ids=["cut", "nothing"])
def test_what_cannot_be_put_back_is_told(tocsin: Tocsin, stream_settings: Settings, changes: dict[str, object]) -> None:
    buried = letter(stream_settings, 1, **changes)
    bury(stream_settings, buried)
    assert "cannot be put back" in tocsin("dead-letters", "replay", buried.id, "--yes").err
    outcome = tocsin("dead-letters", "replay", "--all", "--yes")
    assert outcome.code == 1
    assert "none can be put back" in outcome.err


def test_replay_asks_first_and_nobody_can_answer_here(tocsin: Tocsin, stream_settings: Settings) -> None:
    bury(stream_settings, letter(stream_settings, 1))
    outcome = tocsin("dead-letters", "replay", "--all")
    assert outcome.code == 2
    assert "say --yes" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 2), (("beef", "--all"), 2), (("beef", "--yes"), 3), (("--all", "--yes"), 3)]
)
def test_a_replay_of_nothing_is_refused(tocsin: Tocsin, arguments: tuple[str, ...], code: int) -> None:
    assert tocsin("dead-letters", "replay", *arguments).code == code


def test_a_topic_that_is_not_there_is_told(
    unmade_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Tocsin(monkeypatch, capsys).under(unmade_settings)("dead-letters", "list")
    assert outcome.code == 1
    assert "tocsin topics create" in outcome.err

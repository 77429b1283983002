"""``tocsin feed`` of files and standard input: every line arrives, and what cannot be is told first."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.messages import consume_all
from support.processes import run_tocsin, settings_env

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.kafka import ApacheKafkaBroker
from streams.contract.settings import KafkaSettings, Settings, TopicsSettings
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from pathlib import Path

    from support.commands import Tocsin


def _news(settings: Settings) -> str:
    return next(iter(settings.topics.inputs))


def test_a_topic_that_is_no_input_is_refused(tocsin: Tocsin) -> None:
    outcome = tocsin("feed", "-", "--to", "predictions")
    assert outcome.code == 2
    assert "news, social, customer" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["absent.csv"], "absent.csv: No such file"),
        (["messages.parquet"], "give --format"),
        (["ftp://quay.example/feed"], "http:// or https://"),
        (["-", "--rate", "5", "--replay", "1"], "--rate or --replay"),
        (["https://quay.example/feed", "--replay", "1"], "--replay and --skip are for files"),
        (["https://quay.example/feed", "--skip", "1"], "--replay and --skip are for files"),
        (["-", "--format", "csv", "--delimiter", ";;"], "one character"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_sent(tocsin: Tocsin, arguments: list[str], told: str) -> None:
    outcome = tocsin("feed", *arguments, "--to", "news")
    assert outcome.code in {1, 2}
    assert told in outcome.err


@pytest.mark.integration
@pytest.mark.parametrize("command", [["feed", "-", "--to", "news"], ["watch", "predictions"]])
def test_a_broker_that_is_not_there_is_told_in_a_line(command: list[str], clean_environment: None) -> None:
    nobody = Settings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    with run_tocsin(command, settings_env(nobody)) as process:
        assert process.wait(20) == 1
        (line,) = process.stderr.splitlines()
    assert "127.0.0.1:1" in line
    assert "tocsin broker" in line


@pytest.mark.integration
def test_a_topic_that_is_not_made_yet_is_told(tocsin: Tocsin, unmade_settings: Settings) -> None:
    outcome = tocsin.under(unmade_settings)("feed", "-", "--to", _news(unmade_settings))
    assert outcome.code == 1
    assert "tocsin topics create" in outcome.err


@pytest.mark.integration
def test_every_line_arrives_and_the_counts_reconcile(tocsin: Tocsin, stream_settings: Settings, tmp_path: Path) -> None:
    lines = [
        b'{"id": "n-1", "text": "Ferry firm halts sailings", "source": "wire"}',
        b'{"id": "n-2", "text": ',
        b"",
        b'{"title": "no text"}',
        b"\xff\xfe",
        '{"text": "Zinssatz bleibt bei 4 % 🙂"}'.encode(),
    ]
    path = tmp_path / "stream.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    news = _news(stream_settings)
    outcome = tocsin.under(stream_settings)("feed", path, "--to", news, "--json")
    assert outcome.code == 0, outcome.err
    summary = outcome.json
    assert {name: summary[name] for name in ("read", "blank", "sent", "malformed", "acknowledged", "failed")} == {
        "read": 6,
        "blank": 1,
        "sent": 5,
        "malformed": 3,
        "acknowledged": 5,
        "failed": 0,
    }
    records = consume_all(stream_settings, news, 5)
    assert {lines[1], lines[3], lines[4]} <= {record.value for record in records}
    messages = [json.loads(record.value) for record in records if b'"fingerprint"' in record.value]
    assert {message["text"] for message in messages} == {"Ferry firm halts sailings", "Zinssatz bleibt bei 4 % 🙂"}
    by_key = {record.key for record in records}
    assert {message["id"].encode() for message in messages} <= by_key
    assert b"n-1" in by_key
    assert len(by_key) == 5


@pytest.mark.integration
def test_a_table_is_read_by_the_flags(tocsin: Tocsin, stream_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "posts.txt"
    path.write_bytes('02-Mar-26;@a;Käse teuer\n03-Mar-26;@b;zu "teuer\n'.encode("latin-1"))
    news = _news(stream_settings)
    flags = ["--format", "csv", "--delimiter", ";", "--no-header", "--no-quotes", "--encoding", "latin-1"]
    columns = ["--text-column", 3, "--author-column", 2, "--time-column", 1, "--time-format", "%d-%b-%y"]
    outcome = tocsin.under(stream_settings)("feed", path, "--to", news, *flags, *columns, "--source", "forum")
    assert outcome.code == 0, outcome.err
    assert "2 read, 2 sent, 2 acknowledged, 0 failed" in outcome.err
    found = [json.loads(record.value) for record in consume_all(stream_settings, news, 2)]
    found.sort(key=lambda message: message["time"])
    assert [(message["text"], message["author"], message["source"]) for message in found] == [
        ("Käse teuer", "@a", "forum"),
        ('zu "teuer', "@b", "forum"),
    ]
    assert found[0]["time"] == "2026-03-02T00:00:00Z"


@pytest.mark.integration
def test_what_no_broker_takes_is_a_failure(tocsin: Tocsin, stream_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "posts.txt"
    # One is too long to be read, one too large once it is a record; the last is fine.
    path.write_text("x" * 1_100_000 + "\n" + "é" * 600_000 + "\nRates held\n")
    outcome = tocsin.under(stream_settings)("feed", path, "--to", _news(stream_settings), "--json")
    assert outcome.code == 1
    assert outcome.json["too_long"] == 1
    assert (outcome.json["sent"], outcome.json["acknowledged"], outcome.json["failed"]) == (2, 1, 1)
    assert "line 1: too long" in outcome.err
    assert "line 2" in outcome.err


@pytest.mark.integration
def test_larger_messages_are_sent_where_the_settings_allow_them(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "posts.txt"
    path.write_text("x" * 1_100_000 + "\n")
    tocsin.under(stream_settings)
    monkeypatch.setenv("TOCSIN_ENRICH__MAX_MESSAGE_BYTES", "1500000")
    outcome = tocsin("feed", path, "--to", _news(stream_settings), "--json")
    assert outcome.code == 0, outcome.err
    assert (outcome.json["too_long"], outcome.json["acknowledged"]) == (0, 1)


@pytest.mark.integration
def test_a_column_that_is_not_there_is_told(tocsin: Tocsin, stream_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("id,body\n1,x\n")
    outcome = tocsin.under(stream_settings)("feed", path, "--to", _news(stream_settings))
    assert outcome.code == 1
    assert "--text-column one of id, body" in outcome.err


@pytest.mark.integration
def test_limit_and_rate(tocsin: Tocsin, stream_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "posts.txt"
    path.write_text("post\n" * 1000)
    flags = ["--limit", 6, "--rate", 10, "--json"]
    outcome = tocsin.under(stream_settings)("feed", path, "--to", _news(stream_settings), *flags)
    assert (outcome.code, outcome.json["acknowledged"]) == (0, 6)
    assert float(str(outcome.json["seconds"])) >= 0.5


@pytest.mark.integration
@pytest.mark.parametrize("ending", ["jsonl", "csv", "txt"])
def test_skipped_lines_keep_their_place_and_the_others_their_ids(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"posts.{ending}"
    header = "text\n" if ending == "csv" else ""
    path.write_text(header + "".join(f'"{{""text"": ""post {n}""}}"\n' for n in range(7)) + "\n")
    news = _news(stream_settings)
    assert tocsin.under(stream_settings)("feed", path, "--to", news).code == 0
    outcome = tocsin("feed", path, "--to", news, "--skip", 4, "--json")
    assert outcome.code == 0, outcome.err
    assert {name: outcome.json[name] for name in ("skipped", "read", "blank", "acknowledged", "resume")} == {
        "skipped": 4,
        "read": 4,
        "blank": 1,
        "acknowledged": 3,
        "resume": None,
    }
    keys = Counter(record.key for record in consume_all(stream_settings, news, 10))
    assert sorted(keys.values()) == [1, 1, 1, 1, 2, 2, 2]
    assert tocsin("feed", path, "--to", news, "--skip", 100).code == 0, "there is nothing left to do"


@pytest.mark.integration
@pytest.mark.kafka
def test_where_the_broker_dies_feed_ends_in_time_and_can_go_on(
    kafka_jars: Path, clean_environment: None, tmp_path: Path
) -> None:
    total = 3000
    path = tmp_path / "posts.txt"
    path.write_text("\n".join(f"post {number}" for number in range(total)))
    with ApacheKafkaBroker(tmp_path / "kafka", jars=kafka_jars, quick_start=True) as broker:
        settings = Settings(
            kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers, delivery_timeout_seconds=2.0),
            topics=TopicsSettings(partitions=3),
        )
        with admin_client(settings.kafka) as admin:
            create_topics(admin, all_topics(settings))
        command = ["feed", str(path), "--to", "news", "--json"]
        with run_tocsin([*command, "--rate", "600"], settings_env(settings)) as process:
            consume_all(settings, "news", 300)
            broker.kill()
            began = time.monotonic()
            assert process.wait(30) == 1
            assert time.monotonic() - began < 15
            summary, told = json.loads(process.stdout), process.stderr
        resume, acknowledged = summary["resume"], summary["acknowledged"]
        assert acknowledged < summary["sent"] <= total
        assert 0 < resume <= acknowledged
        assert f"{acknowledged:,} of {summary['sent']:,} sent were acknowledged" in told
        assert f"with --skip {resume};" in told

        broker.start()
        with run_tocsin([*command, "--skip", str(resume)], settings_env(settings)) as process:
            assert process.wait(60) == 0, process.stderr
            assert json.loads(process.stdout)["acknowledged"] == total - resume
        records = consume_all(settings, "news", lambda records: len({record.key for record in records}) == total)
    # A request that was under way when the broker died may be in its log without having been acknowledged.
    assert len(records) >= total + acknowledged - resume


@pytest.mark.integration
def test_a_file_that_is_interrupted_says_how_far_it_came(stream_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "posts.txt"
    path.write_text("post\n" * 1000)
    news = _news(stream_settings)
    with run_tocsin(
        ["feed", str(path), "--to", news, "--rate", "40", "--json"], settings_env(stream_settings)
    ) as process:
        consume_all(stream_settings, news, 3)
        process.popen.send_signal(signal.SIGINT)
        assert process.wait() == 130, process.stderr
        summary = json.loads(process.stdout)
    assert summary["interrupted"]
    assert 3 <= summary["read"] == summary["sent"] == summary["acknowledged"] < 1000
    assert summary["resume"] == summary["read"]
    assert len(consume_all(stream_settings, news, summary["sent"])) == summary["sent"]


@pytest.mark.integration
def test_standard_input_is_sent_as_it_comes_until_stopped(stream_settings: Settings) -> None:
    news = _news(stream_settings)
    with subprocess.Popen(
        [sys.executable, "-m", "streams.cli.main", "feed", "-", "--to", news, "--json"],
        env=settings_env(stream_settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"text": "one"}\n{"text": "two"}\n')
        process.stdin.flush()
        records = consume_all(stream_settings, news, 2)
        process.send_signal(signal.SIGINT)
        summary = json.loads(process.stdout.read())
        assert process.wait(20) == 0
    assert {json.loads(record.value)["text"] for record in records} == {"one", "two"}
    assert (summary["acknowledged"], summary["interrupted"]) == (2, True)

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from unittest.mock import create_autospec

import httpx
import pytest
from support.commands import Tocsin
from support.messages import consume_all
from support.processes import run_tocsin, settings_env, wait_for

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.delivery import Delivery
from streams.brokers.kafka import ApacheKafkaBroker
from streams.cli.feed import _open_feed
from streams.cli.stopping import Stop
from streams.contract.settings import KafkaSettings, Settings, SurgeSettings, TopicsSettings
from streams.contract.topics import all_topics
from streams.sources.items import Outgoing
from streams.sources.rss import Poll, RssFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.brokers.tansu import TansuBroker

FEED = b"""<rss version="2.0"><channel><title>Daily Quay</title>
<item><title>Ferry firm halts sailings</title><guid>1</guid></item>
<item><title>Rates held</title><guid>2</guid></item></channel></rss>"""


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What is tested here is the same on every broker."""
    return tansu_broker


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clean_environment: None) -> Tocsin:
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def feed_url() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("If-None-Match") == '"v1"'
            self.send_response(304 if known else 200)
            self.send_header("ETag", '"v1"')
            self.send_header("Content-Length", "0" if known else str(len(FEED)))
            self.end_headers()
            self.wfile.write(b"" if known else FEED)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/feed.xml"
    http.shutdown()
    thread.join()
    http.server_close()


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
def test_a_feed_is_sent_once_over_two_runs(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path, feed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    news = _news(stream_settings)
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
    command = ["feed", feed_url, "--to", _news(stream_settings), "--json", "--memory-dir", str(tmp_path)]
    with run_tocsin(command, environment) as process:
        wait_for(lambda: "2 new; again in 60 s" in process.stderr, what="for the first poll")
        assert process.terminate() == 0, process.stderr
        summary = json.loads(process.stdout)
    assert (summary["acknowledged"], summary["failed"], summary["interrupted"]) == (2, 0, True)


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

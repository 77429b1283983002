"""Labels go in, are looked at, compared, asked for and taken back, on the embedded broker."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import Tocsin
from support.labels import NOON, make_label
from support.messages import produce

from retrain.label_topic import read_labels
from streams.contract.labels import LabelledEntity, LabelRequest, RequestReason, label_key
from streams.contract.records import encode
from streams.contract.topics import label_requests_topic, labels_topic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.brokers.tansu import TansuBroker
    from streams.contract.labels import Label
    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration

TABLE = """id,text,sentiment,topic,labeller
1,"Harlow Bank halts withdrawals, write to desk@example.com",negative,fraud,ann
2,Quay Ferries rises,positive,markets,ann
3,Quay Ferries rises,angry,markets,ann
4,Nobody said,,,ann
1,"Harlow Bank halts withdrawals, write to desk@example.com",neutral,fraud,bob
"""


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What the commands do is the same on every broker."""
    return tansu_broker


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stream_settings: Settings) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(stream_settings)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "labels.csv"
    file.write_text(TABLE, encoding="utf-8")
    return file


def put(settings: Settings, *labels: Label) -> None:
    records = [(label_key(label.message_id, label.labeller), encode(label), []) for label in labels]
    produce(settings, labels_topic(settings.topics), records)


def test_a_file_is_sent_and_every_line_of_it_accounted_for(
    tocsin: Tocsin, stream_settings: Settings, table: Path
) -> None:
    for_people = tocsin("labels", "import", table, "--kind", "news", "--dry-run")
    assert for_people.code == 1
    assert "line 4: sentiment 'angry'" in for_people.err
    assert "3 new, 1 without a label, 1 refused; nothing sent (dry run)" in for_people.err
    assert read_labels(stream_settings).labels == []

    sent = tocsin("labels", "import", table, "--kind", "news", "--json")
    assert sent.code == 1
    assert {name: sent.json[name] for name in ("format", "new", "unlabelled", "sent", "acknowledged")} == {
        "format": "csv",
        "new": 3,
        "unlabelled": 1,
        "sent": 3,
        "acknowledged": 3,
    }
    (refused,) = sent.json["refused"]  # type: ignore[misc]
    assert refused["place"] == "line 4"
    found = {(label.message_id, label.labeller): label for label in read_labels(stream_settings).labels}
    assert set(found) == {("1", "ann"), ("2", "ann"), ("1", "bob")}
    assert found["1", "bob"].sentiment == "neutral"

    again = tocsin("labels", "import", table, "--kind", "news", "--json")
    assert {name: again.json[name] for name in ("new", "changed", "unchanged", "sent")} == {
        "new": 0,
        "changed": 0,
        "unchanged": 3,
        "sent": 0,
    }

    table.write_text(TABLE.replace("angry", "positive").replace("neutral", "negative"), encoding="utf-8")
    mended = tocsin("labels", "import", table, "--kind", "news", "--json")
    assert (mended.code, mended.json["new"], mended.json["changed"], mended.json["unchanged"]) == (0, 1, 1, 2)


def test_what_was_said_since_a_file_was_written_stands(tocsin: Tocsin, stream_settings: Settings, table: Path) -> None:
    now = datetime.now(UTC)
    put(stream_settings, make_label("1", "ann", sentiment="neutral", topics=["fraud"], time=now - timedelta(hours=1)))
    os.utime(table, (0, (now - timedelta(hours=2)).timestamp()))
    since = tocsin("labels", "import", table, "--kind", "news", "--json")
    assert (since.json["new"], since.json["changed"], since.json["older"]) == (2, 0, 1)
    os.utime(table)
    mended = tocsin("labels", "import", table, "--kind", "news", "--json")
    assert (mended.json["changed"], mended.json["older"]) == (1, 0)


def test_what_was_exported_is_imported_as_it_was(tocsin: Tocsin, stream_settings: Settings, tmp_path: Path) -> None:
    labels = [
        make_label("1", "ann", topics=["fraud"], text="Write to desk@example.com"),
        make_label("2", "bob", minutes=1, kind="social"),
    ]
    put(stream_settings, *labels)
    backup = tmp_path / "labels.jsonl"
    assert tocsin("labels", "export", backup).code == 0
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert tocsin("labels", "withdraw", "--labeller", "ann", "--yes").code == 0
    assert tocsin("labels", "withdraw", "--labeller", "ann", "--yes").code == 3
    assert read_labels(stream_settings).labels == labels[1:]
    restored = tocsin("labels", "import", backup, "--json")
    assert (restored.code, restored.json["new"], restored.json["unchanged"]) == (0, 1, 1)
    assert read_labels(stream_settings).labels == labels
    table = tocsin("labels", "export", "--format", "csv", "--kind", "social")
    assert [line.split(",")[1] for line in table.out.splitlines()] == ["labeller", "bob"]


def test_an_export_over_a_file_that_all_may_read_is_for_its_owner_alone(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path
) -> None:
    put(stream_settings, make_label("1", "ann"))
    backup = tmp_path / "labels.jsonl"
    backup.write_text("the one before\n")
    backup.chmod(0o644)
    link = tmp_path / "latest.jsonl"
    link.symlink_to(backup)
    assert tocsin("labels", "export", link).code == 0
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert link.is_symlink()
    assert len(backup.read_text().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.glob("*latest*")) == ["latest.jsonl"]


def test_an_export_that_is_broken_off_leaves_the_backup_of_before(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(stream_settings, make_label("1", "ann"))
    backup = tmp_path / "labels.jsonl"
    backup.write_text("the one before")

    def broken(_labels: object) -> Iterator[str]:
        yield "half a li"
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("streams.cli.labels.as_jsonl", broken)
    failed = tocsin("labels", "export", backup)
    assert failed.code == 1
    assert "No space left on device" in failed.err
    assert [(path.name, path.read_text()) for path in tmp_path.glob("*labels.jsonl*")] == [
        ("labels.jsonl", "the one before")
    ]


def test_an_export_into_a_pipe_goes_through_it(tocsin: Tocsin, stream_settings: Settings, tmp_path: Path) -> None:
    put(stream_settings, make_label("1", "ann"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        assert tocsin("labels", "export", pipe).code == 0
        assert json.loads(read.result(30))["labeller"] == "ann"
    assert pipe.is_fifo()


def test_an_old_export_does_not_undo_a_later_word(tocsin: Tocsin, stream_settings: Settings, tmp_path: Path) -> None:
    old, new = make_label("1", "ann"), make_label("1", "ann", minutes=5, sentiment="positive")
    put(stream_settings, new)
    backup = tmp_path / "old.jsonl"
    backup.write_bytes(encode(old) + b"\n")
    imported = tocsin("labels", "import", backup, "--json")
    assert (imported.code, imported.json["older"]) == (0, 1)
    assert read_labels(stream_settings).labels == [new]


def test_a_new_topic_is_taught_on_purpose_and_known_from_then_on(
    tocsin: Tocsin, stream_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(message: str) -> None:
        line = f'{{"text": "A stablecoin breaks its peg", "id": "{message}", "theme": "stablecoins"}}\n'
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line.encode())))

    command = (
        "labels",
        "import",
        "-",
        "--format",
        "jsonl",
        "--kind",
        "news",
        "--map",
        "topics=theme",
        "--labeller",
        "ann",
    )
    given("1")
    refused = tocsin(*command)
    assert refused.code == 1
    assert "--allow-new" in refused.err
    given("1")
    assert tocsin(*command, "--allow-new").code == 0
    given("2")
    assert tocsin(*command).code == 0
    assert [label.topics for label in read_labels(stream_settings).labels] == [["stablecoins"]] * 2


def test_listings_are_masked(tocsin: Tocsin, stream_settings: Settings, table: Path) -> None:
    tocsin("labels", "import", table, "--kind", "news")
    listed = tocsin("labels", "list", "--labeller", "ann")
    assert "2 of 2 labels shown" in listed.err
    assert "Harlow Bank halts withdrawals, write to [email]" in listed.out
    documents = tocsin("labels", "list", "--json")
    rows = [json.loads(line) for line in documents.out.splitlines()]
    assert len(rows) == 3
    assert "example.com" not in listed.out + documents.out
    (latest,) = [json.loads(line) for line in tocsin("labels", "list", "--json", "--limit", "1").out.splitlines()]
    assert latest == rows[-1]


def test_entities_and_replies_are_listed_without_personal_data(tocsin: Tocsin, stream_settings: Settings) -> None:
    text = "Harlow Bank: write to desk@example.com"
    entities = [
        LabelledEntity(start=0, end=11, type="ORG", sentiment="negative"),
        LabelledEntity(start=22, end=38, type="MISC"),
    ]
    put(
        stream_settings,
        make_label("1", text=text, topics=["fraud"], entities=entities, reply="Ask ann@example.com"),
        make_label("2", minutes=1, topics=[], entities=[]),
    )
    first, second = [json.loads(line) for line in tocsin("labels", "list", "--json").out.splitlines()]
    assert first["text"] == "Harlow Bank: write to [email]"
    assert [entity["text"] for entity in first["entities"]] == ["Harlow Bank", "[email]"]
    assert first["reply"] == "Ask [email]"
    assert (second["topics"], second["entities"]) == ([], [])
    listed = tocsin("labels", "list").out
    assert "Harlow Bank (ORG: negative)" in listed
    assert "no topic; no entity" in listed
    assert "example.com" not in listed


def test_an_entity_is_listed_as_the_text_around_it_is_masked(tocsin: Tocsin, stream_settings: Settings) -> None:
    text = "Well said @maria_lopez of Quay, write to maria.lopez@example.com"
    names = ("@maria_lopez", "maria_lopez", "Quay", "maria.lopez")
    entities = [
        LabelledEntity(start=text.rindex(name), end=text.rindex(name) + len(name), type="PER") for name in names
    ]
    put(stream_settings, make_label("1", text=text, entities=entities, source="maria.lopez@example.com"))
    (row,) = [json.loads(line) for line in tocsin("labels", "list", "--json").out.splitlines()]
    assert [entity["text"] for entity in row["entities"]] == ["[user]", "[user]", "Quay", "[email]"]
    assert row["source"] == "[email]"
    listed = tocsin("labels", "list").out
    assert "Quay (PER: ?)" in listed
    assert "maria" not in listed


def test_labels_are_not_taken_back_unasked(
    tocsin: Tocsin, stream_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(stream_settings, make_label("1", "ann"), make_label("2", "ann"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert tocsin("labels", "withdraw", "--labeller", "ann").code != 0
    assert len(read_labels(stream_settings).labels) == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert tocsin("labels", "withdraw", "--labeller", "ann", "--message", "1").code == 0
    assert [label.message_id for label in read_labels(stream_settings).labels] == ["2"]


def test_statistics_count_and_compare(tocsin: Tocsin, stream_settings: Settings) -> None:
    answers = {"ann": "negative negative positive neutral", "bob": "negative negative positive positive"}
    labels = [
        make_label(str(number), labeller, sentiment=sentiment)
        for labeller, said in answers.items()
        for number, sentiment in enumerate(said.split())
    ]
    put(stream_settings, *labels)
    produce(stream_settings, labels_topic(stream_settings.topics), [(b"no key of ours", b"{}", [])])
    counted = tocsin("labels", "stats", "--json")
    assert "no label" in counted.err
    document: dict[str, Any] = counted.json
    assert (document["labels"], document["messages"]) == (8, 4)
    assert document["sentiments"] == {"negative": 4, "positive": 3, "neutral": 1}
    (agreement,) = document["agreement"]
    assert (agreement["head"], agreement["units"], agreement["disagreed"]) == ("sentiment", 4, 1)
    assert 0.5 < agreement["alpha"] < 1
    assert document["pairs"][0]["kappa"] == pytest.approx(0.75)
    for_people = tocsin("labels", "stats")
    assert "8 labels of 4 messages" in for_people.out
    assert f"{agreement['alpha']:.3f}" in for_people.out


def make_request(
    message: str, *, score: float, reason: RequestReason = "uncertain", topic: str = "fraud"
) -> LabelRequest:
    return LabelRequest(
        id=f"request {message}",
        message_id=message,
        text="Harlow Bank, says [email]",
        kind="news",
        source="wire",
        message_time=NOON,
        time=NOON + timedelta(minutes=1),
        reason=reason,
        score=score,
        model="encoder:1",
        topics=[topic],
    )


def test_requests_are_those_without_an_answer(tocsin: Tocsin, stream_settings: Settings) -> None:
    requests = [make_request(message, score=score) for message, score in (("1", 0.1), ("2", 0.9), ("3", 0.5))]
    topic = label_requests_topic(stream_settings.topics)
    produce(stream_settings, topic, [(request.message_id.encode(), encode(request), []) for request in requests])
    put(stream_settings, make_label("3"))
    told = tocsin("labels", "requests", "--format", "jsonl")
    assert [json.loads(line)["message_id"] for line in told.out.splitlines()] == ["2", "1"]
    tasks = json.loads(tocsin("labels", "requests", "--format", "label-studio", "--limit", "1").out)
    assert [task["data"]["message_id"] for task in tasks] == ["2"]
    assert "1 of 2 requests shown" in tocsin("labels", "requests", "--limit", "1").err
    assert tocsin("labels", "requests", "--format", "csv", "--reason", "random").out.count("\n") == 1


def test_what_the_model_read_is_told_of_no_control(tocsin: Tocsin, stream_settings: Settings) -> None:
    asked = [
        make_request("1", score=0.1, reason="random", topic="fraud"),
        make_request("2", score=0.1, topic="markets"),
    ]
    topic = label_requests_topic(stream_settings.topics)
    produce(stream_settings, topic, [(request.message_id.encode(), encode(request), []) for request in asked])
    for format_ in ("table", "csv", "label-studio"):
        told = tocsin("labels", "requests", "--format", format_).out
        assert "markets" in told
        assert "fraud" not in told


@pytest.mark.parametrize(
    ("name", "content", "options", "code", "part"),
    [
        ("absent.csv", None, (), 1, "No such file"),
        ("labels.xlsx", b"PK", (), 1, "--format"),
        ("labels.csv", b"body,sentiment\n", (), 1, "--map text="),
        ("labels.csv", b"text,sentiment\n", (), 3, "nothing is in it"),
        ("labels.csv", b"text,sentiment\n", ("--encoding", "utf-9"), 2, "utf-9"),
        ("labels.csv", b"text,sentiment\n", ("--map", "feeling=x"), 2, "FIELD=NAME"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    tocsin: Tocsin, tmp_path: Path, name: str, content: bytes | None, options: tuple[str, ...], code: int, part: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    failed = tocsin("labels", "import", file, "--kind", "news", *options)
    assert failed.code == code
    assert part in failed.err


def test_a_file_of_another_encoding_is_read_by_its_name(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "labels.csv"
    file.write_bytes("text;sentiment\nÜberfall;negative\nRaub;negative\n".encode("cp1252"))
    wrong = tocsin("labels", "import", file, "--kind", "news", "--json")
    assert (wrong.code, wrong.json["acknowledged"]) == (1, 1)
    right = tocsin("labels", "import", file, "--kind", "news", "--encoding", "cp1252", "--json")
    assert (right.code, right.json["new"], right.json["unchanged"]) == (0, 1, 1)
    assert {label.text for label in read_labels(stream_settings).labels} == {"Überfall", "Raub"}

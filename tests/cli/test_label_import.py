"""A backup is put back onto an empty topic, as the manual says, and what is in doubt is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.commands import Tocsin
from support.labels import make_label

from retrain.formats.writing import as_csv, as_jsonl
from retrain.label_topic import read_labels

if TYPE_CHECKING:
    from pathlib import Path

    from streams.brokers.tansu import TansuBroker
    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration

# The domain is finance, with one topic a message, and knows neither stablecoins nor stakes: these stood all the same.
TAUGHT = [
    make_label("1", topics=["stablecoins"]),
    make_label("2", topics=[], sentiment="neutral"),
    make_label("3", topics=["fraud", "markets"]),
    make_label("4", kind="customer", intent="stake_rewards"),
]


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What the command does is the same on every broker."""
    return tansu_broker


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stream_settings: Settings) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(stream_settings)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    file = tmp_path / "labels.jsonl"
    file.write_text("".join(as_jsonl(TAUGHT)), encoding="utf-8")
    return file


def test_all_that_was_exported_is_put_back(tocsin: Tocsin, stream_settings: Settings, backup: Path) -> None:
    refused = tocsin("labels", "import", backup, "--dry-run", "--json")
    assert (refused.code, len(refused.json["refused"])) == (1, 4)  # type: ignore[arg-type]
    assert all("--restore" in told["problem"] for told in refused.json["refused"])  # type: ignore[attr-defined]

    restored = tocsin("labels", "import", backup, "--restore", "--json")
    assert (restored.code, restored.json["new"], restored.json["acknowledged"]) == (0, 4, 4)
    assert sorted(read_labels(stream_settings).labels, key=lambda label: label.message_id) == TAUGHT

    again = tocsin("labels", "import", backup, "--restore", "--json")
    assert (again.code, again.json["unchanged"], again.json["sent"]) == (0, 4, 0)


@pytest.mark.parametrize("option", [("--allow-new",), ("--kind", "news"), ("--format", "csv")])
def test_what_would_change_a_backup_is_refused(tocsin: Tocsin, backup: Path, option: tuple[str, ...]) -> None:
    assert tocsin("labels", "import", backup, "--restore", *option).code == 2


def test_a_table_is_no_backup(tocsin: Tocsin, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("".join(as_csv(TAUGHT)), encoding="utf-8")
    refused = tocsin("labels", "import", table, "--restore")
    assert refused.code == 2
    assert "--allow-new" in refused.err


def test_answers_that_may_be_drafts_are_taken_with_a_warning(tocsin: Tocsin, tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text('{"fields": {"text": "A theft"}, "responses": {"topic": [{"value": "fraud"}]}}')
    told = tocsin("labels", "import", file, "--kind", "news", "--dry-run")
    assert told.code == 0
    assert "warning: line 1: of 1 record it is not told which answers are drafts" in told.err
    (doubt,) = tocsin("labels", "import", file, "--kind", "news", "--dry-run", "--json").json["doubts"]  # type: ignore[misc]
    assert "flatten=True" in doubt["problem"]

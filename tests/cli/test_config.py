"""The settings in force are shown with where each was set, and secrets are not."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import Tocsin

from streams.contract.settings import load_settings
from streams.contract.settings_reference import list_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tocsin(clean_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def file(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "mine.toml"
    monkeypatch.setenv("TOCSIN_CONFIG", str(path))
    path.touch()
    return path


def shown(tocsin: Tocsin, *flags: str) -> dict[str, dict[str, Any]]:
    outcome = tocsin(*flags, "config", "show", "--json")
    assert outcome.code == 0
    return {row["key"]: row for row in map(json.loads, outcome.out.splitlines())}


def test_every_setting_is_shown_with_its_meaning(tocsin: Tocsin) -> None:
    rows = shown(tocsin)
    assert list(rows) == [setting.key for setting in list_settings()]
    assert rows["kafka.group_id"] == {
        "key": "kafka.group_id",
        "value": "tocsin",
        "origin": "default",
        "description": "Consumer group of the workers, and the Faust application id.",
    }


def test_each_setting_tells_where_it_was_set(file: Path, tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(
        'domain = "finance"\n[kafka]\nbootstrap_servers = "f:1"\nclient_id = "f"\ngroup_id = "f"\n', encoding="utf-8"
    )
    monkeypatch.setenv("TOCSIN_KAFKA__CLIENT_ID", "e")
    monkeypatch.setenv("TOCSIN_METRICS", '{"port": 0}')
    monkeypatch.setenv("tocsin_topics__inputs", '{"wire": "news"}')
    rows = shown(tocsin, "--bootstrap-servers", "127.0.0.1:1")
    told = {key: (row["value"], row["origin"]) for key, row in rows.items() if row["origin"] != "default"}
    assert told == {
        "domain": ("finance", "file"),
        "kafka.bootstrap_servers": ("127.0.0.1:1", "flag"),
        "kafka.client_id": ("e", "environment"),
        "kafka.group_id": ("f", "file"),
        "metrics.port": (0, "environment"),
        "topics.inputs": ({"wire": "news"}, "environment"),
    }


def test_a_section_that_a_variable_gives_nothing_of_is_a_default(
    tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_SWAP", "null")
    assert shown(tocsin)["swap.shadow"]["origin"] == "default"


@pytest.mark.parametrize("form", [(), ("--json",), ("--toml",)])
def test_secrets_are_never_shown(tocsin: Tocsin, form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_KAFKA__SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("TOCSIN_MODEL__REGISTRY", "s3://key:hunter2@bucket/models")
    monkeypatch.setenv("TOCSIN_DESK__TOKENS", '{"ann": "hunter2-hunter2-hunter2"}')
    outcome = tocsin("config", "show", *form)
    assert outcome.code == 0
    assert "hunter2" not in outcome.out + outcome.err
    assert "s3://********@bucket/models" in outcome.out


def test_the_printed_file_gives_the_same_settings(file: Path, tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_KAFKA__GROUP_ID", 'a "quoted" \\ group\x7f')
    monkeypatch.setenv("TOCSIN_TOPICS__INPUTS", '{"wire.a-b": "news"}')
    settings = load_settings()
    text = tocsin("config", "show", "--toml").out
    assert tomllib.loads(text)["topics"]["inputs"] == {"wire.a-b": "news"}
    monkeypatch.delenv("TOCSIN_KAFKA__GROUP_ID")
    monkeypatch.delenv("TOCSIN_TOPICS__INPUTS")
    file.write_text(text, encoding="utf-8")
    assert load_settings() == settings


def test_a_value_that_holds_a_secret_is_no_value_of_the_printed_file(
    tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_ALERTMANAGER__URL", "http://desk:hunter2@am:9093")
    monkeypatch.setenv("TOCSIN_MODEL__REGISTRY", "s3://key:hunter2@bucket/models")
    text = tocsin("config", "show", "--toml").out
    read = tomllib.loads(text)
    assert "*****" not in str(read)
    assert "url" not in read["alertmanager"]
    assert '# url = "http://********@am:9093"  # set TOCSIN_ALERTMANAGER__URL' in text
    assert "# set TOCSIN_MODEL__REGISTRY" in text


def test_any_character_may_stand_in_the_printed_file(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_ALERTMANAGER__GENERATOR_URL", "http://x/\U0001f600\u00e9")
    monkeypatch.setenv("TOCSIN_KAFKA__GROUP_ID", "tab\t\x01\x7f\u0085\u2028")
    read = tomllib.loads(tocsin("config", "show", "--toml").out)
    assert read["alertmanager"]["generator_url"] == "http://x/\U0001f600\u00e9"
    assert read["kafka"]["group_id"] == "tab\t\x01\x7f\u0085\u2028"


def test_the_table_is_for_people(tocsin: Tocsin) -> None:
    outcome = tocsin("config", "show")
    assert "kafka.bootstrap_servers" in outcome.out
    assert "file: " in outcome.err


def test_two_forms_at_once_are_refused(tocsin: Tocsin) -> None:
    assert tocsin("config", "show", "--json", "--toml").code == 2


def test_a_wrong_file_is_an_error_and_no_traceback(file: Path, tocsin: Tocsin) -> None:
    file.write_text("[kafka]\ngruop_id = 'x'\n", encoding="utf-8")
    outcome = tocsin("config", "show")
    assert outcome.code == 1
    assert "kafka.gruop_id" in outcome.err.replace("\n", "")


def test_schema_prints_and_writes_its_documents(tocsin: Tocsin, tmp_path: Path) -> None:
    assert tocsin("schema", "--json").json["asyncapi"] == "3.0.0"
    assert "tocsin.predictions" in tocsin("schema").out
    outcome = tocsin("schema", "--write", tmp_path / "docs")
    assert outcome.code == 0
    written = {str(path.relative_to(tmp_path / "docs")) for path in (tmp_path / "docs").rglob("*.*")}
    assert {"asyncapi.json", "settings.md", "schemas/message.json", "schemas/dead-letter.json"} <= written
    assert tocsin("schema", "--write", tmp_path / "empty.toml").code == 1

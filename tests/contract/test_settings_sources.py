"""What a variable may not be, and what it takes from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from streams.contract import settings as module
from streams.contract.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", ["inf", "-inf", "nan"])
@pytest.mark.parametrize(
    "key",
    [
        "topics.retention_hours",
        "surge.allowed_lateness_seconds",
        "worker.stall_timeout_seconds",
        "replies.min_score",
        "retrain.margin",
        "generator.temperature",
        "drift.min_effect",
    ],
)
def test_no_number_is_infinite_or_none(file: Path, key: str, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    section, _, name = key.partition(".")
    file.write_text(f"[{section}]\n{name} = {number}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=key):
        load_settings()
    file.write_text("", encoding="utf-8")
    monkeypatch.setenv(f"TOCSIN_{section}__{name}".upper(), number)
    with pytest.raises(SettingsError, match=key):
        load_settings()


@pytest.mark.parametrize(
    "name", ["TOCSIN_SURGE__SUBJECTS", "TOCSIN_TOPICS__INPUTS", "tocsin_desk__read_only", "TOCSIN_SWAP"]
)
@pytest.mark.parametrize("value", ["hunter2,topic", '{"news": "hunter2"'])
def test_a_variable_that_should_be_json_is_told_by_its_name_and_not_quoted(
    name: str, value: str, clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_EXPORTER__GROUPS", '["mine"]')
    monkeypatch.setenv("TOCSIN_KAFKA__GROUP_ID", "no JSON, and need not be")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}: no JSON") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    assert "GROUP" not in str(caught.value)


@pytest.mark.parametrize("text", [b"[kafka\n", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_told_by_its_name(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    with pytest.raises(SettingsError, match=str(file)):
        load_settings()


def test_a_file_that_may_not_be_read_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(module, "FileSource", refuse)
    with pytest.raises(SettingsError, match=f"Permission denied: '{file}'"):
        load_settings()


TABLES = '[topics]\ninputs = { old = "social" }\npartitions = 3\n[desk]\ntokens = { ann = "a", bob = "b" }\nkeep = 7\n'


@pytest.mark.parametrize(
    "variables",
    [
        {"TOCSIN_TOPICS__INPUTS": '{"wire": "news"}', "TOCSIN_DESK__TOKENS": '{"bob": "b2"}'},
        {"tocsin_topics__inputs": '{"wire": "news"}', "tocsin_desk__tokens": '{"bob": "b2"}'},
        {"TOCSIN_TOPICS": '{"inputs": {"wire": "news"}}', "TOCSIN_DESK": '{"tokens": {"bob": "b2"}}'},
    ],
    ids=["own", "lower", "section"],
)
def test_a_table_in_a_variable_takes_the_place_of_that_in_the_file(
    file: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input that was taken out is not read on, and a token that was taken away opens nothing."""
    file.write_text(TABLES, encoding="utf-8")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.topics.inputs == {"wire": "news"}
    assert {name: token.get_secret_value() for name, token in settings.desk.tokens.items()} == {"bob": "b2"}
    assert (settings.topics.partitions, settings.desk.keep) == (3, 7)


def test_tables_of_the_file_stay_where_no_variable_gives_them(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(TABLES, encoding="utf-8")
    monkeypatch.setenv("TOCSIN_TOPICS__PARTITIONS", "5")
    monkeypatch.setenv("TOCSIN_DESK", '{"port": 0}')
    settings = load_settings()
    assert settings.topics.inputs == {"old": "social"}
    assert set(settings.desk.tokens) == {"ann", "bob"}
    assert (settings.topics.partitions, settings.desk.port, settings.desk.keep) == (5, 0, 7)


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize(
    "key",
    [("kafka", "sasl_password"), ("replies", "webhook_url"), ("replies", "webhook_secret"), ("desk", "token")],
    ids=".".join,
)
def test_an_empty_variable_is_no_secret(key: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """So Compose hands on a variable that nobody has set: nothing is signed, guarded or opened by it."""
    section, name = key
    monkeypatch.setenv(f"TOCSIN_{section}__{name}".upper(), "")
    assert getattr(getattr(load_settings(), section), name) is None


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize(
    "key",
    [
        ("metrics", "host"),
        ("exporter", "host"),
        ("desk", "host"),
        ("kafka", "bootstrap_servers"),
        ("kafka", "group_id"),
        ("model", "registry"),
        ("model", "alias"),
        ("generator", "alias"),
    ],
    ids=".".join,
)
def test_an_empty_variable_is_no_host_and_no_place(key: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty host is every address of the machine; an empty registry is the folder that one stands in."""
    section, name = key
    monkeypatch.setenv(f"TOCSIN_{section}__{name}".upper(), "")
    with pytest.raises(SettingsError, match=rf"{section}\.{name}: String should have at least 1 character"):
        load_settings()

"""Defaults < file < environment < flags, and nothing unknown passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.contract.settings import SettingsError, config_file, load_settings
from streams.contract.settings_reference import list_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("clean_environment")
def test_defaults_are_safe() -> None:
    settings = load_settings()
    assert settings.kafka.bootstrap_servers == "127.0.0.1:9092"
    assert settings.metrics.host == "127.0.0.1"
    assert settings.kafka.ssl_check_hostname is True
    assert settings.enrich.publish_embedding is False


def test_each_source_wins_over_the_one_before(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[kafka]\ngroup_id = "file"\nclient_id = "file"\nbootstrap_servers = "file:1"\n', encoding="utf-8")
    monkeypatch.setenv("TOCSIN_KAFKA__GROUP_ID", "environment")
    monkeypatch.setenv("TOCSIN_KAFKA__CLIENT_ID", "environment")
    kafka = load_settings(kafka={"group_id": "flag"}).kafka
    assert (kafka.group_id, kafka.client_id, kafka.bootstrap_servers) == ("flag", "environment", "file:1")
    assert kafka.security_protocol == "PLAINTEXT"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[kafka]\ngruop_id = 'x'\n", "kafka.gruop_id"),
        ("[kafak]\n", "kafak"),
        ("[metrics]\nport = 70000\n", "metrics.port"),
        ("[enrich]\nbatch_max = 0\n", "enrich.batch_max"),
        ("[topics]\ninputs = { news = 'blog' }\n", "topics.inputs.news"),
        ("[topics]\nprefix = 'a b'\n", "topics.prefix"),
        ("[kafka\n", "settings cannot be read"),
    ],
)
def test_a_wrong_file_is_told_by_key_and_place(file: Path, text: str, fault: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert fault in str(caught.value)
    if "cannot be read" not in fault:
        assert str(file) in str(caught.value)


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize("name", ["TOCSIN_KAFAK__GROUP_ID", "TOCSIN_DOMIAN", "tocsin_domian", "TOCSIN_DOMAIN__X"])
def test_an_unknown_variable_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=f"unknown environment variable {name}"):
        load_settings()


@pytest.mark.usefixtures("clean_environment")
def test_an_unknown_key_of_a_section_is_refused_in_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_KAFKA__GRUOP_ID", "x")
    with pytest.raises(SettingsError, match="gruop_id"):
        load_settings()


@pytest.mark.usefixtures("clean_environment")
def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_KAFKA__SASL_PASSWORD", "hunter2")
    settings = load_settings()
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.kafka.sasl_password is not None
    assert settings.kafka.sasl_password.get_secret_value() == "hunter2"


@pytest.mark.usefixtures("clean_environment")
def test_a_wrong_value_is_not_quoted_since_it_may_be_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_METRICS__PORT", "hunter2")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_the_file_is_the_one_that_is_named_or_the_one_that_lies_here(
    tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path / "absent.toml"))
    with pytest.raises(SettingsError, match="which is not a file"):
        config_file()
    monkeypatch.delenv("TOCSIN_CONFIG")
    monkeypatch.chdir(tmp_path)
    assert config_file() is None
    (tmp_path / "tocsin.toml").touch()
    assert str(config_file()) == "tocsin.toml"


def test_every_setting_says_what_it_means() -> None:
    settings = list_settings()
    assert len({setting.key for setting in settings}) == len(settings) > 30
    assert [setting.key for setting in settings if not setting.description.endswith(".")] == []
    assert [setting.key for setting in settings if setting.secret] == [
        "kafka.sasl_password",
        "replies.webhook_url",
        "replies.webhook_secret",
        "desk.token",
        "desk.tokens",
    ]


def test_windows_divide_an_hour(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_SURGE__WINDOW_SECONDS", "420")
    with pytest.raises(SettingsError, match=r"surge\.window_seconds.*must divide an hour"):
        load_settings()


@pytest.mark.parametrize("sections", [{}, {"replies": {"enabled": False}}, {"briefs": {"enabled": False}}])
def test_a_batch_of_drafts_must_end_before_a_stopping_worker_does(
    clean_environment: None, sections: dict[str, dict[str, object]]
) -> None:
    for deadline in (20.0, 30.0):
        with pytest.raises(
            SettingsError, match=r"replies.deadline_seconds \(.*\) must be below worker.shutdown_timeout_seconds"
        ):
            load_settings(**sections | {"replies": {**sections.get("replies", {}), "deadline_seconds": deadline}})
    with pytest.raises(SettingsError, match=r"replies\.deadline_seconds"):
        load_settings(**sections, worker={"shutdown_timeout_seconds": 8.0})
    assert load_settings(**sections, worker={"shutdown_timeout_seconds": 8.5}).replies.deadline_seconds == 8.0


@pytest.mark.usefixtures("clean_environment")
def test_a_worker_that_drafts_nothing_stops_as_quickly_as_it_likes() -> None:
    settings = load_settings(
        worker={"shutdown_timeout_seconds": 3.0}, replies={"enabled": False}, briefs={"enabled": False}
    )
    assert settings.worker.shutdown_timeout_seconds == 3.0


@pytest.mark.usefixtures("clean_environment")
def test_all_processes_run_on_one_machine_each_at_its_own_port() -> None:
    ports = {setting.key: setting.default for setting in list_settings() if setting.name == "port"}
    assert {"metrics.port", "connector.port", "exporter.port", "retrain.port", "desk.port"} <= set(ports)
    assert len(set(ports.values())) == len(ports)

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from support.processes import run_tocsin, settings_env, wait_for

from streams.contract.settings import KafkaSettings, MetricsSettings, Settings, TopicsSettings, load_settings


def test_settings_go_through_the_environment_unchanged(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        domain="finance",
        kafka=KafkaSettings(
            bootstrap_servers="127.0.0.1:1",
            sasl_password=SecretStr("p"),
            ssl_cafile=Path("/ca"),
            ssl_check_hostname=False,
        ),
        topics=TopicsSettings(prefix="p.", inputs={"only": "customer"}),
        metrics=MetricsSettings(port=0),
    )
    assert settings != load_settings()
    for name, value in settings_env(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_a_process_that_fails_is_seen_to_fail(clean_environment: None) -> None:
    with run_tocsin(["no-such-command"], {}) as process:
        assert process.wait() == 2
        assert "no-such-command" in process.stderr


def test_waiting_in_vain_fails() -> None:
    with pytest.raises(AssertionError, match="in vain for rain"):
        wait_for(lambda: False, timeout=0.1, what="for rain")

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from streams.brokers import client
from streams.brokers.errors import BrokerError, BrokerUnreachableError
from streams.brokers.ready import wait_until_ready
from streams.contract.settings import KafkaSettings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that nobody can listen on meanwhile, and that refuses connections."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def test_sasl_is_passed_on() -> None:
    options = client.connection(
        KafkaSettings(
            bootstrap_servers="kafka-1:9092, kafka-2:9092",
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="SCRAM-SHA-256",
            sasl_username="desk",
            sasl_password=SecretStr("a secret"),
        )
    )
    assert options["bootstrap_servers"] == ["kafka-1:9092", "kafka-2:9092"]
    assert options["security_protocol"] == "SASL_PLAINTEXT"
    assert options["sasl_mechanism"] == "SCRAM-SHA-256"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("desk", "a secret")
    assert not {name for name in options if name.startswith("ssl")}


def test_sasl_without_a_password_names_the_settings() -> None:
    kafka = KafkaSettings(security_protocol="SASL_SSL", sasl_username="desk")
    with pytest.raises(SettingsError, match=r"kafka\.sasl_password.*SASL_SSL"):
        client.admin_client(kafka)


def test_certificates_are_always_verified() -> None:
    context = client.connection(KafkaSettings(security_protocol="SSL"))["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("name", ["ssl_cafile", "ssl_certfile", "ssl_keyfile"])
def test_a_certificate_that_is_not_there_names_the_setting(name: str, tmp_path: Path) -> None:
    kafka = KafkaSettings(security_protocol="SSL", **{name: tmp_path / "absent.pem"})
    with pytest.raises(SettingsError, match=rf"kafka\.{name} is .*absent\.pem"):
        client.producer(kafka)


@pytest.mark.parametrize("name", ["ssl_cafile", "ssl_certfile"])
def test_a_file_that_is_no_certificate_names_the_setting(name: str, tmp_path: Path) -> None:
    (tmp_path / "odd.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match=rf"kafka\.{name}.*odd\.pem"):
        client.connection(KafkaSettings(security_protocol="SSL", **{name: tmp_path / "odd.pem"}))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"ssl_cafile": "ca.pem"}, r"kafka\.ssl_cafile.*PLAINTEXT.*nothing would be encrypted"),
        ({"ssl_cafile": "ca.pem", "security_protocol": "SASL_PLAINTEXT"}, r"kafka\.ssl_cafile.*SASL_PLAINTEXT"),
        ({"sasl_username": "desk"}, r"kafka\.sasl_password.*PLAINTEXT"),
        ({"sasl_username": "desk", "security_protocol": "SSL"}, r"kafka\.sasl_password.*= SSL"),
        ({"security_protocol": "SSL", "ssl_check_hostname": False}, r"kafka\.ssl_check_hostname.*kafka\.ssl_cafile"),
    ],
)
def test_what_looks_safe_and_is_not_is_refused(given: dict[str, object], named: str) -> None:
    # SASL without a password is refused already; here everything else is as its user believes it to be.
    asks = {"sasl_username": "desk", "sasl_password": "p"}
    sasl = asks if "sasl_username" in given or given.get("security_protocol") == "SASL_PLAINTEXT" else {}
    with pytest.raises(SettingsError, match=named):
        client.connection(KafkaSettings.model_validate(sasl | given))


def test_plaintext_holds_neither() -> None:
    assert set(client.connection(KafkaSettings())) == {
        "bootstrap_servers",
        "client_id",
        "security_protocol",
        "request_timeout_ms",
    }


@pytest.mark.parametrize("make", [client.admin_client, client.producer, client.consumer])
def test_a_broker_that_is_not_there_is_told_at_once(make: type, dead_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(BrokerUnreachableError, match=rf"127\.0\.0\.1:{dead_port}.*tocsin broker"):
        make(KafkaSettings(bootstrap_servers=f"127.0.0.1:{dead_port}"))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("servers", ["kafka", "127.0.0.1:", ":9092", "a:b", " ", "a..b:9092", f"{'k' * 64}:9092"])
def test_an_address_that_is_none_names_the_setting(servers: str) -> None:
    with pytest.raises(SettingsError, match=r"kafka\.bootstrap_servers"):
        client.admin_client(KafkaSettings(bootstrap_servers=servers))


@pytest.mark.integration
def test_one_broker_of_those_named_is_enough(tansu_broker: object, dead_port: int) -> None:
    servers = f"127.0.0.1:{dead_port},{tansu_broker.bootstrap_servers}"  # type: ignore[attr-defined]
    with client.admin_client(KafkaSettings(bootstrap_servers=servers)) as admin:
        assert admin.describe_cluster()["brokers"]


def test_waiting_for_a_broker_ends_in_time(dead_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(BrokerUnreachableError, match=r"not ready within 0\.3 s"):
        wait_until_ready(KafkaSettings(bootstrap_servers=f"127.0.0.1:{dead_port}"), timeout=0.3)
    assert time.monotonic() - began < 5


def test_waiting_for_a_broker_ends_with_it(dead_port: int) -> None:
    with pytest.raises(BrokerError, match="ended before"):
        wait_until_ready(KafkaSettings(bootstrap_servers=f"127.0.0.1:{dead_port}"), timeout=60, alive=lambda: False)


def test_an_open_port_that_answers_nothing_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(BrokerUnreachableError):
            wait_until_ready(kafka, timeout=0.5)

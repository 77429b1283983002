"""Both clients and every command against listeners of a real Apache Kafka that ask for TLS and passwords."""

from __future__ import annotations

import asyncio
import gc
import json
import secrets
import time
import warnings
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from pydantic import SecretStr
from support.commands import Tocsin
from support.messages import produce
from support.processes import run_tocsin, settings_env
from support.secure_broker import PASSWORD, SecureKafkaBroker
from support.streams import Worker, message, read_predictions, worker

from retrain.label_topic import read_labels
from streams.brokers import client
from streams.brokers.admin import create_topics
from streams.brokers.errors import BrokerRefusesError, BrokerUnreachableError
from streams.brokers.ready import wait_until_ready
from streams.contract.service_settings import BriefsSettings, RecommendSettings, RepliesSettings
from streams.contract.settings import (
    ExporterSettings,
    KafkaSettings,
    LogSettings,
    MetricsSettings,
    ModelSettings,
    Settings,
    TopicsSettings,
    WorkerSettings,
)
from streams.contract.topics import all_topics
from streams.worker.publisher import producer_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

WRONG = SecretStr("battery")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@pytest.fixture(scope="module")
def secure(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafkaBroker]:
    with SecureKafkaBroker(tmp_path_factory.mktemp("secure"), jars=kafka_jars) as broker:
        yield broker


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def settings(
    secure: SecureKafkaBroker, tmp_path: Path, clean_environment: None, request: pytest.FixtureRequest
) -> Settings:
    """Topics that do not exist yet, by SASL_SSL and SCRAM-SHA-512 where a test asks for nothing else."""
    unique = secrets.token_hex(4)
    listener = getattr(request, "param", "SECRET")
    state = request.config.rootpath / ".tocsin"
    return Settings(
        kafka=secure.at(listener, group_id=f"group-{unique}", session_timeout_seconds=6.0),
        topics=TopicsSettings(prefix=f"tocsin-{unique}.", inputs={f"news-{unique}": "news"}, partitions=2),
        model=ModelSettings(registry=str(state / "registry"), cache=state / "cache"),
        replies=RepliesSettings(enabled=False),
        briefs=BriefsSettings(enabled=False),
        recommend=RecommendSettings(enabled=False),
        metrics=MetricsSettings(port=0),
        exporter=ExporterSettings(port=0),
        worker=WorkerSettings(data_dir=tmp_path / "worker"),
        # What the libraries tell at debug is read for the password, too.
        log=LogSettings(level="debug"),
    )


def wrong(secure: SecureKafkaBroker, fault: str) -> tuple[KafkaSettings, str]:
    """Settings with one fault, and what the error must name."""
    other = secure.certificates.other_ca
    return {
        "authority": (secure.at("TLS", ssl_cafile=other), r"not trusted.*kafka\.ssl_cafile"),
        "system authorities": (secure.at("TLS", ssl_cafile=None), r"not trusted.*kafka\.ssl_cafile"),
        "host name": (secure.at("STRANGER"), r"does not name 127\.0\.0\.1.*kafka\.bootstrap_servers"),
        "no client certificate": (
            secure.at("MUTUAL", ssl_certfile=None, ssl_keyfile=None),
            r"client certificate.*kafka\.ssl_certfile",
        ),
        "password": (secure.at("SECRET", sasl_password=WRONG), r"refuses the user desk.*kafka\.sasl_password"),
        "password, PLAIN": (
            secure.at("SECRET", sasl_password=WRONG, sasl_mechanism="PLAIN"),
            r"refuses the user desk.*kafka\.sasl_password",
        ),
        "user": (secure.at("SECRET", sasl_username="nobody"), r"refuses the user nobody.*kafka\.sasl_username"),
    }[fault]


FAULTS = (
    "authority",
    "system authorities",
    "host name",
    "no client certificate",
    "password",
    "password, PLAIN",
    "user",
)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_password_opens_the_door(secure: SecureKafkaBroker, mechanism: str) -> None:
    with client.admin_client(secure.at("SECRET", sasl_mechanism=mechanism)) as admin:
        assert admin.describe_cluster()["brokers"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("make", [client.admin_client, client.producer, client.consumer])
def test_what_is_wrong_is_told_at_once_by_its_setting(secure: SecureKafkaBroker, make: type, fault: str) -> None:
    kafka, named = wrong(secure, fault)
    began = time.monotonic()
    with pytest.raises(BrokerRefusesError, match=named) as refused:
        make(kafka)
    assert time.monotonic() - began < 5
    assert "battery" not in str(refused.value)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_clients_themselves_refuse_it_too(secure: SecureKafkaBroker, fault: str) -> None:
    """Not only what is asked before them: that a broker was right once says nothing of the next connection."""
    kafka, _ = wrong(secure, fault)
    with warnings.catch_warnings():
        # kafka-python leaves the sockets of refused connections to the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(client.KafkaError, match="bootstrap"):
            client.KafkaAdminClient(**client.connection(kafka), bootstrap_timeout_ms=1500)
        gc.collect()

    async def publish() -> None:
        producer = AIOKafkaProducer(**producer_options(kafka))
        try:
            await asyncio.wait_for(producer.start(), 10)
        finally:
            await producer.stop()

    with pytest.raises(KafkaError):
        asyncio.run(publish())


def test_waiting_for_a_broker_does_not_wait_for_another_password(secure: SecureKafkaBroker) -> None:
    kafka, named = wrong(secure, "password")
    began = time.monotonic()
    with pytest.raises(BrokerRefusesError, match=named):
        wait_until_ready(kafka, timeout=60)
    assert time.monotonic() - began < 5


def test_plain_text_to_a_listener_of_tls_is_told(secure: SecureKafkaBroker) -> None:
    servers = secure.at("TLS").bootstrap_servers
    with pytest.raises(BrokerRefusesError, match=r"speaks TLS.*kafka\.security_protocol"):
        client.admin_client(KafkaSettings(bootstrap_servers=servers), timeout=1)


def test_tls_to_a_listener_of_plain_text_is_told(secure: SecureKafkaBroker) -> None:
    with pytest.raises(BrokerUnreachableError, match=r"kafka\.security_protocol = SSL right for this port"):
        client.admin_client(secure.at("TLS", bootstrap_servers=secure.bootstrap_servers), timeout=3)


def test_a_mechanism_that_is_not_offered_is_told_with_those_that_are(secure: SecureKafkaBroker) -> None:
    kafka = secure.at("SECRET").model_copy(update={"sasl_mechanism": "OAUTHBEARER"})
    with pytest.raises(BrokerRefusesError, match=r"kafka\.sasl_mechanism = OAUTHBEARER.*SCRAM-SHA-512"):
        client.admin_client(kafka)


@pytest.mark.parametrize("settings", ["SECRET", "MUTUAL"], indirect=True)
def test_a_worker_reads_and_publishes_over_tls(settings: Settings) -> None:
    with client.admin_client(settings.kafka) as admin:
        create_topics(admin, all_topics(settings))
    topic = next(iter(settings.topics.inputs))
    produce(settings, topic, [(*message(1), [])])
    with worker(settings) as running:
        assert [record.key for record in read_predictions(settings, 1)] == [b"1"]
        # Faust commits what aiokafka's own producer has published.
        running.wait_until_ready()
        assert PASSWORD not in running.process.stderr


def test_every_command_goes_through_the_same_settings(settings: Settings, tocsin: Tocsin, tmp_path: Path) -> None:
    tocsin.under(settings)
    topic = next(iter(settings.topics.inputs))
    for args in (["topics", "create"], ["topics", "list"], ["doctor"]):
        outcome = tocsin(*args)
        assert outcome.code == 0, (args, outcome)
    lines = tmp_path / "lines.txt"
    lines.write_text("Harbour Lane Bank slumps\nOsterby gains\n")
    assert tocsin("feed", lines, "--to", topic, "--format", "lines").code == 0
    assert tocsin("lag", "--json").code == 0
    assert json.loads(tocsin("watch", topic, "--from-beginning", "--limit", "1", "--json").out.splitlines()[0])["text"]
    # What retraining reads its labels by.
    assert not read_labels(settings).labels
    with run_tocsin(["exporter"], settings_env(settings)) as process:
        exporter = Worker(process)
        assert "tocsin_group_lag_messages{" in exporter.get("/metrics")[1]


@pytest.mark.parametrize(
    "command", [["worker"], ["topics", "list"], ["feed", "-", "--to", "news"], ["watch", "predictions"], ["lag"]]
)
def test_no_command_tries_a_wrong_password_for_ever(settings: Settings, command: list[str]) -> None:
    kafka = settings.kafka.model_copy(update={"sasl_password": WRONG})
    topics = settings.topics.model_copy(update={"inputs": {"news": "news"}})
    env = settings_env(settings.model_copy(update={"kafka": kafka, "topics": topics}))
    with run_tocsin(command, env) as process:
        assert process.wait(30) == 1
        told = " ".join(process.stderr.split())
    assert "kafka.sasl_password" in told
    assert "battery" not in told
    assert "Traceback" not in told

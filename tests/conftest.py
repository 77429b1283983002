"""Real brokers for the integration tests, and settings of its own for each test on them."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import structlog

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.errors import BrokerError
from streams.brokers.jars import find_java, kafka_classpath
from streams.brokers.kafka import ApacheKafkaBroker
from streams.brokers.tansu import TansuBroker
from streams.contract.service_settings import BriefsSettings, ConnectorSettings, RecommendSettings, RepliesSettings
from streams.contract.settings import (
    KafkaSettings,
    MetricsSettings,
    ModelSettings,
    Settings,
    TopicsSettings,
    WorkerSettings,
)
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.brokers.broker import Broker

# What `make test` makes before pytest starts (the default model), and what Maven fetches, is kept in the checkout.
STATE = Path(__file__).parents[1] / ".tocsin"
JARS = STATE / "kafka"

# Processes of pytest-xdist are given a width, which would be fixed in every console that is made from here on.
os.environ.pop("COLUMNS", None)

# A busy machine is no fault of the code: properties are judged by what they say, not by how long they take.
hypothesis.settings.register_profile("tocsin", deadline=None)
hypothesis.settings.load_profile("tocsin")

# Which tests must not be skipped is asked in the midst of them.
_REQUIRED = ("TOCSIN_REQUIRE_BROWSER", "TOCSIN_REQUIRE_KAFKA", "TOCSIN_REQUIRE_PROMETHEUS")

_no_kafka = pytest.StashKey[str]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch Apache Kafka before the first test, whose time-out knows nothing of a slow network."""
    if session.config.option.collectonly or not any(item.get_closest_marker("kafka") for item in session.items):
        return
    try:
        find_java()
        kafka_classpath(JARS)
    except BrokerError as error:
        session.config.stash[_no_kafka] = str(error)


@pytest.fixture(scope="session")
def kafka_jars(pytestconfig: pytest.Config) -> Path:
    """Folder of Apache Kafka's jars; without Java or Maven the tests that need them are skipped."""
    reason = pytestconfig.stash.get(_no_kafka, None)
    if reason:
        if os.environ.get("TOCSIN_REQUIRE_KAFKA") == "1":
            pytest.fail(f"TOCSIN_REQUIRE_KAFKA=1, but {reason}")
        pytest.skip(reason)
    return JARS


@pytest.fixture(scope="session")
def tansu_broker() -> Iterator[TansuBroker]:
    """The embedded broker, shared by the session."""
    with TansuBroker() as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_broker(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafkaBroker]:
    """Apache Kafka, shared by the session. A test that uses it is marked ``kafka``."""
    with ApacheKafkaBroker(tmp_path_factory.mktemp("kafka"), jars=kafka_jars, quick_start=True) as broker:
        yield broker


@pytest.fixture(
    params=[
        pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu"),
        pytest.param("kafka_broker", marks=[pytest.mark.integration, pytest.mark.kafka], id="kafka"),
    ]
)
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each of the two brokers in turn."""
    running: Broker = request.getfixturevalue(request.param)
    return running


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    """A test that runs a command in this process leaves the command's logging, and its stream, to no other test."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in (None, *root.manager.loggerDict)}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's own, by variable or file, reaches the test or the processes that it starts."""
    for name in [name for name in os.environ if name.startswith("TOCSIN_") and name not in _REQUIRED]:
        monkeypatch.delenv(name)
    empty = tmp_path / "empty.toml"
    empty.touch()
    monkeypatch.setenv("TOCSIN_CONFIG", str(empty))


@pytest.fixture
def unmade_settings(broker: Broker, tmp_path: Path, clean_environment: None) -> Settings:
    """Settings with topics and a group that no other test has; the topics do not exist yet."""
    unique = secrets.token_hex(4)
    return Settings(
        kafka=KafkaSettings(
            bootstrap_servers=broker.bootstrap_servers,
            group_id=f"group-{unique}",
            session_timeout_seconds=6.0,
            heartbeat_interval_seconds=1.0,
        ),
        topics=TopicsSettings(
            prefix=f"tocsin-{unique}.",
            inputs={f"news-{unique}": "news", f"social-{unique}": "social", f"customer-{unique}": "customer"},
            partitions=4,
        ),
        model=ModelSettings(registry=str(STATE / "registry"), cache=STATE / "cache"),
        # Off, for the sake of all tests of something else.
        replies=RepliesSettings(enabled=False),
        briefs=BriefsSettings(enabled=False),
        recommend=RecommendSettings(
            enabled=False, behaviors_topic=f"behaviors-{unique}", items_topic=f"items-{unique}"
        ),
        metrics=MetricsSettings(port=0),
        connector=ConnectorSettings(port=0),
        worker=WorkerSettings(data_dir=tmp_path / "worker"),
    )


@pytest.fixture
def stream_settings(unmade_settings: Settings) -> Settings:
    """Settings with topics and a group that no other test has; the topics exist, with four partitions each."""
    with admin_client(unmade_settings.kafka) as admin:
        create_topics(admin, all_topics(unmade_settings))
    return unmade_settings

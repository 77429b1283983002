"""A topic that is not there, and one that may not be seen, are told apart."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from kafka.errors import NoError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from streams.cli.common import CommandError
from streams.cli.reach import require_topics
from streams.contract.settings import KafkaSettings


class Admin:
    """Tells what it is told to of each topic, and of the others nothing."""

    def __init__(self, told: dict[str, type[Any]]) -> None:
        self._told = told

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [
            {"name": name, "error_code": self._told[name].errno, "partitions": []}
            for name in names
            if name in self._told
        ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, type[Any]]:
    """What the broker answers, by topic."""
    told: dict[str, type[Any]] = {"news": NoError}
    monkeypatch.setattr("streams.cli.reach.admin_client", lambda *_, **__: nullcontext(Admin(told)))
    return told


def test_topics_that_are_there_are_enough(told: dict[str, type[Any]]) -> None:
    require_topics(KafkaSettings(), ["news"])


def test_topics_that_are_not_there_are_named(told: dict[str, type[Any]]) -> None:
    told["social"] = UnknownTopicOrPartitionError
    with pytest.raises(CommandError, match=r"no topic social, customer at .*`tocsin topics create`"):
        require_topics(KafkaSettings(), ["news", "social", "customer"])


def test_topics_that_may_not_be_seen_are_not_said_to_be_missing(told: dict[str, type[Any]]) -> None:
    told["social"] = TopicAuthorizationFailedError
    with pytest.raises(CommandError, match=r"tells us nothing of social: .*lacks rights.*`tocsin topics acls`"):
        require_topics(KafkaSettings(), ["news", "social"])

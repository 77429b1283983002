"""Is the broker there, and has it the topics that a command needs? Asked first, so that nobody waits for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from kafka.errors import KafkaError

from streams.brokers.admin import describe_topics
from streams.brokers.client import admin_client
from streams.cli.common import CommandError
from streams.contract.settings import KafkaSettings

_TIMEOUT_SECONDS = 5.0


def require_topics(kafka: KafkaSettings, names: Sequence[str]) -> None:
    """Make sure that a broker answers and that these topics exist.

    Raises:
        BrokerUnreachableError: None answers within five seconds.
        CommandError: A topic does not exist.
    """
    try:
        with admin_client(kafka, timeout=_TIMEOUT_SECONDS) as admin:
            known = {topic.name for topic in describe_topics(admin, names, config=False)}
    except KafkaError as error:
        raise CommandError(f"the broker at {kafka.bootstrap_servers} answered: {error}") from error
    if missing := [name for name in names if name not in known]:
        raise CommandError(
            f"no topic {', '.join(missing)} at {kafka.bootstrap_servers}: make Tocsin's with `tocsin topics create`"
        )

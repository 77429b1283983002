"""Is the broker there, and has it the topics that a command needs? Asked first, so that nobody waits for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from kafka.errors import KafkaError, TopicAuthorizationFailedError

from streams.brokers.admin import untold_topics
from streams.brokers.client import admin_client
from streams.brokers.errors import RIGHTS_ADVICE
from streams.cli.common import CommandError
from streams.contract.settings import KafkaSettings

_TIMEOUT_SECONDS = 5.0


def require_topics(kafka: KafkaSettings, names: Sequence[str]) -> None:
    """Make sure that a broker answers and that these topics exist.

    Raises:
        BrokerUnreachableError: None answers within five seconds.
        CommandError: A topic does not exist, or may not be seen.
    """
    try:
        with admin_client(kafka, timeout=_TIMEOUT_SECONDS) as admin:
            untold = untold_topics(admin, names)
    except KafkaError as error:
        raise CommandError(f"the broker at {kafka.bootstrap_servers} answered: {error}") from error
    if hidden := [name for name, reason in untold.items() if reason is TopicAuthorizationFailedError]:
        raise CommandError(
            f"the broker at {kafka.bootstrap_servers} tells us nothing of {', '.join(hidden)}: {RIGHTS_ADVICE}"
        )
    if untold:
        raise CommandError(
            f"no topic {', '.join(untold)} at {kafka.bootstrap_servers}: make Tocsin's with `tocsin topics create`"
        )

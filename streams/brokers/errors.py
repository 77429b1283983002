"""What can go wrong with a broker, told so that a person can mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka.errors import TopicAuthorizationFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kafka.errors import KafkaError

RIGHTS_ADVICE = "the user lacks rights: `tocsin topics acls` lists those of each process"


class BrokerError(RuntimeError):
    """A broker cannot be started, reached or used; the message says why and what to do."""


class BrokerUnreachableError(BrokerError):
    """No broker answers at the address in the settings."""


class BrokerRefusesError(BrokerUnreachableError):
    """A broker is there and does not let us in, or is not trusted: to try again changes nothing."""


class TopicError(BrokerError):
    """A topic cannot be created, described or read; the message names it."""


def unreadable(topics: Iterable[str], error: KafkaError) -> TopicError:
    """What to raise where the brokers do not let topics be read.

    Args:
        topics: Full names.
        error: Of kafka-python.
    """
    advice = f"; {RIGHTS_ADVICE}" if isinstance(error, TopicAuthorizationFailedError) else ""
    return TopicError(f"{', '.join(topics)} cannot be read: {error}{advice}")

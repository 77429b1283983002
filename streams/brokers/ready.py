"""Waiting for a broker: an open port is not enough, a metadata request must be answered."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from kafka.errors import KafkaError

from streams.brokers import client
from streams.brokers.errors import BrokerError, BrokerRefusesError, BrokerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.contract.settings import KafkaSettings

_POLL_SECONDS = 0.02
_TRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


def wait_until_ready(kafka: KafkaSettings, *, timeout: float = 30.0, alive: Callable[[], bool] = lambda: True) -> None:
    """Return once a broker tells of itself and of a controller.

    Apache Kafka answers before it may serve: until then it does not list itself.

    Args:
        kafka: Where the broker is to be, and how to be let in.
        timeout: Seconds until it is given up.
        alive: Whether it can still come; asked before every try.

    Raises:
        BrokerError: It is no longer alive.
        BrokerRefusesError: It is there and does not let us in, which no waiting mends.
        BrokerUnreachableError: The time is over.
    """
    deadline = time.monotonic() + timeout
    while True:
        if not alive():
            raise BrokerError("the broker ended before it was ready")
        if _answers(kafka):
            return
        if time.monotonic() > deadline:
            raise BrokerUnreachableError(f"the broker at {kafka.bootstrap_servers} was not ready within {timeout:g} s")
        time.sleep(_POLL_SECONDS)


def _answers(kafka: KafkaSettings) -> bool:
    try:
        with client.admin_client(kafka, timeout=_TRY_SECONDS) as admin:
            cluster = admin.describe_cluster()
    except BrokerRefusesError:
        raise
    except (BrokerUnreachableError, KafkaError) as error:
        _log.debug("not ready yet: %s", error)
        return False
    return bool(cluster["brokers"]) and cluster["controller_id"] >= 0

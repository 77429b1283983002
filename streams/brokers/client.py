"""kafka-python's clients, made from the settings: what the commands talk to a broker with.

Each is a context manager; close it, since it holds sockets and a thread.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from streams.brokers.admission import ask, speaks_tls
from streams.brokers.errors import BrokerRefusesError, BrokerUnreachableError
from streams.brokers.header_names import spell_out_header_names
from streams.brokers.tls import check_security, ssl_context
from streams.contract.credentials import Unshown
from streams.contract.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.contract.settings import KafkaSettings

BOOTSTRAP_TIMEOUT_SECONDS = 10.0
USUAL_RECORD_BYTES = 1024 * 1024
"""As large as a record may be where neither the brokers nor ``enrich.max_message_bytes`` are told otherwise."""

QUIET_FETCH_SECONDS = 0.5
"""How long a broker may hold a fetch of whoever follows topics: a new record ends the wait at once."""

READING_FETCH_SECONDS = 0.02
"""The same for whoever reads to the end, or follows the embedded broker, which holds a fetch to the end of the wait."""

_LISTENING_TIMEOUT_SECONDS = 1.0
# kafka-python would wait up to half a minute before it asks again whether a broker is back.
_LONGEST_RECONNECT_PAUSE_SECONDS = 2.0


def admin_client(kafka: KafkaSettings, *, timeout: float = BOOTSTRAP_TIMEOUT_SECONDS) -> KafkaAdminClient:
    """A client that creates and describes topics.

    Args:
        kafka: Where the brokers are, and how to be let in.
        timeout: Seconds in which a broker must answer.

    Raises:
        BrokerUnreachableError: None answers.
        SettingsError: The security settings do not fit together.
    """
    return _connect(KafkaAdminClient, kafka, timeout)


def producer(kafka: KafkaSettings, *, linger_ms: int = 5, max_record_bytes: int = USUAL_RECORD_BYTES) -> KafkaProducer:
    """A producer of raw bytes whose every message is acknowledged by all in-sync replicas, and kept in order.

    What is not acknowledged within ``kafka.delivery_timeout_seconds`` has failed.

    It is not idempotent: Tansu knows no producer ids (InitProducerId fails), and kafka-python's idempotent producer
    never recovers from a broker's restart. Outputs carry ids of their own by which a duplicate is known. Without
    producer ids a retried batch could overtake the next one, so there is one request in flight for each broker.

    Args:
        kafka: Where the brokers are, and how to be let in.
        linger_ms: How long a message may wait for others to be sent with, in milliseconds.
        max_record_bytes: A larger record fails before it is sent; the brokers' own limit is beside this one.

    Raises:
        BrokerUnreachableError: None answers.
        SettingsError: The security settings do not fit together.
    """
    delivery_ms = _milliseconds(kafka.delivery_timeout_seconds)
    return _connect(
        KafkaProducer,
        kafka,
        BOOTSTRAP_TIMEOUT_SECONDS,
        delivery_timeout_ms=delivery_ms + linger_ms,
        # One request must fit into it, and so must the wait for metadata.
        request_timeout_ms=min(_milliseconds(kafka.request_timeout_seconds), delivery_ms),
        max_block_ms=delivery_ms,
        acks="all",
        enable_idempotence=False,
        max_in_flight_requests_per_connection=1,
        linger_ms=linger_ms,
        max_request_size=max_record_bytes,
        allow_auto_create_topics=False,
    )


def consumer(
    kafka: KafkaSettings, *, group_id: str | None = None, fetch_wait_seconds: float = READING_FETCH_SECONDS
) -> KafkaConsumer:
    """A consumer of raw bytes from the earliest offset on, which commits only what it is told to.

    Args:
        kafka: Where the brokers are, and how to be let in.
        group_id: Consumer group; without one, partitions are assigned by hand.
        fetch_wait_seconds: How long a broker may hold a fetch that finds nothing. Short for whoever reads to the end;
            ``QUIET_FETCH_SECONDS`` for whoever stays, since fifty fetches a second are a fifteenth of a core.

    Raises:
        BrokerUnreachableError: None answers.
        SettingsError: The security settings do not fit together.
    """
    spell_out_header_names()
    return _connect(
        KafkaConsumer,
        kafka,
        BOOTSTRAP_TIMEOUT_SECONDS,
        group_id=group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        session_timeout_ms=_milliseconds(kafka.session_timeout_seconds),
        heartbeat_interval_ms=_milliseconds(kafka.heartbeat_interval_seconds),
        fetch_max_wait_ms=_milliseconds(fetch_wait_seconds),
        reconnect_backoff_max_ms=_milliseconds(_LONGEST_RECONNECT_PAUSE_SECONDS),
    )


def is_listening(kafka: KafkaSettings) -> bool:
    """Whether anybody listens at the address of a broker, which is not yet a broker that answers."""
    try:
        _first_that_listens(connection(kafka)["bootstrap_servers"], _LISTENING_TIMEOUT_SECONDS)
    except OSError:
        return False
    return True


def connection(kafka: KafkaSettings) -> dict[str, Any]:
    """What each of kafka-python's clients needs to reach the brokers and be let in.

    Raises:
        SettingsError: The security settings do not fit together, or a certificate's file is not what it should be.
    """
    check_security(kafka)
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in kafka.bootstrap_servers.split(",")],
        "client_id": kafka.client_id,
        "security_protocol": kafka.security_protocol,
        "request_timeout_ms": _milliseconds(kafka.request_timeout_seconds),
    }
    if kafka.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": Unshown(kafka.sasl_password.get_secret_value()) if kafka.sasl_password else None,
        }
    if kafka.security_protocol.endswith("SSL"):
        # Made by us, so that what it asks of a certificate is no default of a library's.
        options["ssl_context"] = ssl_context(kafka)
    return options


def _connect(make: Callable[..., Any], kafka: KafkaSettings, timeout: float, **options: object) -> Any:  # noqa: ANN401  untyped library
    settings = connection(kafka)
    try:
        # Where nobody listens is told at once; kafka-python would try till the end of the time, and leave a socket
        # unclosed each time. The other brokers it learns of from this one.
        server = settings["bootstrap_servers"] = _first_that_listens(settings["bootstrap_servers"], timeout)
        if kafka.security_protocol != "PLAINTEXT":
            ask(kafka, server, timeout)
        return make(**{**settings, **options}, bootstrap_timeout_ms=_milliseconds(timeout))
    except (KafkaError, OSError) as error:
        if kafka.security_protocol == "PLAINTEXT" and isinstance(error, KafkaError) and speaks_tls(server, timeout):
            raise BrokerRefusesError(
                f"the broker at {server} speaks TLS: set kafka.security_protocol to SSL or SASL_SSL"
            ) from error
        raise BrokerUnreachableError(
            f"no broker lets us in at {kafka.bootstrap_servers} ({error}): start one with `tocsin broker`, or say "
            "where yours is with --bootstrap-servers or kafka.bootstrap_servers"
        ) from error


def _first_that_listens(servers: list[str], timeout: float) -> str:
    problems: list[OSError] = []
    for server in servers:
        host, _, port = server.rpartition(":")
        if not host or not port.isdecimal():
            raise SettingsError(f"kafka.bootstrap_servers: {server!r} is not host:port")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout).close()
        except OSError as error:
            problems.append(error)
        except UnicodeError:  # as "a..b", for which no resolver can be asked
            raise SettingsError(f"kafka.bootstrap_servers: {server!r} has no name of a host") from None
        else:
            return server
    raise problems[-1]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)

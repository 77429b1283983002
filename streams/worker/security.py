"""TLS and passwords to the brokers, for Faust and for aiokafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faust

from streams.brokers.tls import check_security, ssl_context
from streams.contract.credentials import Unshown

if TYPE_CHECKING:
    from streams.contract.settings import KafkaSettings


def aiokafka_security(kafka: KafkaSettings) -> dict[str, Any]:
    """Arguments by which an aiokafka client reaches brokers that ask for TLS or a password."""
    check_security(kafka)
    options: dict[str, Any] = {"security_protocol": kafka.security_protocol}
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_context"] = ssl_context(kafka)
    if kafka.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": Unshown(kafka.sasl_password.get_secret_value()) if kafka.sasl_password else None,
        }
    return options


def faust_credentials(kafka: KafkaSettings) -> faust.types.auth.CredentialsT | None:
    """What Faust needs to reach brokers that ask for TLS or a password; None for plain text."""
    check_security(kafka)
    if kafka.security_protocol == "PLAINTEXT":
        return None
    context = ssl_context(kafka) if kafka.security_protocol.endswith("SSL") else None
    if not kafka.security_protocol.startswith("SASL"):
        return faust.SSLCredentials(context)
    password = Unshown(kafka.sasl_password.get_secret_value()) if kafka.sasl_password else None
    return faust.SASLCredentials(
        username=kafka.sasl_username, password=password, ssl_context=context, mechanism=kafka.sasl_mechanism
    )

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from streams.contract.settings import KafkaSettings
from streams.worker.security import aiokafka_security, faust_credentials


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_faust_and_the_publisher_are_let_in_by_the_same_credentials(protocol: str, mechanism: str) -> None:
    has_password = protocol.startswith("SASL")
    kafka = KafkaSettings(
        security_protocol=protocol,
        sasl_mechanism=mechanism,
        sasl_username="desk" if has_password else None,
        sasl_password="hidden" if has_password else None,
    )
    options = aiokafka_security(kafka)
    faust_options = dict(credentials_to_aiokafka_auth(faust_credentials(kafka)))
    expected: dict[str, object] = {"security_protocol": protocol}
    if protocol.startswith("SASL"):
        expected |= {"sasl_mechanism": mechanism, "sasl_plain_username": "desk", "sasl_plain_password": "hidden"}
    contexts = [options.pop("ssl_context", None), faust_options.pop("ssl_context", None)]
    assert options == faust_options == expected
    for context in contexts:
        if protocol.endswith("SSL"):
            assert context.verify_mode is ssl.CERT_REQUIRED
            assert context.check_hostname
            assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        else:
            assert context is None


def test_certificates_are_verified_even_where_the_hosts_name_is_not() -> None:
    kafka = KafkaSettings(security_protocol="SSL", ssl_check_hostname=False, ssl_cafile=Path(certifi.where()))
    context = aiokafka_security(kafka)["ssl_context"]
    assert not context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED

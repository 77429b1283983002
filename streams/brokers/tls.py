"""TLS to the brokers: one context for both clients, and a refusal told by the setting that it comes from."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from streams.contract.settings import SettingsError

if TYPE_CHECKING:
    from streams.contract.settings import KafkaSettings

_FILES = ("ssl_cafile", "ssl_certfile", "ssl_keyfile")
# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_WRONG_HOST = {62, 63, 64}
_OUT_OF_DATE = {9, 10}


def check_security(kafka: KafkaSettings) -> None:
    """Refuse settings that look safe and are not.

    Raises:
        SettingsError: They do not fit together; the message names them.
    """
    protocol = kafka.security_protocol
    if protocol.startswith("SASL"):
        if kafka.sasl_username is None or kafka.sasl_password is None:
            raise SettingsError(
                f"kafka.sasl_username and kafka.sasl_password are needed where kafka.security_protocol is {protocol}: "
                "set TOCSIN_KAFKA__SASL_USERNAME and TOCSIN_KAFKA__SASL_PASSWORD"
            )
    elif kafka.sasl_password is not None:
        raise SettingsError(
            f"kafka.sasl_password is set, and with kafka.security_protocol = {protocol} nobody would ask for it: set "
            "it to SASL_SSL"
        )
    given = [name for name in _FILES if getattr(kafka, name) is not None]
    if given and not protocol.endswith("SSL"):
        raise SettingsError(
            f"kafka.{given[0]} is set, and with kafka.security_protocol = {protocol} nothing would be encrypted: set "
            "it to SSL or SASL_SSL"
        )
    if protocol.endswith("SSL") and not kafka.ssl_check_hostname and kafka.ssl_cafile is None:
        raise SettingsError(
            "kafka.ssl_check_hostname is false, so that whoever has a certificate of any public authority would pass "
            "for a broker: name your own authority alone with kafka.ssl_cafile"
        )


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext:
    """TLS 1.2 or later as the settings say; certificates are always verified.

    Raises:
        SettingsError: A file is missing, or does not hold what it should.
    """
    for name in _FILES:
        path = getattr(kafka, name)
        if path is not None and not path.is_file():
            raise SettingsError(f"kafka.{name} is {path}, which is not a file")
    if kafka.ssl_keyfile is not None and kafka.ssl_certfile is None:
        raise SettingsError("kafka.ssl_keyfile is set without kafka.ssl_certfile, the certificate that it belongs to")
    try:
        context = ssl.create_default_context(cafile=str(kafka.ssl_cafile) if kafka.ssl_cafile else None)
    except OSError as error:
        raise SettingsError(f"kafka.ssl_cafile: {kafka.ssl_cafile} holds no certificates (PEM): {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = kafka.ssl_check_hostname
    if kafka.ssl_certfile:
        try:
            # A password would be asked for at a terminal, where nobody sits.
            context.load_cert_chain(kafka.ssl_certfile, kafka.ssl_keyfile, password=lambda: b"")
        except OSError as error:
            raise SettingsError(
                f"kafka.ssl_certfile ({kafka.ssl_certfile}) and kafka.ssl_keyfile ({kafka.ssl_keyfile}) are no "
                f"certificate with its key (PEM, the key without a password): {error}"
            ) from error
    return context


def distrust(error: ssl.SSLCertVerificationError, host: str, kafka: KafkaSettings) -> str:
    """Why a broker's certificate is not trusted, and which setting to look at."""
    told = error.verify_message
    if error.verify_code in _WRONG_HOST:
        return f"its certificate does not name {host} ({told}): write in kafka.bootstrap_servers the name that it has"
    if error.verify_code in _OUT_OF_DATE:
        return f"its certificate is out of date ({told}): renew it, and look at this machine's clock"
    authority = (
        f"in kafka.ssl_cafile ({kafka.ssl_cafile})"
        if kafka.ssl_cafile
        else "of this system, none being named by kafka.ssl_cafile,"
    )
    return f"no certificate authority {authority} vouches for it ({told})"

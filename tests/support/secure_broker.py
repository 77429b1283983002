"""Apache Kafka with listeners that ask for TLS, for a client's certificate, or for a password; and the certificates."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from kafka.admin import ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr

from streams.brokers.broker import LOOPBACK, free_port
from streams.brokers.client import admin_client
from streams.brokers.kafka import ApacheKafkaBroker
from streams.contract.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

USER = "desk"
PASSWORD = "correct-horse-battery"  # noqa: S105  of a broker that lives for one test
_LISTENERS = ("TLS", "MUTUAL", "STRANGER", "SECRET")


class Certificates:
    """A certificate authority of one's own, another that nobody trusts, and what the first has signed.

    Args:
        folder: Where the files are made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = self._authority("ca")
        self.other_ca = self._authority("other-ca")
        self.server = self._signed("server", "DNS:localhost,IP:127.0.0.1")
        self.stranger = self._signed("stranger", "DNS:kafka.invalid")
        self.client = self._signed("client", "DNS:client")

    def key(self, name: str) -> Path:
        """Private key of what was signed under this name."""
        return self._folder / f"{name}.key"

    def _authority(self, name: str) -> Path:
        certificate = self._folder / f"{name}.pem"
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-subj", f"/CN=tocsin test {name}", "-keyout", str(self.key(name)), "-out", str(certificate)),
        )
        return certificate

    def _signed(self, name: str, names: str) -> Path:
        certificate = self._folder / f"{name}.pem"
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName={names}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-CA", str(self.ca), "-CAkey", str(self.key("ca"))),
            *("-keyout", str(self.key(name)), "-out", str(certificate)),
        )
        return certificate

    def keystore(self, name: str) -> Path:
        """Key and certificates in one file, as Kafka reads them."""
        store = self._folder / f"{name}-store.pem"
        store.write_bytes(
            b"".join(path.read_bytes() for path in (self.key(name), self._folder / f"{name}.pem", self.ca))
        )
        return store

    def _openssl(self, *args: str) -> None:
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=self._folder)


class SecureKafkaBroker(ApacheKafkaBroker):
    """Apache Kafka with four more listeners on loopback, beside the open one that it is prepared by.

    ``TLS`` asks for nothing, ``MUTUAL`` for a client's certificate, ``SECRET`` for a password (PLAIN, SCRAM-SHA-256,
    SCRAM-SHA-512); the certificate of ``STRANGER`` names another host.
    """

    def __init__(self, folder: Path, *, jars: Path) -> None:
        super().__init__(folder / "broker", jars=jars, quick_start=True)
        (folder / "certificates").mkdir()
        self.certificates = Certificates(folder / "certificates")
        self._ports = {name: free_port() for name in _LISTENERS}

    def start(self) -> None:
        """Start it, and give its user a password."""
        super().start()
        with admin_client(KafkaSettings(bootstrap_servers=self.bootstrap_servers)) as admin:
            for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
                told = admin.alter_user_scram_credentials(
                    [UserScramCredentialUpsertion(USER, mechanism, PASSWORD, iterations=4096)]
                )
                assert not any(told.values()), told

    def at(self, listener: str, **changes: object) -> KafkaSettings:
        """Settings that are right for a listener, but for what is changed."""
        given: dict[str, object] = {
            "bootstrap_servers": f"{LOOPBACK}:{self._ports[listener]}",
            "security_protocol": "SASL_SSL" if listener == "SECRET" else "SSL",
            "ssl_cafile": self.certificates.ca,
            "request_timeout_seconds": 10.0,
        }
        if listener == "SECRET":
            given |= {"sasl_username": USER, "sasl_password": SecretStr(PASSWORD)}
        if listener == "MUTUAL":
            given |= {"ssl_certfile": self.certificates.client, "ssl_keyfile": self.certificates.key("client")}
        return KafkaSettings.model_validate(given | changes)

    def _command(self) -> Sequence[str]:
        command = super()._command()
        properties = Path(command[-1])
        written = properties.read_text(encoding="ascii")
        listeners = next(line for line in written.splitlines() if line.startswith("listeners=")).partition("=")[2]
        ours = [f"{name}://{LOOPBACK}:{port}" for name, port in self._ports.items()]
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        # Of a property that is given twice Java takes the last.
        values = {
            "listeners": ",".join([listeners, *ours]),
            "advertised.listeners": ",".join([f"PLAINTEXT://{LOOPBACK}:{self.port}", *ours]),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,MUTUAL:SSL,"
            "STRANGER:SSL,SECRET:SASL_SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.certificates.keystore("server")),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.certificates.ca),
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.stranger.ssl.keystore.type": "PEM",
            "listener.name.stranger.ssl.keystore.location": str(self.certificates.keystore("stranger")),
            "listener.name.secret.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.secret.plain.sasl.jaas.config": f'{plain} user_{USER}="{PASSWORD}";',
            "listener.name.secret.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.secret.scram-sha-512.sasl.jaas.config": scram,
        }
        properties.write_text(written + "".join(f"{name}={value}\n" for name, value in values.items()), "ascii")
        return command

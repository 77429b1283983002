"""Apache Kafka that denies whatever is not allowed, beside an open listener from which the tests prepare it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from pydantic import SecretStr

from streams.brokers.broker import LOOPBACK, free_port
from streams.brokers.client import admin_client
from streams.brokers.kafka import ApacheKafkaBroker
from streams.contract.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.contract.access import Right

PASSWORD = "correct-horse-battery"  # noqa: S105  of a broker that lives for one test

_OPERATIONS = {
    "Read": ACLOperation.READ,
    "Write": ACLOperation.WRITE,
    "Create": ACLOperation.CREATE,
    "Describe": ACLOperation.DESCRIBE,
    "DescribeConfigs": ACLOperation.DESCRIBE_CONFIGS,
}
_RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}


class GuardedKafkaBroker(ApacheKafkaBroker):
    """With Kafka's own authorizer: users of the guarded listener are allowed nothing, those of the open one all.

    Args:
        folder: Where its data lies.
        jars: As of any.
        users: Names that may sign in.
    """

    def __init__(self, folder: Path, *, jars: Path, users: Iterable[str]) -> None:
        super().__init__(folder, jars=jars, quick_start=True)
        self._log = folder / "log" / "server.log"
        self._users = list(users)
        self._guarded = free_port()

    def as_user(self, name: str, settings: KafkaSettings) -> KafkaSettings:
        """The settings of a client that signs in."""
        return settings.model_copy(
            update={
                "bootstrap_servers": f"{LOOPBACK}:{self._guarded}",
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_username": name,
                "sasl_password": SecretStr(PASSWORD),
            }
        )

    def allow(self, user: str, rights: Iterable[Right]) -> None:
        """Give a user rights."""
        acls = [
            ACL(
                principal=f"User:{user}",
                host="*",
                operation=_OPERATIONS[right.operation],
                permission_type=ACLPermissionType.ALLOW,
                resource_pattern=ResourcePattern(_RESOURCES[right.resource], right.name),
            )
            for right in rights
        ]
        with admin_client(KafkaSettings(bootstrap_servers=self.bootstrap_servers)) as admin:
            told = admin.create_acls(acls)
        assert not told["failed"], told

    def denials(self, user: str) -> list[str]:
        """Lines of its log in which a user was denied something that he needs."""
        lines = self._log.read_text(errors="replace").splitlines()
        # kafka-python asks of a cluster also what it may do to it, and is answered without.
        return [
            line for line in lines if "Denied" in line and f"User:{user} " in line and "DescribeCluster" not in line
        ]

    def _command(self) -> Sequence[str]:
        command = super()._command()
        properties = Path(command[-1])
        written = properties.read_text(encoding="ascii")
        listeners = next(line for line in written.splitlines() if line.startswith("listeners=")).partition("=")[2]
        ours = f"GUARDED://{LOOPBACK}:{self._guarded}"
        users = " ".join(f'user_{name}="{PASSWORD}"' for name in self._users)
        # Of a property that is given twice Java takes the last.
        values = {
            "listeners": f"{listeners},{ours}",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{self.port},{ours}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
            "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.guarded.plain.sasl.jaas.config": (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # Who comes by the open listeners, the broker itself among them.
            "super.users": "User:ANONYMOUS",
        }
        properties.write_text(written + "".join(f"{name}={value}\n" for name, value in values.items()), "ascii")
        return command

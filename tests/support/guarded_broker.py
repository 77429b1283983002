"""Apache Kafka that denies whatever is not allowed, beside an open listener from which the tests prepare it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from pydantic import SecretStr
from support.processes import wait_for

from streams.brokers.broker import LOOPBACK, free_port
from streams.brokers.client import admin_client
from streams.brokers.kafka import ApacheKafkaBroker
from streams.contract.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kafka import KafkaAdminClient

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
        """Give a user rights; they are in force when it returns."""
        acls = [_acl(user, _OPERATIONS[right.operation], _RESOURCES[right.resource], right.name) for right in rights]
        with admin_client(KafkaSettings(bootstrap_servers=self.bootstrap_servers)) as admin:
            # Kafka answers once they are written down. Its broker and its controller take up, one after the other, what
            # was written: where the broker knows of what was written later, both know of these.
            for given in (acls, [_acl(f"later-{uuid4()}", ACLOperation.READ, ResourceType.TOPIC, "none")]):
                told = admin.create_acls(given)
                assert not told["failed"], told
                wait_for(partial(_are_known, admin, given), what="for rights to be in force")

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


def _acl(user: str, operation: ACLOperation, resource: ResourceType, name: str) -> ACL:
    return ACL(
        principal=f"User:{user}",
        host="*",
        operation=operation,
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(resource, name),
    )


def _are_known(admin: KafkaAdminClient, acls: Sequence[ACL]) -> bool:
    everything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    known, _ = admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, everything))
    return {_key(acl) for acl in acls} <= {_key(acl) for acl in known}


def _key(acl: ACL) -> tuple[object, ...]:
    pattern = acl.resource_pattern
    return acl.principal, acl.operation, pattern.resource_type, pattern.resource_name

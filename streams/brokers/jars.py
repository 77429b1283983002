"""Apache Kafka's jars: those of ``$KAFKA_HOME``, else fetched once by Maven into a cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from streams.brokers.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable

KAFKA_VERSION = "4.3.1"
_LOG4J_VERSION = "2.25.4"
_MAVEN_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies"
_JAVA_LEAST = 17

# Kafka's artifact brings log4j, but not the bridge from slf4j to it, which only its archive holds.
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tocsin</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>{_LOG4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


def find_java() -> str:
    """The ``java`` program: of ``$JAVA_HOME``, else of the path.

    Raises:
        BrokerError: There is none, or it is too old for Kafka 4.
    """
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin", "java")) if home else "java"
    java = shutil.which(program)
    if java is None:
        raise BrokerError(
            f"Apache Kafka needs Java {_JAVA_LEAST} or later, and there is no {program}: install it (on Debian: "
            f"apt-get install openjdk-{_JAVA_LEAST}-jre-headless), or set JAVA_HOME; the embedded broker "
            "(--engine tansu) needs none"
        )
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603  found above
    found = re.search(r'version "(\d+)', told.stderr)
    if found is None or int(found.group(1)) < _JAVA_LEAST:
        raise BrokerError(
            f"Apache Kafka needs Java {_JAVA_LEAST} or later; {java} says {told.stderr.strip()[:100]!r}: install a "
            "later one, or set JAVA_HOME"
        )
    return java


def kafka_classpath(cache: Path, on_progress: Callable[[str], None] = lambda _: None) -> str:
    """Where Java finds Apache Kafka.

    Args:
        cache: Folder to keep fetched jars in, by version.
        on_progress: Told the name of each file as Maven fetches it.

    Raises:
        BrokerError: ``$KAFKA_HOME`` holds no Kafka, Maven is missing, or it could not fetch them.
    """
    home = os.environ.get("KAFKA_HOME")
    if home:
        libs = Path(home, "libs")
        if not any(libs.glob("kafka_*.jar")):
            raise BrokerError(
                f"KAFKA_HOME is {home}, but there is no libs/kafka_*.jar in it: unpack Apache Kafka 4 there"
            )
    else:
        libs = cache / KAFKA_VERSION / "libs"
        if not libs.is_dir():
            _fetch(cache / KAFKA_VERSION, on_progress)
    return f"{libs.resolve()}/*"


def _fetch(folder: Path, on_progress: Callable[[str], None]) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerError(
            "Maven fetches Apache Kafka once, and there is no mvn: install it (on Debian: apt-get install maven), or "
            "unpack Apache Kafka 4 yourself and set KAFKA_HOME"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the place where it is to be, so that one rename puts all of it there or nothing.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        complete = Path(scratch, "complete")
        complete.mkdir()
        pom = complete / "pom.xml"
        pom.write_text(_POM)
        _run_maven(
            [
                *(maven, "--batch-mode", "--strict-checksums", "--file", str(pom), _MAVEN_GOAL),
                *(f"-DoutputDirectory={complete / 'libs'}", "-DincludeScope=runtime"),
            ],
            on_progress,
        )
        try:
            complete.rename(folder)
        except OSError:
            if not (folder / "libs").is_dir():  # else another process was first, with the same files
                raise


def _run_maven(argv: list[str], on_progress: Callable[[str], None]) -> None:
    complaints = []
    with subprocess.Popen(  # noqa: S603  Maven, found by name
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as maven:
        try:
            for line in maven.stdout or ():
                if "Downloading from" in line:
                    on_progress(line.rsplit("/", 1)[-1].strip())
                elif "ERROR" in line:
                    complaints.append(line.strip())
        except BaseException:  # such as SIGTERM to us alone: do not wait for Maven's end
            maven.kill()
            raise
    if maven.returncode:
        raise BrokerError(
            f"Maven could not fetch Apache Kafka {KAFKA_VERSION}: {' '.join(complaints[:2]) or 'it gave no reason'}. "
            "Check the network and Maven's settings.xml (proxy, mirror), or unpack Apache Kafka 4 yourself and set "
            "KAFKA_HOME"
        )

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.brokers.errors import BrokerError
from streams.brokers.jars import KAFKA_VERSION, find_java, kafka_classpath

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all the path there is, beside the system's shell tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    return folder


def _program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_no_java_is_told_with_what_to_install(bin_folder: Path) -> None:
    with pytest.raises(BrokerError, match=r"Java 17 or later.*no java: install it.*--engine tansu"):
        find_java()


@pytest.mark.parametrize("told", ['openjdk version "11.0.2" 2019', 'java version "1.8.0_202"', "segmentation fault"])
def test_too_old_a_java_is_told(bin_folder: Path, told: str) -> None:
    _program(bin_folder, "java", f"echo '{told}' >&2")
    with pytest.raises(BrokerError, match=r"Java 17 or later; .*says"):
        find_java()


@pytest.mark.parametrize("told", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "25" 2025-09-16'])
def test_java_of_java_home_is_taken(
    bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    _program(home / "bin", "java", f"echo '{told}' >&2")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java() == str(home / "bin" / "java")


def test_no_maven_is_told_with_both_ways_out(bin_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"no mvn: install it.*KAFKA_HOME"):
        kafka_classpath(tmp_path / "cache")


def test_kafka_home_is_taken_before_all_else(bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    libs = tmp_path / "kafka" / "libs"
    monkeypatch.setenv("KAFKA_HOME", str(libs.parent))
    with pytest.raises(BrokerError, match=r"KAFKA_HOME is .*no libs/kafka_"):
        kafka_classpath(tmp_path / "cache")
    libs.mkdir(parents=True)
    (libs / "kafka_2.13-4.3.1.jar").touch()
    assert kafka_classpath(tmp_path / "cache") == f"{libs}/*"


def test_maven_is_run_once_and_its_progress_told(bin_folder: Path, tmp_path: Path) -> None:
    _program(
        bin_folder,
        "mvn",
        'for given in "$@"; do case "$given" in -DoutputDirectory=*) out="${given#*=}";; esac; done\n'
        '/bin/mkdir "$out"\n'
        'echo "[INFO] Downloading from somewhere: scheme://host/path/kafka.jar"\n'
        'echo jar > "$out/kafka.jar"',
    )
    told: list[str] = []
    classpath = kafka_classpath(tmp_path / "cache", told.append)
    assert classpath == f"{tmp_path}/cache/{KAFKA_VERSION}/libs/*"
    assert told == ["kafka.jar"]
    (bin_folder / "mvn").unlink()
    assert kafka_classpath(tmp_path / "cache") == classpath
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [KAFKA_VERSION]


def test_maven_that_fails_leaves_nothing_and_says_why(bin_folder: Path, tmp_path: Path) -> None:
    _program(bin_folder, "mvn", 'echo "[ERROR] Could not transfer artifact"; exit 1')
    with pytest.raises(BrokerError, match=r"could not fetch Apache Kafka.*Could not transfer artifact.*settings\.xml"):
        kafka_classpath(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []

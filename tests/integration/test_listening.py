"""Nothing listens beyond this machine by default: the sockets of every process that Tocsin starts."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import psutil
import pytest
from support.processes import run_tocsin, settings_env, wait_for

from streams.contract.settings import ExporterSettings, MetricsSettings

if TYPE_CHECKING:
    from pathlib import Path

    from support.processes import TocsinProcess

    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration


def listening(process: TocsinProcess) -> set[str]:
    """Addresses that a process and all that it started listen on, TCP, and UDP that takes from anybody."""
    try:
        parent = psutil.Process(process.pid)
        family = [parent, *parent.children(recursive=True)]
        found = [connection for each in family for connection in each.net_connections("inet")]
    except psutil.NoSuchProcess:
        return set()
    return {
        c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN or (c.type.name == "SOCK_DGRAM" and not c.raddr)
    }


def assert_loopback(process: TocsinProcess, ready: str) -> None:
    wait_for(lambda: ready in process.stderr + process.stdout or not process.running, 90, what=f"for {ready!r}")
    assert process.running, process.stderr
    addresses = wait_for(lambda: listening(process), 30, what="for a socket that listens")
    # IPv6 sockets that carry IPv4 are told as ::ffff:127.0.0.1.
    for address in addresses:
        ip = ipaddress.ip_address(address)
        assert (getattr(ip, "ipv4_mapped", None) or ip).is_loopback, addresses


@pytest.mark.parametrize("engine", ["tansu", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_a_broker_listens_on_loopback_alone(
    engine: str, clean_environment: None, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    args = ["broker", "--engine", engine, "--port", "0"]
    env = {}
    if engine == "kafka":
        # Its jars are looked for beside the cache.
        jars: Path = request.getfixturevalue("kafka_jars")
        args += ["--data-dir", str(tmp_path / "data")]
        env = {"TOCSIN_MODEL__CACHE": str(jars.parent / "cache")}
    with run_tocsin(args, env) as process:
        assert_loopback(process, "listens on")


@pytest.mark.parametrize(
    ("command", "ready"),
    [
        (["worker"], "metrics: "),
        (["exporter"], "metrics: "),
        (["desk", "--port", "0"], "#token="),
        (["retrain", "schedule", "--port", "0"], "metrics: "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
@pytest.mark.parametrize("broker", [pytest.param("tansu_broker", id="tansu")], indirect=True)
def test_every_server_listens_on_loopback_alone(
    stream_settings: Settings, command: list[str], ready: str, tmp_path: Path
) -> None:
    # The hosts are the defaults: no setting of the test says where to listen.
    assert (MetricsSettings().host, ExporterSettings().host) == ("127.0.0.1", "127.0.0.1")
    settings = stream_settings.model_copy(update={"exporter": ExporterSettings(port=0)})
    env = settings_env(settings) | {"TOCSIN_RETRAIN__DATA_DIR": str(tmp_path / "retrain")}
    env = {name: value for name, value in env.items() if not name.endswith("__HOST")}
    with run_tocsin(command, env) as process:
        assert_loopback(process, ready)


def test_a_server_on_every_interface_is_seen(clean_environment: None, tmp_path: Path) -> None:
    """What the tests above look for can be found."""
    code = "import socket, time; s = socket.create_server(('0.0.0.0', 0)); print('up', flush=True); time.sleep(60)"
    (tmp_path / "open_server.py").write_text(code)
    with run_tocsin([], {"PYTHONPATH": str(tmp_path)}, "open_server") as process:
        wait_for(lambda: "up" in process.stdout)
        assert listening(process) == {"0.0.0.0"}  # noqa: S104  looked for, not listened on

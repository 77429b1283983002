from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.brokers.jars import KAFKA_VERSION
from streams.brokers.kafka import _server_properties
from streams.contract.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    """The Dockerfile's instructions, continued lines joined, comments dropped."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line]


OURS = {"topics", "model", "answers", "worker", "desk", "connector", "lag-exporter", "retrain"}
WATCHING = {"prometheus", "alertmanager", "grafana"}


def test_the_services_are_the_broker_ours_and_what_watches_them(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"kafka"} | OURS | WATCHING
    assert services["topics"]["command"] == ["topics", "create"]
    assert services["worker"]["command"] == ["worker"]
    conditions = {name: needed["condition"] for name, needed in services["worker"]["depends_on"].items()}
    assert conditions == {
        "kafka": "service_healthy",
        "topics": "service_completed_successfully",
        "model": "service_completed_successfully",
    }
    assert "test" in services["kafka"]["healthcheck"]


def test_the_broker_is_of_the_version_that_the_tests_run_on(compose: dict[str, Any]) -> None:
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_every_port_is_published_on_loopback_alone(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert sorted(ports) == [
        f"127.0.0.1:{port}:{port}" for port in (3000, 9090, 9092, 9093, 9464, 9465, 9466, 9467, 9470)
    ]


def test_the_broker_is_set_as_the_one_without_a_container(compose: dict[str, Any]) -> None:
    container = compose["services"]["kafka"]["environment"]
    for line in _server_properties(1, 2, Path("/data")).splitlines():
        name, value = line.split("=", 1)
        if re.search("replication|isr|auto|initial|roles|node", name):
            assert str(container[f"KAFKA_{name.upper().replace('.', '_')}"]) == value, name


def test_data_outlives_its_container(compose: dict[str, Any]) -> None:
    kafka = compose["services"]["kafka"]
    assert kafka["volumes"] == [f"kafka-data:{kafka['environment']['KAFKA_LOG_DIRS']}"]
    mounted = {
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service["volumes"]
        if not volume.startswith("./")
    }
    assert set(compose["volumes"]) == mounted


def test_every_image_has_a_version(compose: dict[str, Any]) -> None:
    for name in {"kafka"} | WATCHING:
        assert re.search(r":v?\d+\.\d+\.\d+$", compose["services"][name]["image"]), name


def test_what_is_mounted_from_here_is_here_and_only_read(compose: dict[str, Any]) -> None:
    folders = [
        volume.split(":")
        for service in compose["services"].values()
        for volume in service["volumes"]
        if volume.startswith("./")
    ]
    assert folders
    for folder, _, mode in folders:
        assert mode == "ro", folder
        assert (ROOT / folder).is_dir(), folder


def test_what_watches_finds_what_it_is_pointed_at(compose: dict[str, Any]) -> None:
    """Every address in the files that are mounted is a service's name and port."""
    prometheus = yaml.safe_load((ROOT / "exporters/prometheus/prometheus.yml").read_text())
    jobs = prometheus["scrape_configs"]
    targets = {target for job in jobs for part in job.get("static_configs", []) for target in part["targets"]}
    targets |= {
        f"{name}:{part['port']}" for job in jobs for part in job.get("dns_sd_configs", []) for name in part["names"]
    }
    for part in prometheus["alerting"]["alertmanagers"]:
        targets |= {target for config in part["static_configs"] for target in config["targets"]}
    sources = yaml.safe_load((ROOT / "exporters/grafana/provisioning/datasources/tocsin.yml").read_text())
    targets |= {source["url"].removeprefix("http://") for source in sources["datasources"]}
    targets.add(compose["services"]["worker"]["environment"]["TOCSIN_ALERTMANAGER__URL"].removeprefix("http://"))
    for target in targets - {"localhost:9090"}:
        name, port = target.split(":")
        assert f"127.0.0.1:{port}:{port}" in compose["services"][name]["ports"], target


def test_containers_have_no_more_rights_than_they_need(compose: dict[str, Any]) -> None:
    for name in OURS | WATCHING:
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108  the container's own
    kafka = compose["services"]["kafka"]
    assert (kafka["cap_drop"], kafka["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert not [name for name, service in compose["services"].items() if service.get("privileged") or "user" in service]


def test_grafana_asks_for_no_password_and_lets_nobody_change_anything(compose: dict[str, Any]) -> None:
    environment = compose["services"]["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert not [name for name in environment if "PASSWORD" in name]


def test_a_worker_has_time_to_finish_what_is_in_hand(compose: dict[str, Any]) -> None:
    seconds = int(compose["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert seconds > Settings().worker.shutdown_timeout_seconds


def test_the_settings_in_the_files_exist(
    compose: dict[str, Any], dockerfile: list[str], clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = dict(compose["services"]["worker"]["environment"])
    environment = next(line for line in dockerfile if line.startswith("ENV "))
    variables |= dict(pair.split("=", 1) for pair in environment.removeprefix("ENV ").split() if "TOCSIN_" in pair)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.kafka.bootstrap_servers == "kafka:19092"
    state = Path("/var/lib/tocsin")
    assert Path(settings.model.registry).is_relative_to(state)
    assert settings.model.cache.is_relative_to(state)
    assert settings.worker.data_dir.is_relative_to(state)
    assert settings.retrain.data_dir.is_relative_to(state)


def test_the_image_is_small_and_runs_as_nobody_in_particular(dockerfile: list[str]) -> None:
    stages = [line for line in dockerfile if line.startswith("FROM ")]
    assert stages == [
        "FROM python:3.11-slim AS build",
        "FROM build AS build-trainer",
        "FROM python:3.11-slim AS base",
        "FROM base AS trainer",
        "FROM base AS worker",
    ]
    base = dockerfile[dockerfile.index(stages[2]) : dockerfile.index(stages[3])]
    assert base.index("USER 10001:10001") < base.index('ENTRYPOINT ["tocsin"]')
    # Nothing of the way it was built, and nobody else, comes after.
    later = dockerfile[dockerfile.index(stages[3]) :]
    assert [line for line in later if not line.startswith(("FROM", "CMD"))] == [
        "COPY --from=build-trainer /opt/tocsin /opt/tocsin",
        "COPY --from=build /opt/tocsin /opt/tocsin",
    ]
    worker_and_its_build = [*dockerfile[: dockerfile.index(stages[1])], *base]
    assert not [line for line in worker_and_its_build if "train]" in line]
    assert not re.search(r"^(torch|transformers)==", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE)


def test_torch_is_fetched_for_retraining_alone(compose: dict[str, Any], dockerfile: list[str]) -> None:
    for name in OURS:
        service = compose["services"][name]
        trains = name == "retrain"
        assert service["build"] == {"context": ".", "target": "trainer" if trains else "worker"}
        assert service.get("profiles", []) == ([name] if name in {"retrain", "desk", "connector"} else [])
    assert (Settings().retrain.port, Settings().connector.port) == (9466, 9467)


def test_the_image_holds_every_package_of_the_wheel(dockerfile: list[str]) -> None:
    copied = {name for line in dockerfile if re.match("COPY [^-]", line) for name in line.split()[1:-1]}
    found = re.search(r"^packages = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    assert found
    assert set(ast.literal_eval(found.group(1))) <= copied
    let_in = (ROOT / ".dockerignore").read_text()
    assert all(f"!{name}" in let_in for name in copied)


def test_the_health_check_asks_the_worker(dockerfile: list[str]) -> None:
    (check,) = [line for line in dockerfile if line.startswith("HEALTHCHECK")]
    program = ast.literal_eval(check.split(" CMD ", 1)[1])
    assert program[:2] == ["python", "-c"]
    assert "/healthz" in program[2]
    compile(program[2], "HEALTHCHECK", "exec")

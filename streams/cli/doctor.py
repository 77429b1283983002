"""``tocsin doctor``: what is missing or wrong on this machine and on the broker, and what to do about it."""

from __future__ import annotations

import platform
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import msgspec
import typer
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from packaging.requirements import Requirement
from rich.markup import escape
from rich.table import Table

from models.manifest import VersionError
from models.registry import Registry
from streams.brokers.admin import describe_topics
from streams.brokers.client import admin_client
from streams.brokers.errors import BrokerError
from streams.cli import common
from streams.contract.credentials import hide_credentials
from streams.contract.domain import DomainError, load_domain
from streams.contract.examples import load_seed
from streams.contract.settings import Settings, SettingsError, config_file
from streams.contract.topics import all_topics

Status = Literal["ok", "problem"]

_BROKER_SECONDS = 5.0
_PROBE_SECONDS = 1.0
_LEAST_FREE_BYTES = 1 << 30
_MARKS = {"ok": "[green]ok[/]", "problem": "[bold red]problem[/]"}


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one check found.

    Attributes:
        check: What was looked at.
        status: Whether it is as it should be.
        found: What was found.
        advice: What to do, where there is a problem.
    """

    check: str
    status: Status
    found: str
    advice: str = ""


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one finding a line.")] = False) -> None:
    """Check libraries, domain, model, ports, disk, broker and topics, and say what to do; exit 1 if anything is wrong.

    Example: `tocsin --bootstrap-servers kafka-1:9092 doctor`
    """
    # What is found may quote an address.
    findings = [
        msgspec.structs.replace(finding, found=hide_credentials(finding.found), advice=hide_credentials(finding.advice))
        for finding in examine(common.settings())
    ]
    if as_json:
        common.print_json_lines(findings)
    else:
        table = Table("check", "", "found")
        for finding in findings:
            advice = f"\n→ {finding.advice}" if finding.advice else ""
            table.add_row(finding.check, _MARKS[finding.status], escape(finding.found + advice))
        common.out.print(table)
    if any(finding.status == "problem" for finding in findings):
        raise typer.Exit(common.FAILED)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding under these settings; no check stops the others."""
    checks: list[Callable[[Settings], Iterator[Finding]]] = [
        _check_libraries,
        _check_settings,
        _check_domain,
        _check_model,
        _check_port,
        _check_disk,
        _check_broker,
    ]
    for check in checks:
        yield from check(settings)


def _check_libraries(_settings: Settings) -> Iterator[Finding]:
    wrong = []
    for requirement in (Requirement(line) for line in requires("tocsin") or []):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, needed is {requirement.specifier}")
    told = f"Python {platform.python_version()}, tocsin {version('tocsin')}"
    if wrong:
        advice = "install what is locked: pip install -r requirements.txt"
        yield Finding("libraries", "problem", f"{told}: {'; '.join(wrong)}", advice)
    else:
        kafka = ", ".join(f"{name} {version(name)}" for name in ("faust-streaming", "aiokafka", "kafka-python"))
        yield Finding("libraries", "ok", f"{told}, {kafka}, onnxruntime {version('onnxruntime')}")


def _check_settings(_settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", "ok", f"{config_file() or 'no file'}; `tocsin config show` tells each")


def _check_domain(settings: Settings) -> Iterator[Finding]:
    try:
        domain = load_domain(settings.domain)
        examples = load_seed(domain)
    except DomainError as error:
        yield Finding("domain", "problem", str(error), "set domain to a folder like domains/finance: domains/README.md")
        return
    some = common.some
    counts = (
        some(len(domain.topics), "topic"),
        some(len(domain.intents), "intent"),
        some(len(examples), "seed example"),
    )
    yield Finding("domain", "ok", f"{domain.name}: {', '.join(counts)}")


def _check_model(settings: Settings) -> Iterator[Finding]:
    model = settings.model
    try:
        registry = Registry.of(model)
        number = registry.resolve(model.name, model.alias)
        registry.fetch(model.name, number, model.cache)
        other = registry.manifest(model.name, number).other_domain(load_domain(settings.domain).name)
    except DomainError:  # told by the domain's own check
        other = None
    except (VersionError, OSError, ValueError, ImportError) as error:
        yield Finding("model", "problem", str(error), "model.registry, model.name and model.alias say what is served")
        return
    if other is not None:
        advice = "`tocsin models bootstrap --if-missing` makes one for this domain, or set domain or model.name"
        told = f"{model.name}:{number} ({model.alias}) was made for the domain {other}, not for {settings.domain}"
        yield Finding("model", "problem", told, advice)
        return
    yield Finding("model", "ok", f"{model.name}:{number} ({model.alias}), every file as its manifest says")


def _check_port(settings: Settings) -> Iterator[Finding]:
    host, port = settings.metrics.host, settings.metrics.port
    if port == 0 or _is_free(host, port):
        yield Finding("metrics port", "ok", f"{host}:{port} is free" if port else "a free one is taken at each start")
    elif _is_worker(host, port):
        yield Finding("metrics port", "ok", f"a worker answers at {host}:{port}; one more needs another port")
    else:
        advice = "set metrics.port (TOCSIN_METRICS__PORT) to a free one, or to 0"
        yield Finding("metrics port", "problem", f"{host}:{port} is taken or is not this machine's", advice)


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _is_worker(host: str, port: int) -> bool:
    address = f"[{host}]" if ":" in host else host
    try:
        answer = httpx.get(f"http://{address}:{port}/metrics", timeout=_PROBE_SECONDS, trust_env=False)
    except httpx.HTTPError:
        return False
    return "tocsin_" in answer.text


def _check_disk(settings: Settings) -> Iterator[Finding]:
    folders = [settings.worker.data_dir, settings.model.cache]
    if "://" not in settings.model.registry:
        folders.append(Path(settings.model.registry))
    try:
        free = {str(folder): shutil.disk_usage(_existing(folder)).free for folder in folders}
    except OSError as error:
        yield Finding("disk", "problem", str(error), "worker.data_dir, model.cache and model.registry name the folders")
        return
    least = min(free, key=free.__getitem__)
    found = f"{free[least] / _LEAST_FREE_BYTES:.1f} GiB free at {least}"
    if free[least] < _LEAST_FREE_BYTES:
        yield Finding(
            "disk", "problem", found, "make room, or set worker.data_dir, model.cache or model.registry elsewhere"
        )
    else:
        yield Finding("disk", "ok", found)


def _existing(folder: Path) -> Path:
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _check_broker(settings: Settings) -> Iterator[Finding]:
    try:
        with admin_client(settings.kafka, timeout=_BROKER_SECONDS) as admin:
            yield Finding("broker", "ok", f"{settings.kafka.bootstrap_servers}: {_engine(admin)}")
            yield from _check_topics(admin, settings)
    except (BrokerError, KafkaError, SettingsError) as error:
        yield Finding("broker", "problem", str(error))


def _engine(admin: KafkaAdminClient) -> str:
    """What a broker tells of itself: no request asks for its name, and only Apache Kafka (KRaft) names features."""
    cluster = admin.describe_cluster()
    count = len(cluster["brokers"])
    brokers = f"{count} broker{'s' if count != 1 else ''} of cluster {cluster['cluster_id']}"
    try:
        features: dict[str, Any] = admin.describe_features()
        speaks = admin.get_broker_version_data(cluster["brokers"][0]["broker_id"]).broker_version
    except (KafkaError, LookupError):
        return brokers
    engine = "Apache Kafka" if features else "not Apache Kafka (the embedded Tansu keeps nothing over its end)"
    return f"{brokers}, {engine}, protocol of {'.'.join(map(str, speaks))}"


def _check_topics(admin: KafkaAdminClient, settings: Settings) -> Iterator[Finding]:
    specs = all_topics(settings)
    found = {topic.name: topic for topic in describe_topics(admin, [spec.name for spec in specs], config=False)}
    missing = [spec.name for spec in specs if spec.name not in found]
    if missing:
        yield Finding("topics", "problem", f"missing: {', '.join(missing)}", "`tocsin topics create` makes them")
    differing = [
        f"{spec.name} has {len(found[spec.name].partitions)}"
        for spec in specs
        if spec.name in found and len(found[spec.name].partitions) != spec.partitions
    ]
    if differing:
        told = f"partitions: {', '.join(differing)}; topics.partitions is {settings.topics.partitions}"
        advice = "set topics.partitions to what they have; more partitions would send a key elsewhere"
        yield Finding("topics", "problem", told, advice)
    leaderless = sorted(topic.name for topic in found.values() if any(part.leader is None for part in topic.partitions))
    if leaderless:
        advice = "a broker that leads them is down: look at the cluster"
        yield Finding("topics", "problem", f"without a leader: {', '.join(leaderless)}", advice)
    if not (missing or differing or leaderless):
        partitions = common.some(settings.topics.partitions, "partition")
        yield Finding("topics", "ok", f"{common.some(len(specs), 'topic')} of {partitions}")

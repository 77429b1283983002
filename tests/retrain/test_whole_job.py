"""The whole job on a toy trunk and a real broker: from labels to the registry and the topics."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from support import toy_bert, toy_domain
from support.commands import Tocsin
from support.processes import run_tocsin, settings_env, wait_for

from models.bootstrap import bootstrap
from models.registry import Registry
from models.runtime import Encoder
from retrain.label_topic import send_label
from streams.brokers.client import producer
from streams.brokers.delivery import Delivery
from streams.brokers.reading import read_all
from streams.contract.domain import load_domain
from streams.contract.model_settings import RetrainSettings
from streams.contract.topics import labels_topic, model_events_topic, model_pointers_topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streams.brokers.tansu import TansuBroker
    from streams.contract.labels import Label
    from streams.contract.settings import Settings

pytestmark = [pytest.mark.train, pytest.mark.integration, pytest.mark.timeout(300)]

SLANG = "shares lone lone lone"
MAX_TOKENS = 32


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    return tansu_broker


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a domain, base weights, and a registry with a first model that serves."""
    folder = tmp_path_factory.mktemp("given")
    for name in ("base", "first"):
        (folder / name).mkdir()
    base = str(toy_bert.write(folder / "base"))
    domain = load_domain(str(toy_domain.write_domain(folder / "toy")))
    made = bootstrap(base=base, domain=domain, out=folder / "first", cache=folder / "cache", max_tokens=MAX_TOKENS)
    registry = Registry(str(folder / "registry"))
    version = registry.register(
        folder / "first",
        "encoder",
        precision=made.precision,
        max_tokens=MAX_TOKENS,
        width=made.width,
        metrics=made.metrics,
        lineage=made.lineage,
    )
    registry.set_alias("encoder", "champion", version)
    return folder


@pytest.fixture
def settings(stream_settings: Settings, given: Path, tmp_path: Path) -> Settings:
    shutil.copytree(given / "registry", tmp_path / "registry")
    model = {
        "registry": str(tmp_path / "registry"),
        "cache": tmp_path / "cache",
        "base": str(given / "base"),
        "max_tokens": MAX_TOKENS,
    }
    rules = RetrainSettings(
        data_dir=tmp_path / "retrain",
        port=0,
        method="full",
        epochs=2,
        learning_rate=1e-3,
        dropout=0.0,
        resamples=300,
        # Of a toy that learns in seconds, no more is asked than that it gets better.
        margin=0.2,
        slowdown=5.0,
    )
    return stream_settings.model_copy(
        update={
            "domain": str(given / "toy"),
            "model": stream_settings.model.model_copy(update=model),
            "retrain": rules,
        }
    )


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return Registry(settings.model.registry)


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(settings)


def publish(settings: Settings, labels: Sequence[Label]) -> None:
    with producer(settings.kafka) as sender:
        delivery = Delivery(sender, labels_topic(settings.topics))
        for number, label in enumerate(labels):
            send_label(delivery, f"label {number}", label)
        assert delivery.flush(30)


def told(settings: Settings, topic: str) -> list[dict[str, object]]:
    return [json.loads(record.value) for record in read_all(settings, topic) if record.value]


def sentiment_of(registry: Registry, settings: Settings, version: int) -> str:
    folder = registry.fetch(settings.model.name, version, settings.model.cache)
    (reading,) = Encoder.load(folder, threads=1, sub_batch=4).read([SLANG])
    return reading.sentiment


def test_labels_of_new_slang_make_a_better_model_that_serves(
    settings: Settings, registry: Registry, tocsin: Tocsin
) -> None:
    publish(settings, toy_domain.slang_labels(240))
    outcome = tocsin("retrain", "run", "--by", "ann", "--reason", "slang", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["outcome"] == "promoted", json.dumps(outcome.json, indent=1)
    assert registry.aliases(settings.model.name) == {"champion": 2, "previous": 1}
    assert sentiment_of(registry, settings, 2) == "negative"

    events = told(settings, model_events_topic(settings.topics))
    assert [event["kind"] for event in events] == ["retrain_started", "registered", "promoted"]
    pointers = told(settings, model_pointers_topic(settings.topics))
    assert [(pointer["version"], pointer["alias"]) for pointer in pointers] == [(2, "champion")]
    lineage = registry.manifest(settings.model.name, 2).lineage
    assert sum(lineage["label_offsets"].values()) == 240

    why = tocsin("models", "why", "champion")
    assert "drawn by lot it is better" in why.out
    assert "passed" in why.out
    assert "promoted" in tocsin("retrain", "history").out
    (promoted,) = map(json.loads, tocsin("retrain", "history", "--kind", "promoted", "--json").out.splitlines())
    assert promoted["request"] == events[0]["request"]


def test_labels_that_are_all_wrong_leave_the_champion(settings: Settings, registry: Registry, tocsin: Tocsin) -> None:
    # Old labels are wrong, and many; the newest, which were drawn by lot, tell the truth.
    wrong = [label for label in toy_domain.slang_labels(1200, wrong=True) if label.reason != "random"]
    right = [label for label in toy_domain.slang_labels(240) if label.reason == "random"]
    publish(settings, [*wrong, *right])
    outcome = tocsin("retrain", "run", "--by", "ann", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["outcome"] == "rejected", json.dumps(outcome.json, indent=1)
    assert registry.aliases(settings.model.name) == {"champion": 1}
    (rejected,) = [
        event for event in told(settings, model_events_topic(settings.topics)) if event["kind"] == "rejected"
    ]
    assert rejected["reasons"]
    assert "failed" in tocsin("models", "why", "2").out


def test_the_schedule_runs_what_is_asked_for_from_elsewhere(
    settings: Settings, registry: Registry, tocsin: Tocsin
) -> None:
    publish(settings, toy_domain.slang_labels(40))
    quick = settings.retrain.model_copy(update={"epochs": 1, "cron": ""})
    with run_tocsin(["retrain", "schedule"], settings_env(settings.model_copy(update={"retrain": quick}))) as process:
        assert tocsin("retrain", "now", "--by", "ann", "--reason", "from elsewhere").code == 0
        events = model_events_topic(settings.topics)
        wait_for(
            lambda: (
                any(event["kind"] in ("rejected", "promoted", "retrain_failed") for event in told(settings, events))
                or not process.running
            ),
            180,
            every=0.5,
        )
        assert process.running, process.stderr
    kinds = [event["kind"] for event in told(settings, events)]
    assert kinds[:2] == ["retrain_started", "registered"], process.stderr

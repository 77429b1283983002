"""What the dashboards and rules ask is there: a live worker and lag exporter, scraped by the real Prometheus."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from support.alertmanager import Alertmanager
from support.dashboards import DASHBOARDS, expressions, filled_in, panels, variable_queries
from support.messages import produce
from support.processes import run_tocsin, settings_env, wait_for
from support.prometheus import Prometheus, grouping_labels, rules, selectors
from support.streams import Worker, message, read_dead_letters, read_predictions, worker

from streams.brokers.tansu import TansuBroker
from streams.contract.model_settings import RetrainSettings
from streams.contract.service_settings import RepliesSettings
from streams.contract.settings import AlertmanagerSettings, ExporterSettings
from streams.contract.topics import signals_topic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration

GOOD, BAD = 40, 3
SECONDS = 60.0


@pytest.fixture
def quiet_broker() -> Iterator[TansuBroker]:
    """A broker of these tests' own: the exporter measures every group that a broker knows, at each scrape."""
    with TansuBroker() as broker:
        yield broker


@pytest.fixture
def settings(stream_settings: Settings, tmp_path: Path) -> Settings:
    return stream_settings.model_copy(
        update={
            "exporter": ExporterSettings(port=0),
            "retrain": RetrainSettings(data_dir=tmp_path / "retrain", port=0),
            # Partitions in which nothing comes hold the event time back for a second only.
            "surge": stream_settings.surge.model_copy(update={"idle_seconds": 1.0, "heartbeat_seconds": 0.2}),
            "recommend": stream_settings.recommend.model_copy(update={"enabled": True}),
        }
    )


@pytest.fixture
def scraped(settings: Settings, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that has scraped both before, while and after messages came, good ones and bad ones."""
    with Alertmanager(tmp_path / "alertmanager") as alertmanager:
        under = settings.model_copy(
            update={
                "alertmanager": AlertmanagerSettings(url=alertmanager.url),
                # Nothing is sent to it.
                "replies": RepliesSettings(enabled=False, webhook_url="http://127.0.0.1:9/replies"),
            }
        )
        with (
            worker(under) as running,
            run_tocsin(["exporter"], settings_env(under)) as exporter,
            run_tocsin(["retrain", "schedule"], settings_env(under)) as schedule,
            run_tocsin(["replies", "connector"], settings_env(under)) as connector,
        ):
            running.wait_until_ready()
            targets = {
                "tocsin-worker": running.url,
                "tocsin-lag": Worker(exporter).url,
                "tocsin-retrain": Worker(schedule).url,
                "tocsin-connector": Worker(connector).url,
            }
            addresses = {job: url.removeprefix("http://") for job, url in targets.items()}
            with Prometheus(tmp_path / "prometheus", addresses) as prometheus:
                wait_for(lambda: len(prometheus.query("up == 1")) == len(targets), what="for the first scrapes")
                feed(under)
                yield prometheus


def feed(settings: Settings) -> None:
    for topic in settings.topics.inputs:
        produce(settings, topic, [(*message(number), []) for number in range(GOOD)])
        produce(settings, topic, [(None, b"no message", [])] * BAD)
    # An alert that fires at once: what Tocsin did not write has no place here.
    produce(settings, signals_topic(settings.topics), [(b"key", b"no signal", [])])
    read_predictions(settings, GOOD)
    read_dead_letters(settings, BAD * len(settings.topics.inputs))


def asked() -> list[tuple[str, str]]:
    """Every expression that ships, and where it stands."""
    of_rules = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    of_dashboards = [
        (path.name, filled_in(expression))
        for path in DASHBOARDS
        for expression in expressions(json.loads(path.read_text()))
    ]
    return of_rules + of_dashboards


def drawn(scraped: Prometheus, expression: str, place: str) -> list[dict[str, Any]]:
    """Series that a panel draws; none is right only where zeros are left out."""
    found: list[dict[str, Any]] = []

    def is_right() -> bool:
        found[:] = scraped.query(filled_in(expression))
        return bool(found) or "> 0" in expression

    # A scrape that came too late leaves what it was to bring out until the next one.
    wait_for(is_right, 15, every=1.0, what=f"for what is drawn in {place}")
    return found


@pytest.mark.parametrize("broker", ["quiet_broker"], indirect=True)
def test_every_rule_and_panel_asks_for_what_is_there(scraped: Prometheus) -> None:
    places = {selector: place for place, expression in asked() for selector in selectors(expression)}

    def missing() -> list[str]:
        return [f"{place}: {selector}" for selector, place in places.items() if not scraped.query(selector)]

    try:
        wait_for(lambda: not missing(), SECONDS, every=1.0)
    except AssertionError:
        pytest.fail("nothing is there of\n" + "\n".join(missing()))
    assert not scraped.broken_rules()

    known = {selector: scraped.labels(selector) for selector in places}
    for place, expression in asked():
        scraped.query(expression)  # an empty answer may be right, such as that of a comparison; an error is not
        labels = set().union(*(known[selector] for selector in selectors(expression)))
        assert grouping_labels(expression) <= labels, f"{place}: {expression}"

    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        for panel in panels(dashboard):
            for target in panel["targets"]:
                series = drawn(scraped, target["expr"], f"{path.name}, {panel['title']}")
                shown = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
                assert all(shown <= set(one["metric"]) for one in series), f"{path.name}, {panel['title']}: {shown}"
        for name, query in variable_queries(dashboard).items():
            selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()  # type: ignore[union-attr]
            assert scraped.label_values(label, selector), f"{path.name}: {name}"

"""Every topic has somebody who reads it and somebody who writes it, and rights name what there is."""

from __future__ import annotations

import pytest

from streams.contract.access import Right, components, connector_group, rights
from streams.contract.settings import ExporterSettings, KafkaSettings, RecommendSettings, Settings, TopicsSettings
from streams.contract.topics import all_topics
from streams.contract.topics_reference import topics_markdown


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    return Settings(
        kafka=KafkaSettings(group_id="desk-1"),
        topics=TopicsSettings(prefix="test.", inputs={"wire": "news", "mails": "customer"}),
        recommend=RecommendSettings(items_topic="articles", behaviors_topic="clicks"),
    )


def test_only_topics_that_there_are_and_each_of_them(settings: Settings) -> None:
    names = {spec.name for spec in all_topics(settings)}
    known = {one.name: one for one in components(settings)}
    processes = [one for name, one in known.items() if name not in {"operator", "exporter", "admin"}]
    for one in known.values():
        for topics in (one.reads, one.writes, one.creates):
            assert set(topics) <= names, one.name
            assert len(set(topics)) == len(topics), one.name
    assert set(known["admin"].creates) == names
    written = {name for one in [*processes, known["operator"]] for name in one.writes}
    assert written == names
    # What nobody of ours reads is for others.
    assert names - {name for one in processes for name in one.reads} == {"test.dead-letters", "test.recommendations"}


def test_the_worker_needs_all_topics_that_it_asks_for_at_its_start(settings: Settings) -> None:
    worker = next(one for one in components(settings) if one.name == "worker")
    assert {*worker.reads, *worker.writes} == {spec.name for spec in all_topics(settings)}
    assert worker.joins == ("desk-1",)


def test_rights_are_those_of_the_settings_in_force(settings: Settings) -> None:
    connector = next(one for one in components(settings) if one.name == "connector")
    assert list(rights(connector)) == [
        Right("Read", "topic", "test.replies"),
        Right("Write", "topic", "test.dead-letters"),
        Right("Read", "group", connector_group("desk-1")),
    ]


def test_the_exporter_may_see_each_group_that_it_is_to_watch(settings: Settings) -> None:
    watching = settings.model_copy(update={"exporter": ExporterSettings(groups=("mine", "desk-1"))})
    exporter = next(one for one in components(watching) if one.name == "exporter")
    assert [right.name for right in rights(exporter) if right.resource == "group"] == [
        "desk-1",
        "desk-1-connector",
        "mine",
    ]


def test_the_page_tells_keeping_and_rights(settings: Settings) -> None:
    page = topics_markdown(settings)
    assert "| `wire` | the user's | [message](schemas/message.json) | 168 h | 4 |" in page
    assert "| `test.model-events` | model | [model-event](schemas/model-event.json) | for ever | 1 |" in page
    assert "| `test.labels` | message id and labeller | [label](schemas/label.json) | compacted | 4 |" in page
    header = next(line for line in page.splitlines() if line.startswith("| topic | worker"))
    place = [cell.strip() for cell in header.split("|")].index("worker")
    signals = next(line for line in page.splitlines() if line.startswith("| `test.signals`") and "RW" in line)
    assert signals.split("|")[place].strip() == "RW"

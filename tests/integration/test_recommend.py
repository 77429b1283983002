"""Recommendations by real workers: readers get what they like, nothing is counted twice, and nothing is forgotten."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import msgspec
import pytest
from support import readership, versions
from support.messages import consume_all, produce
from support.processes import wait_for
from support.streams import read_dead_letters, wait_until_done, worker

from models import promoting
from models.promoting import Story
from models.registry import Registry
from retrain import promotion
from streams.contract.ids import derived_id, output_id
from streams.contract.model_settings import DriftSettings, LabelsSettings, SwapSettings
from streams.contract.recommendations import ItemVector
from streams.contract.service_settings import BriefsSettings, RepliesSettings
from streams.contract.settings import SurgeSettings
from streams.contract.topics import item_vectors_topic, reader_events_topic

if TYPE_CHECKING:
    from pathlib import Path

    from support.streams import Worker

    from streams.contract.recommendations import Recommendation
    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

# What does not depend on the broker is tried on the faster one.
only_tansu = pytest.mark.parametrize(
    "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
)

# Of three inputs, items, behaviors, requests and reader events.
PARTITIONS = 28
SOON = 60.0


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with a toy version that serves."""
    registry = Registry(str(tmp_path / "registry"))
    promoting.promote(registry, versions.NAME, versions.add(registry), Story(by="a test"))
    return registry


@pytest.fixture
def settings(stream_settings: Settings, registry: Registry) -> Settings:
    recommend = {"enabled": True, "debounce_seconds": 0.2, "checkpoint_seconds": 0.5, "diversity": 0.0}
    return stream_settings.model_copy(
        update={
            "model": stream_settings.model.model_copy(update={"registry": registry.url}),
            "recommend": stream_settings.recommend.model_copy(update=recommend),
            "swap": SwapSettings(stagger_seconds=0.3),
            "surge": SurgeSettings(enabled=False),
            "replies": RepliesSettings(enabled=False),
            "briefs": BriefsSettings(enabled=False),
            "drift": DriftSettings(enabled=False),
            "labels": LabelsSettings(requests_per_hour=0),
        }
    )


def live(running: Worker) -> int:
    return int(running.metric("tocsin_items_live"))


def wait_until_live(count: int, *workers: Worker) -> None:
    wait_for(lambda: all(live(running) == count for running in workers), SOON, what=f"for {count} items")


def counted(*workers: Worker) -> int:
    return int(sum(running.metric('tocsin_behaviors_total{action="click"}') for running in workers))


def subjects(told: Recommendation) -> list[str]:
    return [each.item.split("-")[0] for each in told.items]


def test_who_reads_about_a_subject_gets_more_of_it_and_who_is_unknown_what_is_popular(settings: Settings) -> None:
    with worker(settings) as running:
        running.wait_until_ready(PARTITIONS)
        readership.send_items(settings, readership.items())
        wait_until_live(24, running)
        readership.send_behaviors(
            settings, [readership.behavior("ada", "merger-0"), readership.behavior("ada", "merger-1")]
        )
        (after, *_) = readership.told(settings, lambda told: any(each.user == "ada" for each in told))
        asked = readership.ask(settings, "ada", "request 1", limit=4)
        readership.send_behaviors(settings, [readership.behavior(f"reader {number}", "cola-5") for number in range(20)])
        wait_for(lambda: counted(running) == 22, SOON, what="for the crowd")
        unknown = readership.ask(settings, "nobody", "request 2")
        assert running.process.terminate() == 0, running.process.stderr
    assert subjects(asked) == ["merger"] * 4
    assert (after.cause, asked.cause, asked.cold) == ("behavior", "request", False)
    assert {"merger-0", "merger-1"}.isdisjoint(each.item for each in asked.items)
    assert {each.because for each in asked.items} <= {"merger-0", "merger-1"}
    assert all("because you read" in each.why for each in asked.items)
    assert (asked.model, asked.ranker) == ("encoder:1", "default")
    assert unknown.cold
    assert (unknown.items[0].item, unknown.items[0].reason) == ("cola-5", "popular")


def test_behaviors_are_counted_once_and_answered_over_the_death_of_a_worker(settings: Settings) -> None:
    users = [f"reader {number}" for number in range(40)]
    first = [readership.behavior(user, "merger-0") for user in users]
    second = [readership.behavior(user, f"merger-{1 + number % 5}") for number in range(15) for user in users]
    topic = settings.recommend.behaviors_topic
    with worker(settings) as doomed, worker(settings) as survivor:
        for running in (doomed, survivor):
            running.wait_until_ready(PARTITIONS // 2)
        readership.send_items(settings, readership.items())
        wait_until_live(24, doomed, survivor)
        places = readership.send_behaviors(settings, first)
        wait_for(lambda: counted(doomed, survivor) == len(users), SOON, what="for the first behaviors")
        before = counted(doomed)
        places += readership.send_behaviors(settings, second)
        wait_for(lambda: counted(doomed) > before, SOON, every=0.01, what="for work in hand")
        doomed.process.kill()
        survivor.wait_until_ready(PARTITIONS)
        # The last behavior of each reader is answered, whoever took it in.
        made = {place: derived_id(output_id(topic, *place, "reader-event"), "recommendation") for place in places}
        last = {
            user: made[place] for user, place in zip([each["user"] for each in first + second], places, strict=True)
        }
        told = readership.told(settings, lambda told: set(last.values()) <= {each.id for each in told})
        # The worker that died may have answered them all, and kept less of them than it answered.
        wait_until_done(settings, topic, reader_events_topic(settings.topics))
        assert survivor.process.terminate() == 0, survivor.process.stderr
    whose = {(each.id, each.user) for each in told}
    assert len({id_ for id_, _ in whose}) == len(whose)
    assert {id_ for id_, _ in whose} <= set(made.values())
    # A click weighs one, and nothing has faded yet: interests weigh what was clicked, and neither more nor less.
    weights = readership.weights(settings)
    assert set(weights) == set(users)
    assert [round(weight, 1) for weight in weights.values()] == [16.0] * len(users)


@only_tansu
def test_a_restarted_worker_knows_its_readers_and_holds_few_of_them_in_memory(settings: Settings) -> None:
    few = settings.model_copy(update={"recommend": settings.recommend.model_copy(update={"max_users": 3})})
    users = [f"reader {number}" for number in range(24)]
    with worker(few) as running:
        running.wait_until_ready(PARTITIONS)
        readership.send_items(few, readership.items())
        wait_until_live(24, running)
        readership.send_behaviors(
            few, [readership.behavior(user, f"{readership.SUBJECTS[at % 3]}-0") for at, user in enumerate(users)]
        )
        wait_for(lambda: counted(running) == len(users), SOON, what="for all readers")
        assert running.process.terminate() == 0, running.process.stderr
    with worker(few) as running:
        running.wait_until_ready(PARTITIONS)
        wait_until_live(24, running)
        for at, user in enumerate(users):
            asked = readership.ask(few, user, f"request {at}", limit=2)
            assert not asked.cold
            assert subjects(asked) == [readership.SUBJECTS[at % 3]] * 2
        assert running.metric("tocsin_readers") == 3
        popular = readership.ask(few, "nobody", "request popular", limit=3)
    # Popularity is counted anew from what was kept of readers.
    assert {each.item for each in popular.items} == {f"{subject}-0" for subject in readership.SUBJECTS}


@only_tansu
def test_what_is_withdrawn_or_over_is_not_recommended(settings: Settings) -> None:
    now = datetime.now(UTC)
    known = readership.items()
    gone, over, short = known[3], known[4], known[5]
    over["expires"] = (now - timedelta(minutes=1)).timestamp()
    short["expires"] = (now + timedelta(seconds=8)).isoformat()
    old = {"id": "cola-old", "text": "cola cola cola z", "time": (now - timedelta(days=30)).isoformat()}
    with worker(settings) as running:
        running.wait_until_ready(PARTITIONS)
        readership.send_items(settings, [*known, old])
        wait_for(lambda: live(running) in (22, 23), SOON, what="for the items")
        readership.withdraw(settings, gone["id"])
        wait_until_live(21, running)
        asked = readership.ask(settings, "nobody", "request 1", limit=100)
        # What is over leaves the topic, too.
        topic = item_vectors_topic(settings.topics)

        def removed() -> set[str]:
            records = consume_all(settings, topic, 1)
            return {record.key.decode() for record in records if record.value is None}

        wait_for(lambda: removed() >= {gone["id"], over["id"], short["id"], "cola-old"}, SOON, what="for tombstones")
    assert len(asked.items) == 21
    assert {gone["id"], over["id"], short["id"], "cola-old"}.isdisjoint(each.item for each in asked.items)


@only_tansu
def test_another_trunk_embeds_all_items_anew_once_and_interests_go_with_it(
    settings: Settings, registry: Registry
) -> None:
    version = readership.add_with_another_trunk(registry, versions.NAME)
    with worker(settings) as one, worker(settings) as other:
        for running in (one, other):
            running.wait_until_ready(PARTITIONS // 2)
        readership.send_items(settings, readership.items())
        wait_until_live(24, one, other)
        readership.send_behaviors(settings, [readership.behavior("ada", "merger-0")])
        # Requests come on another topic, and may be answered first.
        wait_for(lambda: counted(one, other) == 1, SOON, what="for the behavior")
        before = readership.ask(settings, "ada", "before", limit=5)
        promotion.promote(settings, registry, version, "a test", "to be seen")

        def anew() -> list[int]:
            return [int(each.metric('tocsin_items_total{outcome="embedded_anew"}')) for each in (one, other)]

        wait_for(lambda: sum(anew()) >= 24, SOON, every=0.2, what="for all to be embedded anew")
        tries = count()
        wait_for(
            lambda: readership.ask(settings, "ada", f"try {next(tries)}").model == "encoder:2",
            SOON,
            what="for vectors of the other trunk to serve",
        )
        after = readership.ask(settings, "ada", "after", limit=5)
        assert sum(anew()) == 24
        assert min(anew()) > 0
        assert (live(one), live(other)) == (24, 24)
    assert subjects(before) == subjects(after) == ["merger"] * 5
    assert {each.because for each in after.items} == {"merger-0"}
    latest = {}
    for record in consume_all(settings, item_vectors_topic(settings.topics), 48):
        latest[record.key] = msgspec.json.decode(record.value, type=ItemVector).embedder
    assert len(latest) == 24
    assert len(set(latest.values())) == 1


@only_tansu
def test_news_are_items_where_that_is_wanted_and_what_is_none_is_a_dead_letter(settings: Settings) -> None:
    wanted = settings.model_copy(update={"recommend": settings.recommend.model_copy(update={"news_are_items": True})})
    news = next(topic for topic, kind in wanted.topics.inputs.items() if kind == "news")
    with worker(wanted) as running:
        running.wait_until_ready(PARTITIONS)
        readership.send_items(wanted, [{"id": "1", "text": " "}, {"id": "2", "text": "cola", "time": "soon"}])
        readership.send_behaviors(wanted, [readership.behavior("ada", "cola-0", "stare"), {"user": "ada"}])
        produce(wanted, news, [(b"n", b'{"id": "n 1", "text": "acme merger wins"}', [])])
        letters = read_dead_letters(wanted, 4)
        wait_until_live(1, running)
        asked = readership.ask(wanted, "nobody", "request 1")
    assert Counter((letter["stage"], letter["reason"]) for letter in letters) == {
        ("decode", "empty_text"): 1,
        ("decode", "bad_time"): 1,
        ("decode", "wrong_type"): 2,
    }
    assert all("stare" not in letter["error"] for letter in letters)
    assert [(each.item, each.title) for each in asked.items] == [("n 1", "acme merger wins")]

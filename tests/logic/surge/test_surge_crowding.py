"""A stream of invented names does not cost a desk its memory, nor what it knows of the names that matter."""

from __future__ import annotations

import random

from support.surge import MONDAY, NOW, SUBJECT, Feed, alerts, live, make_desk, restored

from streams.contract.settings import SurgeSettings
from streams.contract.subjects import Subject

MOST = 200


def feed_with_room(most: int = MOST) -> Feed:
    return Feed(make_desk(SurgeSettings(max_subjects=most)))


def invented(number: int) -> str:
    return Subject(entity=f"invented {number}").key


def test_there_are_never_more_than_the_setting_says() -> None:
    feed = feed_with_room()
    names = iter(range(20_000))
    for bucket in range(MONDAY, MONDAY + 20):
        feed.put(feed.signal(bucket + 0.5, subject=invented(next(names))) for _ in range(1000))
        assert feed.desk.subjects <= MOST
        feed.advance(bucket + 1)
    assert feed.desk.subjects <= MOST
    assert feed.desk.crowded > 15_000


def test_who_was_known_before_the_flood_is_known_after_it_and_rings() -> None:
    feed = feed_with_room()
    live(feed)
    draw = random.Random(7)
    for bucket in range(NOW, NOW + 12):
        flood = [feed.signal(bucket + 0.5, subject=invented(draw.randrange(10**9))) for _ in range(500)]
        feed.put([*flood, *feed.window(bucket, 1, 4)])
        feed.advance(bucket + 1)
    assert SUBJECT in feed.desk._subjects
    told = []
    for bucket in range(NOW + 12, NOW + 16):
        feed.put(feed.window(bucket, 14, 4))
        told += alerts(feed.advance(bucket + 1))
    assert {alert.labels["subject"] for alert in told} == {SUBJECT}


def test_topics_and_what_is_watched_are_counted_however_many_there_are() -> None:
    feed = feed_with_room()
    feed.desk.watch([SUBJECT])
    feed.put(feed.signal(MONDAY + 0.1, subject=invented(number)) for number in range(2 * MOST))
    topic = Subject(topic="fraud").key
    feed.put([feed.signal(MONDAY + 0.2), feed.signal(MONDAY + 0.2, subject=topic)])
    assert {SUBJECT, topic} <= feed.desk._subjects.keys()


def test_who_is_forgotten_is_removed_from_the_state_topic_too() -> None:
    feed = feed_with_room()
    feed.put(feed.signal(MONDAY + 0.1, subject=invented(number)) for number in range(MOST))
    feed.advance(MONDAY + 1)
    first = dict(feed.desk.dirty())
    feed.put([feed.signal(MONDAY + 1.1, subject=SUBJECT)])
    changed = dict(feed.desk.dirty())
    removed = {key for key, state in changed.items() if state is None}
    assert removed
    assert removed < first.keys()
    assert SUBJECT in changed


def test_a_desk_that_was_restored_forgets_the_same() -> None:
    settings = SurgeSettings(max_subjects=MOST)
    draw = random.Random(3)
    feed = feed_with_room()
    for bucket in range(MONDAY, MONDAY + 30):
        names = [invented(draw.randrange(400)) for _ in range(40)]
        feed.put(feed.signal(bucket + 0.5, subject=name) for name in names)
        feed.advance(bucket + 1)
        if bucket == MONDAY + 14:
            kept = dict(feed.desk.dirty())
            other = Feed(make_desk(settings))
            for key, state in kept.items():
                if state is not None:
                    other.desk.restore(key, state)
            other.offset = feed.offset
        elif bucket > MONDAY + 14:
            other.put(other.signal(bucket + 0.5, subject=name) for name in names)
            other.advance(bucket + 1)
    assert feed.desk.subjects <= MOST
    assert other.desk._subjects.keys() == feed.desk._subjects.keys()
    assert restored(dict(feed.desk.dirty())) is not None

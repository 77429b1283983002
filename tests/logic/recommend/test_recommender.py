"""Readers, counts, items and weights together, with a real index."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from support.recommend import HOUR, NOON, NOW, WIDTH, an_item, did, noise, shelf, unit

from models.items.index import ItemIndex
from streams.contract.settings import Settings
from streams.logic.recommend.recommender import Recommender

SETTINGS = Settings().recommend


def recommended(recommender: Recommender, user: str, limit: int = 10) -> list[str]:
    return [found.item for found in recommender.recommend(user, NOW + HOUR, limit)[0]]


def subjects(ids: list[str]) -> set[str]:
    return {name.split("-")[0] for name in ids}


def test_a_reader_gets_more_of_what_was_read_and_never_the_same() -> None:
    recommender = Recommender(SETTINGS.model_copy(update={"diversity": 0.0}), shelf())
    read = ["2-0", "2-1", "2-2"]
    for item in read:
        recommender.observe(did("ann", item))
    found, cold = recommender.recommend("ann", NOW + HOUR, 6)
    assert not cold
    assert subjects([each.item for each in found]) == {"2"}
    assert not {each.item for each in found} & set(read)
    assert {each.reason for each in found} == {"because_you_read"}
    assert {each.because for each in found} <= set(read)
    assert found[0].why.startswith("because you read “Story 2-")


def test_of_a_share_of_the_readers_items_are_as_popular_as_of_all() -> None:
    crowds = [[f"u{number}" for number in range(count)] for count in (80, 20)]
    features = []
    for crowd, share in zip(crowds, (1.0, 0.25), strict=True):
        recommender = Recommender(SETTINGS, shelf())
        recommender.hold(share)
        for user in crowd:
            recommender.observe(did(user, "0-1"))
            recommender.observe(did(user, "0-2"))
        features.append(recommender.features("ann", ["0-1", "3-1"], NOW + HOUR)[1])
    np.testing.assert_allclose(features[0], features[1])


def test_what_was_seen_long_ago_does_not_come_again() -> None:
    read = [f"2-{number}" for number in range(8)]
    coming = []
    for seen in (0, 100):
        recommender = Recommender(SETTINGS.model_copy(update={"recent_items": 2, "seen_items": seen}), shelf())
        for item in read:
            recommender.observe(did("ann", item))
        coming.append(set(recommended(recommender, "ann", 20)) & set(read))
    assert coming[0] != set()
    assert coming[1] == set()


def test_a_reader_of_two_subjects_gets_both() -> None:
    recommender = Recommender(SETTINGS, shelf())
    for item in ("0-0", "3-0", "0-1", "3-1"):
        recommender.observe(did("ann", item))
    assert {"0", "3"} <= subjects(recommended(recommender, "ann", 6))


def test_one_who_is_unknown_gets_what_is_popular_and_diverse() -> None:
    recommender = Recommender(SETTINGS, shelf())
    for number in range(6):
        for user in range(10):
            recommender.observe(did(f"u{user}", f"0-{number}"))
    recommender.observe(did("u1", "1-0"))
    found, cold = recommender.recommend("nobody", NOW + HOUR, 8)
    assert cold
    assert found[0].item.startswith("0-")
    assert found[0].reason == "popular"
    assert len(subjects([each.item for each in found])) > 1
    assert recommender.dump("nobody") is None


def test_what_others_read_beside_it_rises_though_its_text_is_far() -> None:
    places = []
    for readers in ([("0-0", "7-3")] * 8, [("0-0",), ("7-3",)] * 8):
        recommender = Recommender(SETTINGS, shelf(subjects=8))
        for user, items in enumerate(readers):
            for item in items:
                recommender.observe(did(f"u{user}", item))
        recommender.observe(did("ann", "0-0"))
        places.append(recommended(recommender, "ann", 90).index("7-3"))
    beside, apart = places
    assert beside < apart


def test_what_is_like_something_dismissed_falls_behind() -> None:
    recommender = Recommender(SETTINGS, shelf())
    for item in ("0-0", "1-0"):
        recommender.observe(did("ann", item))
    before = recommended(recommender, "ann", 10)
    for number in range(1, 4):
        recommender.observe(did("ann", f"1-{number}", "dismiss"))
    after = recommended(recommender, "ann", 10)
    assert sum(name.startswith("1-") for name in after) < sum(name.startswith("1-") for name in before)


def test_items_that_ended_or_were_withdrawn_are_not_recommended() -> None:
    index = shelf(subjects=1, each=3)
    index.remove("0-1")
    recommender = Recommender(SETTINGS, index)
    assert recommended(recommender, "ann") == ["0-0", "0-2"]
    assert recommender.recommend("ann", NOW + 1000 * HOUR)[0] == []


def test_a_behavior_with_an_unknown_item_is_remembered_and_harms_nothing() -> None:
    recommender = Recommender(SETTINGS, shelf())
    recommender.observe(did("ann", "nowhere"))
    assert len(recommended(recommender, "ann")) == 10


def test_no_item_no_recommendation() -> None:
    recommender = Recommender(SETTINGS, ItemIndex(WIDTH, 10, 1.0))
    assert recommender.recommend("ann", NOW) == ([], True)


def test_a_reader_who_moves_to_another_worker_is_known_there() -> None:
    index = shelf()
    one, other = Recommender(SETTINGS, index), Recommender(SETTINGS, index)
    for item in ("2-0", "2-1", "0-0"):
        one.observe(did("ann", item))
    assert one.is_new("ann", "behaviors", 0, 7)
    state = one.dump("ann")
    other.load("ann", state, WIDTH)
    assert other.dump("ann") == state
    assert recommended(other, "ann") == recommended(one, "ann")
    # Counts are made anew of what was read lately.
    assert other.counts.popularity(["2-0", "1-0"], NOW).tolist() == [1.0, 0.0]
    assert not other.is_new("ann", "behaviors", 0, 7)
    one.forget(["ann"])
    assert one.dump("ann") is None


def test_the_reader_who_was_silent_longest_makes_room() -> None:
    recommender = Recommender(SETTINGS.model_copy(update={"max_users": 2}), shelf())
    for user in ("ann", "ben", "ann", "cy"):
        recommender.observe(did(user, "0-0"))
    assert recommender.readers == 2
    assert recommender.dump("ben") is None


def test_after_a_change_of_trunk_interests_are_made_anew_of_what_is_left() -> None:
    recommender = Recommender(SETTINGS, shelf())
    for item in ("2-0", "2-1"):
        recommender.observe(did("ann", item))
    wide = ItemIndex(WIDTH + 4, 100, 336.0)
    for number in range(6):
        wide.put(an_item(f"2-{number}"), unit(1, number / 10, width=WIDTH + 4))
        wide.put(an_item(f"3-{number}"), unit(0, 0, 1, number / 10, width=WIDTH + 4))
    recommender.serve_items(wide, same_trunk=False)
    assert subjects(recommended(recommender, "ann", 3)) == {"2"}


def test_no_more_candidates_are_ranked_than_the_settings_say() -> None:
    recommender = Recommender(SETTINGS.model_copy(update={"candidates": 7}), shelf())
    for item in ("2-0", "0-0", "1-0"):
        recommender.observe(did("ann", item))
    found = recommender.candidates("ann", NOW)
    assert len(found) == len(set(found)) == 7
    assert not {"2-0", "0-0", "1-0"} & set(found)


def test_a_dismissed_item_stays_away_when_near_to_everything() -> None:
    index = shelf()
    index.put(an_item("odd"), noise(5))
    recommender = Recommender(SETTINGS, index)
    recommender.observe(did("ann", "odd", "dismiss"))
    found, cold = recommender.recommend("ann", NOW, 49)
    assert cold
    assert "odd" not in [each.item for each in found]
    assert len(found) == pytest.approx(48, abs=0)


def test_what_is_over_takes_no_places_of_candidates_however_popular_it_was() -> None:
    index = shelf(subjects=4, each=60)
    for number in range(300):
        index.put(an_item(f"offer-{number}", expires=NOON + timedelta(minutes=30)), noise(number))
    recommender = Recommender(SETTINGS, index)
    # The oldest live item is far ahead of all other live ones, and behind each offer.
    for user in range(3):
        recommender.observe(did(f"u{user}", "3-59"))
    for number in range(300):
        for user in range(5):
            recommender.observe(did(f"u{user}", f"offer-{number}"))
    recommender.observe(did("ann", "offer-0"))
    index.remove("offer-0")
    for user in ("ann", "nobody"):
        found = recommender.candidates(user, NOW + HOUR)
        assert len(found) == SETTINGS.candidates
        assert not [item for item in found if item.startswith("offer-")]
        assert "3-59" in found
    assert recommended(recommender, "nobody")[0] == "3-59"
    # What was read beside an item that is over still speaks for others.
    assert "3-59" in recommended(recommender, "ann", 3)


def test_what_is_dated_ahead_passes_for_done_now() -> None:
    ahead, now = Recommender(SETTINGS, shelf()), Recommender(SETTINGS, shelf())
    for recommender, hours in ((ahead, 600_000.0), (now, 0.0)):
        for user in range(10):
            recommender.observe(did(f"u{user}", "0-1"), NOW)
        recommender.observe(did("ann", "2-0", "view", hours=hours), NOW)
        recommender.observe(did("ann", "1-0", hours=1), NOW + HOUR)
    assert ahead.dump("ann") == now.dump("ann")
    assert ahead.counts.popularity(["2-0", "0-1"], NOW).tolist() == [0.5, 10.0]
    assert recommended(ahead, "nobody") == recommended(now, "nobody")


def test_what_was_read_ahead_of_time_is_counted_anew_as_of_now() -> None:
    before, after = Recommender(SETTINGS, shelf()), Recommender(SETTINGS, shelf())
    before.observe(did("ann", "2-0", hours=600_000))
    after.observe(did("ben", "0-1"), NOW)
    after.load("ann", before.dump("ann"), WIDTH, NOW)
    assert after.counts.popularity(["2-0", "0-1"], NOW).tolist() == [1.0, 1.0]

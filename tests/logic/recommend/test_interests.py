"""What one reader is interested in."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick
from support.recommend import HOUR, NOW, WIDTH, noise, unit

from streams.contract.recommendations import LONGEST_TOPIC
from streams.logic.recommend.interests import Bounds, Interests

Told = tuple[int, float, float, bool, list[str], float | None]

BOUNDS = Bounds(interests=3, recent=5, seen=7, half_life=24 * HOUR)

events = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from([-1.0, 0.1, 0.5, 1.0, 3.0]),
        st.floats(-400, 400),
        st.booleans(),
        st.lists(st.integers(0, 60).map("topic-{}".format), max_size=3, unique=True),
        st.none() | st.floats(-1, 1),
    ),
    max_size=60,
)


def replayed(told: list[Told]) -> Interests:
    reader = Interests(BOUNDS)
    for item, weight, hours, is_known, topics, sentiment in told:
        vector = noise(item) if is_known else None
        reader.observe(f"i{item}", weight, NOW + hours * HOUR, vector=vector, topics=topics, sentiment=sentiment)
    return reader


@quick
@given(events)
def test_whatever_a_reader_does_the_state_stays_within_its_bound(told: list[Told]) -> None:
    reader = replayed(told)
    for offset in range(200):
        reader.is_new(f"topic-{offset % 50}", 0, offset)
    vectors, weights = reader.vectors(NOW + 500 * HOUR)
    assert len(vectors) == len(weights) <= BOUNDS.interests
    assert len(reader.recent) <= BOUNDS.recent
    assert len(reader.dump()) <= BOUNDS.largest(WIDTH, id_bytes=3, topic_bytes=8)
    assert np.isfinite(vectors).all()
    assert (weights >= 0).all()
    if len(vectors):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=2e-3)


@quick
@given(events, events)
def test_a_reader_who_was_restored_goes_on_as_one_who_was_never_disturbed(
    before: list[Told], after: list[Told]
) -> None:
    reader = replayed(before)
    restored = Interests.load(reader.dump(), BOUNDS, WIDTH)
    assert restored.dump() == reader.dump()
    assert restored.vectors(NOW)[0].tolist() == reader.vectors(NOW)[0].tolist()
    for item, weight, hours, is_known, topics, sentiment in after:
        for each in (reader, restored):
            vector = noise(item) if is_known else None
            each.observe(f"i{item}", weight, NOW + hours * HOUR, vector=vector, topics=topics, sentiment=sentiment)
    assert restored.dump() == reader.dump()


@quick
@given(st.floats(0, 1000), st.floats(0.01, 1000))
def test_of_two_equal_interests_the_later_weighs_more_and_both_fade(apart: float, waited: float) -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 1.0, NOW, vector=unit(1))
    reader.observe("b", 1.0, NOW + apart * HOUR, vector=unit(0, 1))
    _, then = reader.vectors(NOW + apart * HOUR)
    _, later = reader.vectors(NOW + (apart + waited) * HOUR)
    assert then[-1] >= then[0] or len(then) == 1
    assert (later < then).all()


def test_after_its_half_life_an_interest_counts_for_half() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 2.0, NOW, vector=unit(1))
    assert reader.vectors(NOW + 24 * HOUR)[1] == pytest.approx([1.0])


def test_what_is_told_late_counts_as_if_it_had_been_told_in_time() -> None:
    in_time, late = Interests(BOUNDS), Interests(BOUNDS)
    in_time.observe("a", 1.0, NOW, vector=unit(1))
    in_time.observe("b", 1.0, NOW + 24 * HOUR, vector=unit(0, 1))
    late.observe("b", 1.0, NOW + 24 * HOUR, vector=unit(0, 1))
    late.observe("a", 1.0, NOW, vector=unit(1))
    assert sorted(in_time.vectors(NOW)[1]) == pytest.approx(sorted(late.vectors(NOW)[1]))


def test_what_is_alike_joins_and_what_is_not_begins_an_interest() -> None:
    reader = Interests(BOUNDS)
    for name, vector in (("a", unit(1)), ("b", unit(1, 0.3)), ("c", unit(0, 1))):
        reader.observe(name, 1.0, NOW, vector=vector)
    vectors, weights = reader.vectors(NOW)
    assert weights.tolist() == [2.0, 1.0]
    assert vectors[0] @ unit(1, 0.15) == pytest.approx(1.0, abs=2e-3)


def test_beyond_its_bound_the_two_interests_most_alike_become_one() -> None:
    reader = Interests(BOUNDS)
    for name, vector in (("a", unit(1)), ("b", unit(0, 1)), ("c", unit(0, 0, 1)), ("d", unit(0, 0, 1, 2))):
        reader.observe(name, 1.0, NOW, vector=vector)
    vectors, weights = reader.vectors(NOW)
    assert sorted(weights.tolist()) == [1.0, 1.0, 2.0]
    assert vectors[int(weights.argmax())] @ unit(0, 0, 2, 2) > 0.9


def test_a_dismissal_pushes_the_interest_away_and_is_remembered() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 1.0, NOW, vector=unit(1, 0.2))
    before = float(reader.vectors(NOW)[0][0] @ unit(1, 0.6))
    reader.observe("b", -1.0, NOW, vector=unit(1, 0.6))
    vectors, weights = reader.vectors(NOW)
    assert vectors[0] @ unit(1, 0.6) < before
    assert weights[0] < 1.0
    assert reader.disliked[-1] @ unit(1, 0.6) == pytest.approx(1.0, abs=2e-3)
    assert reader.recent["b"][1] < 0


def test_a_dismissal_is_the_last_word_until_the_reader_comes_back_to_it() -> None:
    reader = Interests(BOUNDS)
    for weight, kept in ((3.0, 3.0), (1.0, 3.0), (-1.0, -1.0), (0.5, 0.5)):
        reader.observe("a", weight, NOW)
        assert reader.recent["a"][1] == kept


def test_one_who_dismissed_alone_is_as_cold_as_one_who_did_nothing() -> None:
    reader = Interests(BOUNDS)
    assert reader.is_cold
    reader.observe("a", -1.0, NOW, vector=unit(1))
    assert reader.is_cold
    reader.observe("b", 0.5, NOW)
    assert not reader.is_cold


def test_topics_and_moods_are_learned() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 1.0, NOW, topics=["ferries", "harbours"], sentiment=0.8)
    reader.observe("b", -1.0, NOW, topics=["ferries"], sentiment=-1.0)
    # A click on two topics and a dismissal of one of them, and five clicks' weight of doubt.
    assert reader.topics() == {"ferries": -0.5 / 6, "harbours": 0.5 / 6}
    assert reader.mood() == pytest.approx(0.4)


def test_preferences_fade_against_what_is_read_later() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 1.0, NOW, topics=["ferries"], sentiment=1.0)
    reader.observe("b", 1.0, NOW + 24 * HOUR, topics=["banks"], sentiment=0.0)
    topics = reader.topics()
    assert topics["ferries"] == pytest.approx(topics["banks"] / 2)
    assert reader.mood() == pytest.approx(0.5 / 2.5)


def test_an_interest_that_says_nothing_any_more_makes_room() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 1.0, NOW, vector=unit(1))
    reader.observe("b", 1.0, NOW + 24 * HOUR * 20, vector=unit(0, 1))
    assert reader.vectors(NOW)[1].tolist() == [1.0]


def test_an_input_is_counted_once_by_its_place() -> None:
    reader = Interests(BOUNDS)
    assert [reader.is_new("t", 0, offset) for offset in (3, 3, 2, 4)] == [True, False, False, True]
    assert reader.is_new("t", 1, 3)
    restored = Interests.load(reader.dump(), BOUNDS, WIDTH)
    assert not restored.is_new("t", 0, 4)


def test_vectors_of_another_width_are_left_out_and_the_rest_is_kept() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 1.0, NOW, vector=unit(1), topics=["ferries"])
    reader.observe("b", -1.0, NOW, vector=unit(1))
    restored = Interests.load(reader.dump(), BOUNDS, WIDTH + 1)
    assert len(restored.vectors(NOW)[0]) == len(restored.disliked) == 0
    assert list(restored.recent) == ["a", "b"]
    restored.rebuild_vectors(lambda _item: unit(1, width=WIDTH + 1))
    assert restored.vectors(NOW)[0].shape == (1, WIDTH + 1)
    assert restored.disliked.shape == (1, WIDTH + 1)


def test_tighter_bounds_keep_the_strongest_and_the_latest() -> None:
    reader = Interests(BOUNDS)
    for number, weight in enumerate((3.0, 1.0, 2.0)):
        reader.observe(f"i{number}", weight, NOW, vector=np.eye(WIDTH, dtype=np.float32)[number])
    restored = Interests.load(reader.dump(), Bounds(interests=2, recent=1, half_life=24 * HOUR), WIDTH)
    assert restored.vectors(NOW)[1].tolist() == [3.0, 2.0]
    assert list(restored.recent) == ["i2"]


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        Interests.load(b"\x01", BOUNDS, WIDTH)


def test_what_is_no_longer_remembered_by_name_was_seen_all_the_same() -> None:
    reader = Interests(BOUNDS)
    items = [f"i{number}" for number in range(20)]
    for number, item in enumerate(items):
        reader.observe(item, 1.0, NOW + number)
    # Five by name, seven by print; of the eight before these nothing is known.
    assert list(reader.unseen([*items, "other"])) == [*items[:8], "other"]
    assert reader.seen == 12
    restored = Interests.load(reader.dump(), BOUNDS, WIDTH)
    assert list(restored.unseen(items)) == items[:8]
    # Remembering fewer by name forgets none that it has room for.
    tighter = Interests.load(reader.dump(), Bounds(interests=3, recent=2, seen=10, half_life=24 * HOUR), WIDTH)
    assert list(tighter.unseen(items)) == items[:8]


def test_a_state_of_form_1_is_read_and_carried_on() -> None:
    reader = Interests(BOUNDS)
    for number in range(4):
        reader.observe(f"i{number}", 1.0, NOW + number, vector=unit(1), topics=["ferries"])
    # Form 1 ended where the prints begin.
    form_1 = msgspec.msgpack.encode(msgspec.msgpack.decode(reader.dump())[:8])
    restored = Interests.load(form_1, BOUNDS, WIDTH)
    assert restored.dump() == reader.dump()
    for number in range(4, 8):
        restored.observe(f"i{number}", 1.0, NOW + number)
    assert list(restored.unseen(f"i{number}" for number in range(9))) == ["i8"]
    assert len(msgspec.msgpack.decode(restored.dump())) == 9


def test_of_many_inputs_the_one_that_was_silent_longest_is_forgotten() -> None:
    reader = Interests(BOUNDS)
    for offset in range(20):
        assert reader.is_new("busy", 0, offset)
        assert reader.is_new("seldom", offset, 0)
    assert not reader.is_new("busy", 0, 19)
    assert reader.is_new("seldom", 0, 0)


def test_a_state_stays_within_its_bound_with_the_longest_topics_that_are_taken() -> None:
    reader = Interests(BOUNDS)
    for number in range(60):
        reader.observe(f"i{number}", 1.0, NOW, vector=noise(number), topics=[f"{number:02}".ljust(LONGEST_TOPIC, "🐄")])
    assert len(reader.topics()) == 32
    assert BOUNDS.largest(WIDTH, 3, topic_bytes=32) < len(reader.dump()) <= BOUNDS.largest(WIDTH, 3)


def test_a_state_with_longer_topics_is_read_without_them() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 1.0, NOW, topics=["ferries", "f" * (LONGEST_TOPIC + 1)])
    assert list(Interests.load(reader.dump(), BOUNDS, WIDTH).topics()) == ["ferries"]


def test_of_an_item_with_very_many_topics_the_latest_make_room_for_none_that_weigh_more() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 3.0, NOW, topics=["ferries"])
    reader.observe("b", 1.0, NOW, topics=[f"t{number}" for number in range(100)])
    assert len(reader.topics()) == 32
    assert "ferries" in reader.topics()


def test_a_state_that_is_dated_ahead_heals() -> None:
    reader = Interests(BOUNDS)
    reader.observe("a", 1.0, NOW, vector=unit(1), topics=["ferries"])
    reader.observe("odd", 0.5, NOW + 70 * 365 * 24 * HOUR, vector=unit(0, 1))
    healed = Interests.load(reader.dump(), BOUNDS, WIDTH, NOW + 0.5)
    assert healed.as_of == NOW + 0.5
    assert healed.recent == {"a": (round(NOW), 1.0), "odd": (round(NOW), 0.5)}
    healed.observe("b", 3.0, NOW + HOUR, vector=unit(1), topics=["ferries"])
    vectors, weights = healed.vectors(NOW + HOUR)
    assert vectors[int(weights.argmax())] @ unit(1) == pytest.approx(1.0, abs=2e-3)
    assert healed.topics()["ferries"] > 0.3
    # What it is written as is read again.
    assert Interests.load(healed.dump(), BOUNDS, WIDTH, NOW + HOUR).dump() == healed.dump()

"""Features, scores and reasons."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from support.recommend import HOUR, NOON, NOW, an_item, unit

from streams.contract.ranking import Projection, RankerWeights
from streams.contract.recommendations import Recommendation
from streams.logic.recommend.candidates import Candidates
from streams.logic.recommend.counts import ItemCounts
from streams.logic.recommend.features import FEATURES, Lookout, Scene
from streams.logic.recommend.interests import Bounds, Interests
from streams.logic.recommend.ranking import Read, Scorer, WeightsError, rank, without_titles
from streams.logic.recommend.weights import DEFAULT_WEIGHTS

NOTHING_READ = Read([], np.empty((0, 16), np.float32))


def weights(**coefficients: float) -> RankerWeights:
    count = len(coefficients)
    return RankerWeights(
        features=tuple(coefficients),
        means=(0.0,) * count,
        scales=(1.0,) * count,
        coefficients=(*coefficients.values(),),
    )


def seen(
    reader: Interests, candidates: Candidates, counts: ItemCounts | None = None, **scene: object
) -> dict[str, list]:
    lookout = Lookout(reader, Scene(counts or ItemCounts(HOUR, 100), 24 * HOUR, **scene), NOW)
    return dict(zip(FEATURES, lookout.features(candidates).T.tolist(), strict=True))


@pytest.fixture
def reader() -> Interests:
    reader = Interests(Bounds())
    reader.observe("read", 3.0, NOW, vector=unit(1), topics=["ferries"], sentiment=1.0)
    reader.observe("other", 1.0, NOW, vector=unit(0, 1), topics=["banks"], sentiment=1.0)
    reader.observe("dismissed", -1.0, NOW, vector=unit(0, 0, 1))
    return reader


def test_each_feature_tells_what_it_is_named_for(reader: Interests) -> None:
    counts = ItemCounts(HOUR, 100)
    counts.observe("read", 1.0, NOW)
    counts.observe("near", 1.0, NOW, [("read", 1.0)])
    candidates = Candidates(
        [
            an_item("near", hours=24, topics=["ferries"], sentiment=0.5),
            an_item("far", topics=["banks", "weather"], sentiment=-0.5),
            an_item("bad"),
        ],
        np.array([unit(1), unit(1, 1), unit(0, 0, 1)]),
    )
    found = seen(reader, candidates, counts)
    assert found["interest"] == pytest.approx([1.0, 0.7071, 0.0], abs=1e-3)
    assert found["interest_mean"] == pytest.approx([0.75, 0.7071, 0.0], abs=1e-3)
    assert found["together"] == pytest.approx([3**0.5, 0.0, 0.0])
    assert found["popularity"] == pytest.approx([np.log(2.0), 0.0, 0.0])
    assert found["new"] == pytest.approx([0.5, 1.0, 1.0])
    assert found["recency"] == pytest.approx([0.5, 1.0, 1.0])
    assert found["topic"] == pytest.approx([3 / 9, 1 / 9 / 2, 0.0])
    assert found["sentiment"][:2] == pytest.approx([0.4, -0.4])
    assert np.isnan(found["sentiment"][2])
    assert found["disliked"] == pytest.approx([0.0, 0.0, 1.0], abs=1e-3)
    assert np.isnan(found["affinity"]).all()


def test_a_projection_tells_likeness_and_appeal(reader: Interests) -> None:
    mean, matrix = unit(0, 1) / 2, np.zeros((16, 2), np.float32)
    matrix[0, 0], matrix[3, 1] = 2.0, 1.0
    projection = Projection(mean, matrix, np.float32(3.0) * unit(0, 0, 0, 1))
    candidates = Candidates([an_item("a"), an_item("b")], np.array([unit(1), unit(0, 0, 0, 1)]))
    found = seen(reader, candidates, projection=projection)
    assert found["affinity"] == pytest.approx([0.75 * 4, 0.0], abs=1e-2)
    assert found["new_appeal"] == pytest.approx([0.0, 3.0])
    lookout = Lookout(reader, Scene(ItemCounts(HOUR, 9), HOUR, projection), NOW)
    # What the learned query finds first is what likeness and appeal add up to most for.
    learned = lookout.queries()[-1]
    both = np.array(found["affinity"]) + np.array(found["new_appeal"])
    assert candidates.vectors @ learned - learned @ mean == pytest.approx(both, abs=1e-2)


def test_of_a_reader_of_whom_nothing_is_known_interest_says_nothing() -> None:
    candidates = Candidates([an_item("a"), an_item("b")], np.array([unit(1), unit(0, 1)]))
    found = seen(Interests(Bounds()), candidates)
    assert np.isnan(found["interest"]).all()
    assert np.isnan(found["disliked"]).all()
    assert Scorer(weights(interest=5.0)).score(np.array([*found.values()]).T).tolist() == [0.0, 0.0]


def test_an_item_dated_ahead_is_new_and_no_newer() -> None:
    candidates = Candidates([an_item("a", hours=-100)], unit(1)[None])
    assert seen(Interests(Bounds()), candidates)["recency"] == [1.0]


def test_weights_of_an_unknown_feature_are_refused_by_name() -> None:
    with pytest.raises(WeightsError, match="weighs moon_phase, which"):
        Scorer(weights(interest=1.0, moon_phase=1.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"means": [0.0]},
        {"scales": [1.0, 0.0]},
        {"coefficients": [1.0, 1e999]},
        {"features": ["topic", "topic"]},
        {"surprise": 1},
    ],
)
def test_weights_that_no_score_can_be_made_of_are_refused(changes: dict[str, object]) -> None:
    good = {"features": ["topic", "new"], "means": [0.0, 0.0], "scales": [1.0, 1.0], "coefficients": [1.0, 1.0]}
    assert msgspec.convert(good, RankerWeights).features == ("topic", "new")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good | changes, RankerWeights)


@pytest.mark.parametrize(
    ("by", "reason", "why", "because"),
    [
        ("interest", "because_you_read", "because you read “Ferries are late”", "read"),
        ("topic", "topic", "because you read about ferries", None),
        ("popularity", "popular", "popular now", None),
        ("recency", "recent", "new", None),
    ],
)
def test_the_reason_is_what_spoke_most_for_it(reader: Interests, by: str, reason: str, why: str, because: str) -> None:
    counts = ItemCounts(HOUR, 100)
    counts.observe("a", 1.0, NOW)
    read = Read(
        [an_item("other", title="Banks"), an_item("read", title="Ferries are late")], np.array([unit(0, 1), unit(1)])
    )
    lookout = Lookout(reader, Scene(counts, 24 * HOUR), NOW)
    candidates = Candidates([an_item("a", topics=["ferries"])], unit(1, 0.1)[None])
    (found,) = rank(lookout, candidates, Scorer(weights(**{by: 2.0, "new": 0.1})), read, limit=5, diversity=0.3)
    assert (found.reason, found.why, found.because) == (reason, why, because)
    assert 0.5 < found.score < 1.0


def test_of_an_items_topics_the_one_is_named_that_the_reader_likes_best(reader: Interests) -> None:
    lookout = Lookout(reader, Scene(ItemCounts(HOUR, 9), HOUR), NOW)
    candidates = Candidates([an_item("a", topics=["weather", "banks", "ferries"])], unit(1)[None])
    (found,) = rank(lookout, candidates, Scorer(weights(topic=2.0)), NOTHING_READ, limit=1, diversity=0.0)
    assert (found.reason, found.why) == ("topic", "because you read about ferries")


@pytest.mark.parametrize("topics", [["weather"], ["dogs", "weather"], []])
def test_no_topic_is_named_that_the_reader_did_not_read_about(reader: Interests, topics: list[str]) -> None:
    reader.observe("barking", -1.0, NOW, topics=["dogs"])
    lookout = Lookout(reader, Scene(ItemCounts(HOUR, 9), HOUR), NOW)
    candidates = Candidates([an_item("a", topics=topics)], unit(1)[None])
    # Learned weights may take a topic that nobody knows for a good sign.
    scorer = Scorer(msgspec.structs.replace(weights(topic=1.0), means=(-1.0,)))
    (found,) = rank(lookout, candidates, scorer, NOTHING_READ, limit=1, diversity=0.0)
    assert found.reason != "topic"


def test_nothing_is_called_popular_that_nobody_has_read() -> None:
    # Long ago, and still live: its age speaks more against it than that nobody has read it.
    candidates = Candidates([an_item("a", hours=2000)], unit(1)[None])
    lookout = Lookout(Interests(Bounds()), Scene(ItemCounts(HOUR, 9), HOUR), NOW)
    (found,) = rank(lookout, candidates, Scorer(DEFAULT_WEIGHTS), NOTHING_READ, limit=1, diversity=0.3)
    assert (found.reason, found.why) == ("recent", "new")


def test_without_titles_a_recommendation_names_items_and_reasons_alone(reader: Interests) -> None:
    read = Read([an_item("read", title="Ferries are late")], unit(1)[None])
    lookout = Lookout(reader, Scene(ItemCounts(HOUR, 9), HOUR), NOW)
    candidates = Candidates(
        [an_item("near"), an_item("far", topics=["ferries"]), an_item("new")],
        np.array([unit(1), unit(0, 0, 0, 1), unit(0, 0, 0, 0, 1)]),
    )
    scorer = Scorer(weights(interest=2.0, topic=2.0, recency=0.1))
    found = rank(lookout, candidates, scorer, read, limit=3, diversity=0.0)
    told = Recommendation(
        id="r", user="ann", cause="request", items=found, cold=False, time=NOON, model="m:1", ranker="default"
    )
    bare = without_titles(told)
    whys = {each.item: (each.reason, each.why, each.because) for each in bare.items}
    assert whys == {
        "near": ("because_you_read", "because of what you read", "read"),
        "far": ("topic", "because of its topic", None),
        "new": ("recent", "new", None),
    }
    assert [(each.item, each.score, each.title) for each in bare.items] == [
        (each.item, each.score, "") for each in found
    ]
    assert msgspec.structs.replace(bare, items=found) == told


def test_nothing_read_is_named_where_nothing_of_it_is_left(reader: Interests) -> None:
    candidates = Candidates([an_item("a")], unit(1)[None])
    lookout = Lookout(reader, Scene(ItemCounts(HOUR, 9), HOUR), NOW)
    (found,) = rank(lookout, candidates, Scorer(weights(interest=1.0)), NOTHING_READ, limit=1, diversity=0.0)
    assert found.because is None
    assert found.reason != "because_you_read"


def test_of_no_candidates_nothing_is_recommended(reader: Interests) -> None:
    lookout = Lookout(reader, Scene(ItemCounts(HOUR, 9), HOUR), NOW)
    none = Candidates([], np.empty((0, 16), np.float32))
    assert rank(lookout, none, Scorer(weights(interest=1.0)), NOTHING_READ, limit=5, diversity=0.3) == []

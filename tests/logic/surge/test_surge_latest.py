"""Sources and entities of an alert are those of its own windows."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick
from support.surge import NOW, SUBJECT, WARM, Feed, alerts, live, make_desk, restored

from streams.logic.surge import latest
from streams.logic.surge.latest import HORIZON, OTHERS
from streams.logic.surge.spans import SPANS
from streams.logic.surge.state import Kept

NAMES = st.sampled_from(["wire", "tribune", "forum"])


def from_state(state: bytes) -> list[object]:
    """The parts of a subject's state, in order."""
    parts: list[object] = msgspec.msgpack.decode(state)
    return parts


def test_a_new_source_in_a_short_window_is_not_drowned_by_what_went_before() -> None:
    feed = Feed(make_desk())
    for at in range(WARM):
        feed.put(feed.window(NOW - WARM + at, 4, 6, source="reviews", entities=["habit"]))
        feed.advance(NOW - WARM + at + 1)
    feed.put(feed.window(NOW, 5, 6, source="reviews", entities=["habit"]))
    feed.put(feed.window(NOW, 40, 0, source="hashtag", entities=["cause"]))
    (alert,) = alerts(feed.advance(NOW + 1))
    evidence = alert.evidence
    assert (evidence.observed, evidence.window_end.timestamp() - evidence.window_start.timestamp()) == (45, 300)
    assert evidence.sources == {"hashtag": pytest.approx(40 / 45, abs=1e-4), "reviews": pytest.approx(5 / 45, abs=1e-4)}
    assert evidence.entities == {"cause": pytest.approx(40 / 45, abs=1e-4), "habit": pytest.approx(5 / 45, abs=1e-4)}
    assert "Sources: hashtag 89%, reviews 11%." in alert.annotations["description"]


def test_a_source_of_the_beginning_of_a_stretch_counts_as_much_as_one_of_its_end() -> None:
    """Over two hours, the longest stretch whose windows are all kept."""
    feed = Feed(make_desk())
    live(feed, 4 * 288)
    start, told = NOW - WARM + 4 * 288, []
    for at in range(23):
        feed.put(feed.window(start + at, 5, 4, source="first" if at < 4 else "second"))
        told += alerts(feed.advance(start + at + 1))
    last = told[-1].evidence
    assert (last.window_end - last.window_start).total_seconds() == HORIZON * 300
    assert last.sources == {
        "second": pytest.approx(95 / last.observed, abs=1e-4),
        "first": pytest.approx(20 / last.observed, abs=1e-4),
        "wire": pytest.approx((last.observed - 115) / last.observed, abs=1e-4),
    }


def test_of_a_stretch_of_hours_the_end_is_told() -> None:
    """Nothing is kept by window of what lies further back than the horizon; the end of it counts undiminished."""
    feed = Feed(make_desk())
    live(feed, 4 * 288)
    told, start = [], NOW - WARM + 4 * 288
    for at in range(16 * 12):
        feed.put(feed.window(start + at, 3, 4, source=f"outlet {at % 2}" if at % HORIZON else "rare"))
        told += alerts(feed.advance(start + at + 1))
    long = [
        alert.evidence
        for alert in told
        if alert.status == "firing"
        and (alert.evidence.window_end - alert.evidence.window_start).total_seconds() > (min(SPANS) - 1) * 3600
    ]
    assert long, "what rises slowly is found over hours"
    for evidence in long:
        assert sum(evidence.sources.values()) == pytest.approx(1.0, abs=0.001)
        assert evidence.sources["rare"] == pytest.approx(1 / HORIZON, abs=0.001)


def test_a_state_of_before_is_read_and_a_worker_of_before_reads_this_one(
    quiet_life: tuple[dict[str, bytes | None], int],
) -> None:
    states, offset = quiet_life
    state = states[SUBJECT]
    assert state is not None
    parts = from_state(state)
    assert len(parts) == len(Kept.__struct_fields__)
    parts.pop()
    parts[Kept.__struct_fields__.index("recent")] = {"negative": [{"wire": 7.25, "(others)": 0.5}, {"birk": 1.5}, []]}
    old = Feed(restored({**states, SUBJECT: msgspec.msgpack.encode(parts)}))
    old.offset = offset
    old.put(old.window(NOW, 20, 2, source="tribune"))
    (alert,) = alerts(old.advance(NOW + 1))
    assert alert.evidence.sources == {"tribune": 1.0}
    written = dict(old.desk.dirty())[SUBJECT]
    assert written is not None
    # What it knows stands where it stood, and more behind it is passed over.
    assert [type(part) for part in from_state(written)[: len(parts)]] == [type(part) for part in parts]
    sources, entities, _ = from_state(written)[Kept.__struct_fields__.index("recent")]["negative"]  # type: ignore[index]
    assert (sources, entities) == ({}, {}), "counts that tell no windows apart are let go"


@quick
@given(
    st.lists(st.tuples(st.integers(1, 30), st.dictionaries(NAMES, st.integers(1, 9))), max_size=40),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_any_stretch_within_the_horizon_adds_up(
    windows: list[tuple[int, dict[str, int]]], back: int, length: int
) -> None:
    counts: latest.Counts = {}
    all_of_them: dict[int, dict[str, int]] = {}
    now = 0
    for passed, found in windows:
        now += passed
        latest.pass_over(counts, passed)
        latest.put(counts, found, 0)
        all_of_them[now] = found
    last = now - back
    first = last - length
    expected: Counter[str] = Counter()
    for bucket, found in all_of_them.items():
        if first <= bucket <= last and bucket > now - HORIZON:
            expected.update(found)
    assert latest.within(counts, now, first, last) == dict(expected)
    assert all(len(each) <= HORIZON for each in counts.values())


def test_what_a_window_before_the_latest_brings_is_put_where_it_belongs() -> None:
    counts: latest.Counts = {}
    latest.put(counts, {"wire": 2}, 0)
    latest.put(counts, {"wire": 3, "forum": 1}, 4)
    latest.put(counts, {"wire": 5}, HORIZON)
    assert latest.within(counts, 100, 100, 100) == {"wire": 2}
    assert latest.within(counts, 100, 96, 96) == {"wire": 3, "forum": 1}
    assert latest.within(counts, 100, 0, 200) == {"wire": 5, "forum": 1}


def test_names_are_bounded_and_one_that_has_just_come_up_is_kept() -> None:
    counts: latest.Counts = {}
    total = 0
    for _ in range(HORIZON):
        latest.pass_over(counts, 1)
        latest.put(counts, {f"habit {each}": 2 for each in range(14)}, 0)
        total += 28
    latest.pass_over(counts, 1)
    latest.put(counts, {"new": 40}, 0)
    assert "new" in counts
    assert len(counts) == 11
    assert counts[OTHERS]
    assert sum(latest.within(counts, 500, 0, 500).values()) == total - 28 + 40

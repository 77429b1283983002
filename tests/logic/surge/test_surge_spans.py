from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from support.surge import MONDAY
from support.surge_counts import NOW, SETTINGS, SUBJECTS, close_all, copy_of, plant, quiet, statuses

from streams.contract.settings import SurgeSettings
from streams.logic.surge.baseline import SCALES
from streams.logic.surge.panel import Counts, Panel
from streams.logic.surge.store import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY = 288


@pytest.fixture(scope="module")
def grown(lived: Panel) -> Panel:
    """The same subjects after six days, by when spans of hours are known; not to be changed."""
    panel = copy_of(lived)
    close_all(panel, quiet(NOW, 2 * DAY, seed=21))
    return panel


THEN = NOW + 2 * DAY


def test_what_rises_slowly_and_lasts_a_day_rings(grown: Panel) -> None:
    panel, windows = copy_of(grown), quiet(THEN, DAY, seed=22)
    plant(windows, SUBJECTS[0], THEN, DAY, 1.5)
    told = close_all(panel, windows)
    assert {change.subject for change in told} == {SUBJECTS[0]}
    assert told[0].window[1] - told[0].window[0] >= max(SCALES), "no shorter window finds it"
    assert statuses(told[-1:], SUBJECTS[0]) == ["firing"], "it is not over while it lasts"
    after = close_all(panel, quiet(THEN + DAY, DAY // 2, seed=25))
    assert statuses(after, SUBJECTS[0])[-1] == "resolved"


def test_a_surge_of_a_day_is_not_its_own_measure(grown: Panel) -> None:
    """Neither what is expected of its hours nor how much they scatter is learned from them before they are over."""
    found = {}
    for times in (1.0, 1.4):
        panel, windows = copy_of(grown), quiet(THEN, DAY - 1, seed=23)
        plant(windows, SUBJECTS[0], THEN, DAY - 1, times)
        close_all(panel, windows)
        row = np.array([panel._store.row[SUBJECTS[0]]])
        spans = panel._scanner._spans
        _, expected = spans.recent(row, THEN + DAY - 2, np.zeros((1, 2)))
        found[times] = expected, spans.dispersion(row, expected)
    assert found[1.4][0] == pytest.approx(found[1.0][0], rel=0.02)
    assert found[1.4][1] == pytest.approx(found[1.0][1], rel=0.02)


def test_a_subject_that_begins_after_a_few_strays_does_not_ring(lived: Panel) -> None:
    panel = copy_of(lived)
    noise = np.random.default_rng(24)
    windows = quiet(NOW, 6 * DAY, seed=24)
    for at in range(6 * DAY):
        if at < 3 * DAY:
            one = Counts(negative=1, total=1) if at % DAY == 100 else None
        else:
            negative = int(noise.poisson(3.0))
            one = Counts(negative=negative, total=negative + int(noise.poisson(7.0)))
        if one is not None and one.total:
            windows[NOW + at]["entity/late"] = one
    assert statuses(close_all(panel, windows), "entity/late") == []
    row = panel._store.row["entity/late"]
    assert panel._store.known[row] != NEVER
    assert panel._store.born[row] * 12 >= NOW + 3 * DAY - 24, "its usual volume is learned from its beginning on"
    assert panel.expected("entity/late", NOW + 6 * DAY - 1)[0] == pytest.approx(3.0, rel=0.25)


def stories(panel: Panel, first: int, days: int, *, copies: int) -> None:
    """Each subject has a story each third hour: ten rewritten copies, and equal ones."""
    for day in range(days):
        windows = quiet(first + day * DAY, DAY, seed=30 + day)
        for at in range(0, DAY, 36):
            for number, subject in enumerate(SUBJECTS):
                bucket = first + day * DAY + at + 5 * number
                was = windows[bucket].get(subject, Counts())
                windows[bucket][subject] = Counts(
                    negative=was.negative, total=was.total + 10, copies=copies, negative_copies=0
                )
        close_all(panel, windows)


def test_rewritten_copies_of_a_story_that_is_copied_are_expected(lived: Panel) -> None:
    panel = copy_of(lived)
    stories(panel, NOW, 2, copies=200)
    assert 0.02 < panel._pool.rewritten[0] < 0.06, "ten rewritten for two hundred equal ones"
    rung = {}
    for copies in (0, 400):
        fork, windows = copy_of(panel), quiet(THEN, 12, seed=33)
        windows[THEN + 4][SUBJECTS[0]] = Counts(negative=18, total=22, copies=copies, negative_copies=copies)
        rung[copies] = statuses(close_all(fork, windows), SUBJECTS[0])
    assert rung[0]
    assert not rung[400]


def test_what_comes_again_and_again_is_usual(lived: Panel) -> None:
    """Each alarm asks for ten times as unusual a count as the one before."""
    least = {}
    for rung in (0.0, 1.0, 3.0):
        for negative in range(6, 40):
            panel, windows = copy_of(lived), quiet(NOW, 4, seed=40)
            row = panel._store.row[SUBJECTS[0]]
            panel._store.rung[row], panel._store.started[row], panel._store.resolved[row] = rung, NOW - 24, NOW - 12
            windows[NOW + 3][SUBJECTS[0]] = Counts(negative=negative, total=negative + 4)
            if statuses(close_all(panel, windows), SUBJECTS[0]):
                least[rung] = negative
                break
    assert least[0.0] < least[1.0] < least[3.0] <= least[0.0] + 8


def test_a_state_of_before_there_were_spans_is_read(lived: Panel) -> None:
    panel = Panel(SETTINGS, partitions=1)
    for subject in SUBJECTS:
        figures, firing = msgspec.msgpack.decode(lived.dump(subject))
        panel.load(subject, msgspec.msgpack.encode((figures[:11], firing)))
    pool, alarms = msgspec.msgpack.decode(lived.dump_shared(), type=tuple[bytes, bytes])
    hour, arrays = msgspec.msgpack.decode(pool)
    panel.load_shared(msgspec.msgpack.encode((msgspec.msgpack.encode((hour, arrays[:13])), alarms)))
    windows = quiet(NOW, 2 * DAY, seed=21)
    plant(windows, SUBJECTS[0], NOW + 40, 24, 4.0)
    told = close_all(panel, windows)
    assert statuses(told, SUBJECTS[0])[0] == "firing", "who is not new is known at once"
    assert {change.subject for change in told} == {SUBJECTS[0]}


@pytest.mark.parametrize("seconds", [900, 3600])
def test_spans_of_windows_of_other_lengths(seconds: int) -> None:
    panel = Panel(SurgeSettings(window_seconds=seconds), partitions=1)
    first, hour = MONDAY * 300 // seconds, 3600 // seconds
    noise = np.random.default_rng(18)

    def windows(hours: Iterable[int]) -> dict[int, dict[str, Counts]]:
        made = {}
        for at in hours:
            for part in range(hour):
                negative = int(noise.poisson(20.0 / hour * (1.6 if at >= 144 else 1.0)))
                total = negative + int(noise.poisson(40.0 / hour))
                made[first + at * hour + part] = {"topic/fraud": Counts(negative=negative, total=total)}
        return made

    assert close_all(panel, windows(range(144))) == []
    assert close_all(panel, windows(range(144, 168)))[0].status == "firing"

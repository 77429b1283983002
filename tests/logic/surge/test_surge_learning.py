from __future__ import annotations

import numpy as np
import pytest
from support.surge import MONDAY
from support.surge_counts import NOW, SETTINGS, SUBJECTS, close_all, copy_of, plant, quiet, statuses

from streams.contract.settings import SurgeSettings
from streams.logic.surge.panel import Counts, Panel


def test_a_daily_rhythm_is_expected_once_it_is_known() -> None:
    panel = Panel(SETTINGS, partitions=1)
    noise = np.random.default_rng(11)

    def day(first: int) -> dict[int, dict[str, Counts]]:
        rate = 10.0 * (1.0 + 0.8 * np.sin(2 * np.pi * np.arange(288) / 288))
        windows = {}
        for at in range(288):
            negative = int(noise.poisson(rate[at]))
            windows[first + at] = {
                "topic/fraud": Counts(negative=negative, total=negative + int(noise.poisson(rate[at])))
            }
        return windows

    for index in range(12):
        close_all(panel, day(MONDAY + index * 288))
    peak, trough = MONDAY + 12 * 288 + 72, MONDAY + 12 * 288 + 216
    last = day(MONDAY + 12 * 288)
    expected = {}
    for bucket in sorted(last):
        panel.close(bucket, last[bucket])
        expected[bucket] = panel.expected("topic/fraud", bucket)[0]
    assert expected[peak] == pytest.approx(18.0, rel=0.15)
    assert expected[trough] == pytest.approx(2.0, rel=0.35)


def test_a_surge_is_not_its_own_baseline(lived: Panel) -> None:
    expected = {}
    for times in (1.0, 10.0):
        panel = copy_of(lived)
        windows = quiet(NOW, 48, seed=12)
        plant(windows, SUBJECTS[0], NOW + 6, 12, times)
        close_all(panel, windows)
        expected[times] = panel.expected(SUBJECTS[0], NOW + 47)
    assert expected[10.0] == pytest.approx(expected[1.0], rel=0.25)


def test_what_lasts_is_the_new_usual(lived: Panel) -> None:
    panel = copy_of(lived)
    for day in range(10):
        windows = quiet(NOW + day * 288, 288, seed=20 + day)
        plant(windows, SUBJECTS[0], NOW + day * 288, 288, 3.0)
        last = close_all(panel, windows)
    assert statuses(last, SUBJECTS[0]) in ([], ["resolved"])
    assert SUBJECTS[0] not in panel.firing


def test_a_gap_is_made_good_as_if_each_window_had_been_closed(lived: Panel) -> None:
    """Silence costs nothing when it happens, and counts as silence when the subject is heard of again."""
    subject, back = SUBJECTS[4], NOW + 7 * 288
    late, busy = copy_of(lived), copy_of(lived)
    for hour in range(7 * 24):
        busy.close(NOW + hour * 12 + 11, {subject: Counts()})
    for panel in (late, busy):
        panel.close(back - 12, {subject: Counts(negative=1, total=3)})
        panel.close(back, {subject: Counts(negative=1, total=3)})
    assert late.expected(subject, back) == pytest.approx(busy.expected(subject, back), rel=0.1)
    usual = copy_of(lived)
    usual.close(NOW, {subject: Counts(negative=1, total=3)})
    assert late.expected(subject, back)[0] < 0.6 * usual.expected(subject, NOW)[0]


def test_a_panel_that_was_dumped_and_loaded_goes_on_exactly(lived: Panel) -> None:
    windows = quiet(NOW, 96, seed=13)
    plant(windows, SUBJECTS[1], NOW + 10, 30, 4.0)
    undisturbed = copy_of(lived)
    expected = close_all(undisturbed, windows)
    assert {"firing", "resolved"} <= {change.status for change in expected}
    disturbed, told = copy_of(lived), []
    for bucket in sorted(windows):
        disturbed = copy_of(disturbed)
        told += disturbed.close(bucket, windows[bucket])
    assert told == expected
    assert [disturbed.dump(each) for each in SUBJECTS] == [undisturbed.dump(each) for each in SUBJECTS]
    assert disturbed.dump_shared() == undisturbed.dump_shared()


def test_a_window_that_a_subject_has_in_it_already_changes_nothing(panel: Panel) -> None:
    """After a crash some states can be of a later time than the windows that are closed again."""
    windows = quiet(NOW, 3)
    close_all(panel, windows)
    state = panel.dump(SUBJECTS[0])
    assert panel.close(NOW + 2, {SUBJECTS[0]: Counts(negative=500, total=500)}) == []
    assert panel.dump(SUBJECTS[0]) == state


def test_a_forgotten_subject_is_new_when_it_comes_back(panel: Panel) -> None:
    back = NOW + int(SETTINGS.forget_hours * 12) + 12
    counts = Counts(negative=2, total=6)
    panel.close(back, {SUBJECTS[0]: counts, "entity/new": counts})
    assert panel.dump(SUBJECTS[0]) == panel.dump("entity/new")
    panel.forget([SUBJECTS[1], "entity/never"])
    assert SUBJECTS[1] not in panel
    assert SUBJECTS[0] in panel


def test_the_state_of_a_subject_is_small(panel: Panel) -> None:
    panel.close(NOW, {"entity/once": Counts(negative=1, total=1)})
    assert len(panel.dump("entity/once")) < 250
    assert max(len(panel.dump(each)) for each in SUBJECTS) < 1_200


def test_subjects_come_and_go_by_the_thousand() -> None:
    panel = Panel(SETTINGS, partitions=4)
    panel.close(MONDAY, {f"entity/{at}": Counts(negative=1, total=2) for at in range(3_000)})
    assert len(panel) == 3_000
    panel.forget([f"entity/{at}" for at in range(2_000)])
    panel.close(MONDAY + 1, {f"entity/{at}": Counts(negative=1, total=2) for at in range(2_000)})
    assert len(panel) == 3_000


@pytest.mark.parametrize("seconds", [60, 900, 3600])
def test_windows_of_other_lengths_work_too(seconds: int) -> None:
    panel = Panel(SurgeSettings(window_seconds=seconds), partitions=1)
    first, hour = MONDAY * 300 // seconds, 3600 // seconds
    noise = np.random.default_rng(18)
    changes = []
    for at in range(60 * hour):
        rate = 60.0 / hour * (6.0 if 50 * hour <= at < 56 * hour else 1.0)
        negative = int(noise.poisson(rate))
        total = negative + int(noise.poisson(120.0 / hour))
        changes += panel.close(first + at, {"topic/fraud": Counts(negative=negative, total=total)})
    assert changes[0].status == "firing"
    assert first + 50 * hour <= changes[0].bucket <= first + 52 * hour

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.surge import MONDAY, close_all, steady

from streams.contract.settings import SurgeSettings
from streams.logic.surge.panel import Counts, Panel, Transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUBJECTS = tuple(f"entity/{name}" for name in ("ashdown", "birk", "corvane", "dunmore", "elmhurst"))
DAYS = 4 * 288
NOW = MONDAY + DAYS
SETTINGS = SurgeSettings()


def quiet(first: int, windows: int, *, seed: int = 2) -> dict[int, dict[str, Counts]]:
    return steady(SUBJECTS, windows, seed=seed, first=first)


def surge(windows: dict[int, dict[str, Counts]], subject: str, first: int, length: int, times: float) -> None:
    """Give a subject so many times the negatives; all else goes on as it was."""
    noise = np.random.default_rng(7)
    for bucket in range(first, first + length):
        more = int(noise.poisson(20 / 12 * (times - 1)))
        was = windows[bucket].get(subject, Counts())
        windows[bucket][subject] = Counts(negative=was.negative + more, total=was.total + more)


def copy_of(panel: Panel, settings: SurgeSettings = SETTINGS, subjects: Sequence[str] = SUBJECTS) -> Panel:
    twin = Panel(settings, partitions=1)
    for subject in subjects:
        twin.load(subject, panel.dump(subject))
    twin.load_shared(panel.dump_shared())
    return twin


@pytest.fixture(scope="module")
def lived() -> Panel:
    """Five subjects that were heard of for four days: 20 negatives an hour each, three in ten of all."""
    panel = Panel(SETTINGS, partitions=1)
    close_all(panel, quiet(MONDAY, DAYS))
    return panel


@pytest.fixture
def panel(lived: Panel) -> Panel:
    return copy_of(lived)


def statuses(changes: Sequence[Transition], subject: str) -> list[str]:
    return [change.status for change in changes if change.subject == subject]


def first_and_last(changes: Sequence[Transition]) -> tuple[Transition, Transition]:
    return changes[0], changes[-1]


@pytest.mark.parametrize(("times", "within"), [(2.0, 24), (3.0, 12), (5.0, 4)])
def test_a_surge_rings_once_and_is_over_once(panel: Panel, times: float, within: int) -> None:
    windows = quiet(NOW, 120, seed=3)
    surge(windows, SUBJECTS[2], NOW + 24, 36, times)
    changes = close_all(panel, windows)
    told = [change for change in changes if change.subject == SUBJECTS[2]]
    begun, over = first_and_last(told)
    assert [change.status for change in told].count("resolved") == 1
    assert over.status == "resolved"
    levels = [change.level for change in told]
    assert len(set(levels[:-1])) == len(levels) - 1, "told again only when it is stronger"
    assert NOW + 24 <= begun.bucket < NOW + 24 + within
    assert NOW + 12 <= begun.start_bucket <= begun.bucket
    assert NOW + 60 <= over.bucket <= NOW + 84
    assert {change.start_bucket for change in told} == {begun.start_bucket}
    assert begun.observed > begun.expected > 0
    assert begun.share == pytest.approx(begun.observed / begun.volume)
    assert begun.expected_share == pytest.approx(0.3, abs=0.05)
    assert begun.p_value <= begun.threshold < 1e-3


def test_what_is_as_usual_does_not_ring(panel: Panel) -> None:
    assert close_all(panel, quiet(NOW, 144, seed=4)) == []


def test_a_strong_surge_is_red_and_a_weak_one_is_not(panel: Panel) -> None:
    windows = quiet(NOW, 60, seed=5)
    surge(windows, SUBJECTS[0], NOW + 12, 24, 2.5)
    surge(windows, SUBJECTS[1], NOW + 12, 24, 12.0)
    changes = close_all(panel, windows)
    assert "red" in {change.level for change in changes if change.subject == SUBJECTS[1]}
    assert "red" not in {change.level for change in changes if change.subject == SUBJECTS[0]}


def test_silence_ends_an_alert(panel: Panel) -> None:
    windows = quiet(NOW, 12, seed=6)
    surge(windows, SUBJECTS[0], NOW + 4, 8, 6.0)
    changes = close_all(panel, windows)
    assert statuses(changes, SUBJECTS[0])[0] == "firing"
    silence = close_all(panel, {NOW + 12 + at: {} for at in range(24)})
    assert statuses(silence, SUBJECTS[0]) == ["resolved"]
    assert list(panel.firing) == []


def test_a_subject_that_is_new_and_loud_but_ordinary_is_silent(panel: Panel) -> None:
    windows = quiet(NOW, 144, seed=7)
    for at, bucket in enumerate(sorted(windows)):
        if at >= 20:
            windows[bucket]["entity/new"] = Counts(negative=30, total=100)
    assert statuses(close_all(panel, windows), "entity/new") == []


def test_a_new_subject_rings_by_its_share(panel: Panel) -> None:
    windows = quiet(NOW, 60, seed=8)
    for bucket in sorted(windows)[20:40]:
        windows[bucket]["entity/new"] = Counts(negative=19, total=20)
    told = [change for change in close_all(panel, windows) if change.subject == "entity/new"]
    assert [change.status for change in told][0] == "firing"
    assert told[0].bucket < NOW + 30


def test_a_desk_that_has_just_begun_is_silent() -> None:
    panel = Panel(SETTINGS, partitions=1)
    assert close_all(panel, steady(SUBJECTS, 200, negative=200.0, share=0.65)) == []


def test_more_of_everything_is_no_surge_of_negatives(panel: Panel) -> None:
    windows = quiet(NOW, 60, seed=9)
    louder = steady([SUBJECTS[3]], 12, negative=60.0, seed=10, first=NOW + 20)
    for bucket, counts in louder.items():
        windows[bucket] |= counts
    assert statuses(close_all(panel, windows), SUBJECTS[3]) == []


def test_more_of_everything_is_a_surge_of_volume_where_that_is_asked_for() -> None:
    settings = SurgeSettings(kinds=("negative", "positive", "volume"))
    panel = Panel(settings, partitions=1)
    close_all(panel, quiet(MONDAY, DAYS))
    windows = quiet(NOW, 60, seed=9)
    louder = steady([SUBJECTS[3]], 12, negative=60.0, seed=10, first=NOW + 20)
    for bucket, counts in louder.items():
        windows[bucket] |= counts
    assert {change.kind for change in close_all(panel, windows)} == {"volume"}


def test_positive_messages_surge_too_where_that_is_asked_for() -> None:
    settings = SurgeSettings(kinds=("positive",))
    panel = Panel(settings, partitions=1)

    def mirrored(windows: Mapping[int, Mapping[str, Counts]]) -> dict[int, dict[str, Counts]]:
        return {
            bucket: {key: Counts(positive=each.negative, total=each.total) for key, each in counts.items()}
            for bucket, counts in windows.items()
        }

    close_all(panel, mirrored(quiet(MONDAY, DAYS)))
    windows = quiet(NOW, 40, seed=3)
    surge(windows, SUBJECTS[1], NOW + 10, 20, 5.0)
    told = close_all(panel, mirrored(windows))
    assert {(change.subject, change.kind) for change in told} == {(SUBJECTS[1], "positive")}


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
        surge(windows, SUBJECTS[0], NOW + 6, 12, times)
        close_all(panel, windows)
        expected[times] = panel.expected(SUBJECTS[0], NOW + 47)
    assert expected[10.0] == pytest.approx(expected[1.0], rel=0.25)


def test_what_lasts_is_the_new_usual(lived: Panel) -> None:
    panel = copy_of(lived)
    for day in range(10):
        windows = quiet(NOW + day * 288, 288, seed=20 + day)
        surge(windows, SUBJECTS[0], NOW + day * 288, 288, 3.0)
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
    surge(windows, SUBJECTS[1], NOW + 10, 30, 4.0)
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


def test_watched_subjects_spend_a_budget_of_their_own(lived: Panel) -> None:
    """Five subjects share two false alarms a week; one alone on the list may have two hundred."""
    settings = SurgeSettings(watchlist_false_alarms_per_week=200.0)
    windows = quiet(NOW, 60, seed=14)
    surge(windows, SUBJECTS[0], NOW + 20, 24, 1.8)
    told = {}
    for watched in ((), (SUBJECTS[0],), (SUBJECTS[1],)):
        panel = copy_of(lived, settings)
        panel.watch(watched)
        told[watched] = [change.bucket for change in close_all(panel, windows) if change.subject == SUBJECTS[0]]
    assert told[(SUBJECTS[0],)]
    assert not told[()] or told[(SUBJECTS[0],)][0] < told[()][0]
    assert told[(SUBJECTS[1],)] == told[()]


def test_within_the_cool_down_it_rings_again_only_if_it_is_stronger() -> None:
    patient = SurgeSettings(cool_down_seconds=12 * 3600)
    hasty = SurgeSettings(cool_down_seconds=0)
    told = {}
    for settings in (patient, hasty):
        panel = Panel(settings, partitions=1)
        close_all(panel, quiet(MONDAY, DAYS))
        windows = quiet(NOW, 140, seed=15)
        surge(windows, SUBJECTS[0], NOW + 10, 12, 5.0)
        close_all(panel, {bucket: windows[bucket] for bucket in range(NOW, NOW + 70)})
        assert not panel.firing
        surge(windows, SUBJECTS[0], NOW + 80, 24, 2.6)
        later = close_all(panel, {bucket: windows[bucket] for bucket in range(NOW + 70, NOW + 140)})
        told[settings] = [change.bucket for change in later if change.status == "firing"]
    assert told[hasty]
    assert not told[patient] or told[patient][0] > told[hasty][0]


def test_a_verdict_of_a_false_alarm_makes_it_harder_to_ring(lived: Panel) -> None:
    windows = quiet(NOW, 60, seed=16)
    surge(windows, SUBJECTS[0], NOW + 10, 12, 8.0)
    p_values = {}
    for judged in (False, True):
        panel = copy_of(lived)
        close_all(panel, windows)
        if judged:
            assert panel.judge_false(SUBJECTS[0], "negative")
            assert not panel.judge_false(SUBJECTS[0], "negative"), "one verdict counts once"
        more = quiet(NOW + 60, 40, seed=17)
        surge(more, SUBJECTS[1], NOW + 70, 12, 8.0)
        told = [change for change in close_all(panel, more) if change.status == "firing"]
        p_values[judged] = told[0].p_value
    assert p_values[True] > p_values[False]


def test_a_verdict_on_what_never_rang_changes_nothing(panel: Panel) -> None:
    state = panel.dump_shared()
    assert not panel.judge_false("entity/nobody", "negative")
    assert panel.dump_shared() == state


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
    assert len(panel.dump("entity/once")) < 200
    assert max(len(panel.dump(each)) for each in SUBJECTS) < 700


def test_subjects_come_and_go_by_the_thousand() -> None:
    panel = Panel(SETTINGS, partitions=4)
    panel.close(MONDAY, {f"entity/{at}": Counts(negative=1, total=2) for at in range(3_000)})
    assert len(panel) == 3_000
    panel.forget([f"entity/{at}" for at in range(2_000)])
    panel.close(MONDAY + 1, {f"entity/{at}": Counts(negative=1, total=2) for at in range(2_000)})
    assert len(panel) == 3_000


def test_a_window_that_does_not_divide_an_hour_is_refused() -> None:
    with pytest.raises(ValueError, match=r"surge\.window_seconds"):
        Panel(SurgeSettings(window_seconds=420), partitions=1)


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
    assert [change.status for change in changes if change.level][0] == "firing"
    assert first + 50 * hour <= changes[0].bucket <= first + 52 * hour

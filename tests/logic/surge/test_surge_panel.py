from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.surge import MONDAY
from support.surge_counts import DAYS, NOW, SETTINGS, SUBJECTS, close_all, copy_of, plant, quiet, statuses, steady

from streams.contract.settings import SurgeSettings
from streams.logic.surge.panel import Counts, Panel, Transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def first_and_last(changes: Sequence[Transition]) -> tuple[Transition, Transition]:
    return changes[0], changes[-1]


@pytest.mark.parametrize(("times", "within"), [(2.0, 24), (3.0, 12), (5.0, 4)])
def test_a_surge_rings_once_and_is_over_once(panel: Panel, times: float, within: int) -> None:
    windows = quiet(NOW, 120, seed=3)
    plant(windows, SUBJECTS[2], NOW + 24, 36, times)
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
    plant(windows, SUBJECTS[0], NOW + 12, 24, 2.5)
    plant(windows, SUBJECTS[1], NOW + 12, 24, 12.0)
    changes = close_all(panel, windows)
    assert "red" in {change.level for change in changes if change.subject == SUBJECTS[1]}
    assert "red" not in {change.level for change in changes if change.subject == SUBJECTS[0]}


def test_silence_ends_an_alert(panel: Panel) -> None:
    windows = quiet(NOW, 12, seed=6)
    plant(windows, SUBJECTS[0], NOW + 4, 8, 6.0)
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
    assert told[0].status == "firing"
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
    plant(windows, SUBJECTS[1], NOW + 10, 20, 5.0)
    told = close_all(panel, mirrored(windows))
    assert {(change.subject, change.kind) for change in told} == {(SUBJECTS[1], "positive")}


def test_watched_subjects_spend_a_budget_of_their_own(lived: Panel) -> None:
    """Five subjects share two false alarms a week; one alone on the list may have two hundred."""
    settings = SurgeSettings(watchlist_false_alarms_per_week=200.0)
    windows = quiet(NOW, 60, seed=14)
    plant(windows, SUBJECTS[0], NOW + 20, 24, 1.8)
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
        plant(windows, SUBJECTS[0], NOW + 10, 12, 5.0)
        close_all(panel, {bucket: windows[bucket] for bucket in range(NOW, NOW + 70)})
        assert not panel.firing
        plant(windows, SUBJECTS[0], NOW + 80, 24, 2.6)
        later = close_all(panel, {bucket: windows[bucket] for bucket in range(NOW + 70, NOW + 140)})
        told[settings] = [change.bucket for change in later if change.status == "firing"]
    assert told[hasty]
    assert not told[patient] or told[patient][0] > told[hasty][0]


def test_a_verdict_of_a_false_alarm_makes_it_harder_to_ring(lived: Panel) -> None:
    windows = quiet(NOW, 60, seed=16)
    plant(windows, SUBJECTS[0], NOW + 10, 12, 8.0)
    p_values = {}
    for judged in (False, True):
        panel = copy_of(lived)
        close_all(panel, windows)
        if judged:
            assert panel.judge_false(SUBJECTS[0], "negative")
            assert not panel.judge_false(SUBJECTS[0], "negative"), "one verdict counts once"
        more = quiet(NOW + 60, 40, seed=17)
        plant(more, SUBJECTS[1], NOW + 70, 12, 8.0)
        told = [change for change in close_all(panel, more) if change.status == "firing"]
        p_values[judged] = told[0].p_value
    assert p_values[True] > p_values[False]


def test_a_verdict_on_what_never_rang_changes_nothing(panel: Panel) -> None:
    state = panel.dump_shared()
    assert not panel.judge_false("entity/nobody", "negative")
    assert panel.dump_shared() == state


def test_a_verdict_judges_no_earlier_alarm_of_the_subject(lived: Panel) -> None:
    panel = copy_of(lived)
    windows = quiet(NOW, 60, seed=16)
    plant(windows, SUBJECTS[0], NOW + 10, 12, 8.0)
    close_all(panel, windows)
    # It rang, too, while it was young, whose scores are apart.
    panel._alarms._young_tail.add_fired(SUBJECTS[0], "negative", 10, threshold=4.0, peak=5.0)
    assert [panel.judge_false(SUBJECTS[0], "negative") for _ in range(2)] == [True, False], "told again at each start"
    assert [panel.judge_real(SUBJECTS[0], "negative") for _ in range(2)] == [True, False]
    assert panel.judged_false == []
    panel._alarms._tail._fired.clear()  # made room for others' alarms
    assert not panel.judge_false(SUBJECTS[0], "negative")

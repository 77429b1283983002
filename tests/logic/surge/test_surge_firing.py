from __future__ import annotations

from streams.logic.surge.firing import Finding, Firing


def firing(observed: int, expected: float) -> Firing:
    finding = Finding(
        window=(1, 1), observed=observed, expected=expected, volume=observed, expected_share=0.3, score=5.0
    )
    return Firing(level="yellow", start_bucket=1, finding=finding)


def windows_to_end(each: Firing, observed: float, expected: float, dispersion: float = 1.0) -> int:
    for at in range(1, 1_000):
        if each.relieve(observed, expected, dispersion, calm=True, needed=3):
            return at
    return 1_000


def test_it_takes_the_calm_windows_at_the_least() -> None:
    assert windows_to_end(firing(500, 50.0), 50.0, 50.0) == 3


def test_and_where_counts_are_small_as_many_as_prove_an_end() -> None:
    few, many = windows_to_end(firing(8, 2.0), 1.0, 1.0), windows_to_end(firing(80, 20.0), 10.0, 10.0)
    assert many == 3
    assert 5 < few < 20
    assert windows_to_end(firing(8, 2.0), 1.0, 1.0, dispersion=2.0) > few


def test_what_goes_on_does_not_end() -> None:
    assert windows_to_end(firing(8, 2.0), 2.0, 1.0) == 1_000


def test_silence_ends_it_even_where_next_to_nothing_is_expected() -> None:
    assert windows_to_end(firing(12, 0.001), 0.0, 0.001) <= 12


def test_a_window_that_is_not_calm_begins_the_count_anew() -> None:
    each = firing(500, 50.0)
    assert not each.relieve(50.0, 50.0, 1.0, calm=True, needed=3)
    assert not each.relieve(50.0, 50.0, 1.0, calm=True, needed=3)
    assert not each.relieve(50.0, 50.0, 1.0, calm=False, needed=3)
    assert windows_to_end(each, 50.0, 50.0) == 3


def test_a_level_rises_and_never_falls() -> None:
    each = firing(8, 2.0)
    assert each.strengthen(each.finding, "orange")
    assert not each.strengthen(each.finding, "yellow")
    assert not each.strengthen(each.finding, "orange")
    assert each.level == "orange"

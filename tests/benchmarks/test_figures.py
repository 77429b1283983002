import pytest

from benchmarks.support.figures import latency, padding_share, rate_between, ratio_of_medians


def test_the_rate_counts_neither_start_nor_end() -> None:
    slow_start = [0.0, 50.0]
    steady = [100.0 + number / 10 for number in range(96)]
    slow_end = [200.0, 300.0]
    assert rate_between(slow_start + steady + slow_end) == pytest.approx(10.0)


def test_times_may_come_in_any_order() -> None:
    assert rate_between([number / 4 for number in reversed(range(101))]) == pytest.approx(4.0)


@pytest.mark.parametrize("times", [[1.0, 2.0], [5.0] * 100])
def test_no_rate_is_made_up(times: list[float]) -> None:
    with pytest.raises(ValueError, match=r"too few|no time passes"):
        rate_between(times)


def test_latency_skips_what_came_before_the_pace_was_steady() -> None:
    sent = {"early": 100.0} | {str(number): 110.0 + number for number in range(100)}
    answered = {"early": 105.0} | {str(number): 110.0 + number + (number + 1) / 100 for number in range(100)}
    measured = latency(sent, answered, skip_seconds=2.0)
    assert measured.messages == 100
    assert measured.p50 == pytest.approx(0.505)
    assert measured.p99 == pytest.approx(0.9901)
    assert measured.highest == pytest.approx(1.0)


def test_an_unanswered_message_is_no_latency() -> None:
    with pytest.raises(ValueError, match="1 of 2 messages were not answered"):
        latency({"a": 1.0, "b": 2.0}, {"a": 1.5})


def test_nothing_left_to_measure() -> None:
    with pytest.raises(ValueError, match="send for longer"):
        latency({"a": 1.0}, {"a": 1.5}, skip_seconds=1.0)


def test_one_bad_run_does_not_move_the_ratio() -> None:
    assert ratio_of_medians([9.0, 10.0, 1.0], [10.0, 30.0, 10.0]) == pytest.approx(0.9)


def test_padding() -> None:
    assert padding_share([[4, 4], [8]]) == 0.0
    assert padding_share([[2, 8]]) == pytest.approx(6 / 16)

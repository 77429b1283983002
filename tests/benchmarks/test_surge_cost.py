import pytest

from benchmarks.support.surge.cost import measure


def test_each_subject_is_heard_of_and_the_cost_is_told() -> None:
    told = measure(subjects=50, signals=5_000)
    assert told["subjects"] == 50
    assert told["signals_per_second"] > told["signals_per_second_with_checkpoints"] > 0
    assert told["seconds"].keys() == {"observe", "advance", "checkpoint"}
    assert 0 < told["state_bytes_mean"] <= told["state_bytes_greatest"] < 10_000
    assert told["signals"] / told["signals_per_second"] == pytest.approx(
        told["seconds"]["observe"] + told["seconds"]["advance"]
    )

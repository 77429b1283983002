"""The pure parts of what is measured as things grow."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.support.growth.answers import Made, measure
from benchmarks.support.growth.partitions import OneByOne
from benchmarks.support.growth.partitions import measure as measure_clock
from benchmarks.support.growth.plot import plot
from benchmarks.support.growth.tables import tables
from benchmarks.support.growth.workers import rate_from
from streams.logic.watermark import Watermark


def test_the_rate_is_that_of_the_window_and_batches_do_not_change_it() -> None:
    rushed = np.linspace(0, 10, 5_000)
    steady = 10 + np.arange(1, 2_001) / 100
    batched = 10 + np.repeat(np.arange(1, 16), 128) * 1.28
    assert rate_from(np.concatenate([rushed, steady]), 11.0, 1.0) == pytest.approx(100, rel=1e-6)
    assert rate_from(np.concatenate([rushed, batched]), 11.0, 1.0) == pytest.approx(100, rel=0.02)


def test_no_rate_is_told_of_what_was_read_while_it_was_sent() -> None:
    with pytest.raises(ValueError, match="more of them"):
        rate_from(np.linspace(0, 10, 1_000), 9.5, 1.0)


def test_made_vectors_are_of_unit_length_and_a_question_is_near_its_answer() -> None:
    made = Made(50, 64)
    vectors = made.embed([str(document.question) for document in made.documents])
    asked = made.embed([made.question(7)])
    assert np.linalg.norm(np.concatenate([vectors, asked]), axis=1) == pytest.approx(1, abs=1e-5)
    assert (vectors @ asked[0]).argmax() == 7


def test_an_index_finds_what_was_asked_for_and_its_cost_is_told() -> None:
    told = measure(answers=200, questions=20, width=64)
    assert told["found_share"] == 1.0
    assert told["query_p99_seconds"] >= told["query_p50_seconds"] > 0
    assert told["build_seconds"] > 0


def test_both_clocks_tell_the_same() -> None:
    clocks = [
        made([("news", 0), ("news", 1)], idle_seconds=30, max_skew=9, started=0) for made in (Watermark, OneByOne)
    ]
    for step, partition in enumerate([0, 1, 1, 0, 1, 0, 0, 1]):
        for clock in clocks:
            clock.update("news", partition, float(step), caught_up=False, idle=False, heard=float(step))
        assert clocks[0].value(step) == clocks[1].value(step)
    assert clocks[0].value(7) == 6


def test_the_tables_tell_what_was_measured_and_nothing_of_what_was_not() -> None:
    clock = measure_clock([4, 8], 200)
    run = {"workers": 2, "messages_per_second": 300.0, "share_of_waits": 0.9, "machine_busy": 0.5}
    more = run | {"workers": 4, "messages_per_second": 450.0}
    content = tables({"partitions": clock, "workers": {"seconds_per_text": 0.0017, "runs": [run, more]}})
    assert "| 8 |" in content
    assert "1.70 ms" in content
    assert "| 4 | 450 | 3.00 | 90% | 50% |" in content
    assert "subjects" not in content


def test_all_four_parts_make_one_picture(tmp_path: Path) -> None:
    subjects = [
        {"subjects": count, "signals_per_second": 2e4, "signals_per_second_with_checkpoints": 1e4}
        for count in (10, 1_000)
    ]
    answers = [measure(answers=count, questions=5, width=16) for count in (20, 40)]
    workers = {"seconds_per_text": 0.001, "runs": [{"workers": 1, "messages_per_second": 90.0}]}
    figures = {"subjects": subjects, "answers": answers, "partitions": measure_clock([4, 8], 100), "workers": workers}
    plot(tmp_path / "growth.png", figures)
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")

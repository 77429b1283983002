"""From what a soak left behind to its figures, and back from its folder."""

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks.support.machine import describe_machine
from benchmarks.support.soak.folder import Done, FolderError, Messages, Phase, Run, Sample, SoakFolder
from benchmarks.support.soak.plot import plot
from benchmarks.support.soak.summary import summarise
from benchmarks.support.soak.tables import tables

BEGIN = 1_790_000_000.0
HOUR = 3600.0
MIB = 1 << 20
RATE = 2
STEADY = round(RATE * HOUR)
OVERLOAD = 600
DRAINED = BEGIN + HOUR + 130


def run(**changes: Phase | None) -> Run:
    made = Run(
        machine=asdict(describe_machine()), hours=1.0, rate_share=0.7, cores=None, model="encoder:1",
        messages_per_second=3.0,
        steady=Phase(
            0, RATE, BEGIN, BEGIN + HOUR, messages=STEADY, sent_per_second=2.0, drained=BEGIN + HOUR + 5
        ),
        overload=Phase(
            STEADY, 9.0, BEGIN + HOUR + 10, BEGIN + HOUR + 70, messages=OVERLOAD, sent_per_second=9.0, drained=DRAINED
        ),
    )  # fmt: skip
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def samples(*, mib_per_hour: float = 0.0) -> list[Sample]:
    """Both workers hold more while a version is new; the second grows."""
    found = []
    for at in np.arange(0, HOUR + 140, 5.0).tolist():
        swing = 50 * MIB if at % 360 < 120 else 0
        first, second = 300 * MIB + swing, 300 * MIB + swing + round(mib_per_hour * MIB * at / HOUR)
        lag = 40 if at < HOUR else round(max(0.0, 400 - abs(at - HOUR - 70) * 7))
        found.append(Sample(BEGIN + at, {"worker-1": first, "worker-2": second}, 1_000 + lag, 1_000, 3))
    return found


def messages(late_from: float = math.inf) -> Messages:
    """One each half second, answered after a tenth of one, and after a whole one from some moment on."""
    sent = np.concatenate([BEGIN + np.arange(STEADY) / RATE, BEGIN + HOUR + 10 + np.arange(OVERLOAD) / 10])
    took = np.where(sent - BEGIN >= late_from, 1.0, 0.1)
    return Messages(sent, sent + took, np.ones(len(sent), np.int32), 0, 0, 0)


ACTS = [
    Done("swap", BEGIN + 30, BEGIN + 45, "done", "version 2", 12.0),
    Done("swap", BEGIN + 400, BEGIN + 580, "failed", "version 3: 1 workers took it up"),
    Done("rebalance", BEGIN + 600, BEGIN + 670, "done", "killed", None, is_kill=True),
    Done("rebalance", BEGIN + 900, BEGIN + 970, "failed", "not ready", None, is_kill=True),
    Done("retraining", BEGIN + 1_000, BEGIN + 1_200, "done", "rejected: too few"),
]


def test_nothing_happens_and_that_is_what_is_told() -> None:
    figures = summarise(run(), samples(), ACTS, messages())
    assert (figures["hours"], figures["messages"], figures["missing"], figures["duplicates"]) == (1.0, STEADY, 0, 0)
    assert figures["rss_ratio"] == pytest.approx(1.0)
    assert figures["p99_ratio"] == pytest.approx(1.0)
    assert figures["latency_p99_seconds"] == pytest.approx(0.1, abs=1e-4)
    assert len(figures["latency_p99_seconds_of_minutes"]) == 60
    assert figures["rss_mib_per_hour"].keys() == {"all", "worker-1", "worker-2"}
    assert all(slope["slope"] == pytest.approx(0, abs=1e-6) for slope in figures["rss_mib_per_hour"].values())
    assert figures["rss_max_bytes"] == 350 * MIB
    assert figures["lag"]["max"] == 40
    assert figures["lag"]["seconds_to_none_after_end"] == pytest.approx(5)


def test_a_leak_is_told_with_its_size_and_whose_it_is() -> None:
    figures = summarise(run(), samples(mib_per_hour=60.0), ACTS, messages())
    slopes = figures["rss_mib_per_hour"]
    assert slopes["worker-2"]["slope"] == pytest.approx(60, rel=0.01)
    assert slopes["worker-2"]["low"] > 55
    assert slopes["worker-1"]["slope"] == pytest.approx(0, abs=1e-6)
    # 48 MiB between the middles of the second tenth and the last, on 633 + 9.
    assert figures["rss_ratio"] == pytest.approx(1 + 48 / 642, abs=0.003)


def test_answers_that_become_later_are_told() -> None:
    assert summarise(run(), samples(), ACTS, messages(late_from=3_000))["p99_ratio"] == pytest.approx(10)
    # What came late only while the run warmed up, or only in its middle, does not count.
    early = messages()
    early.answered[: RATE * 200] += 5
    early.answered[RATE * 1_500 : RATE * 1_600] += 5
    assert summarise(run(), samples(), ACTS, early)["p99_ratio"] == pytest.approx(1.0)


def test_each_message_is_accounted_for_in_its_own_phase() -> None:
    found = messages()
    found.outputs[[3, 4]] = 0
    found.answered[[3, 4]] = np.nan
    found.outputs[5] = 3
    found.sent[6], found.outputs[6], found.answered[6] = np.nan, 0, np.nan
    found.outputs[STEADY + 1] = 0
    found.outputs[STEADY + 2] = 2
    figures = summarise(run(), samples(), ACTS, found._replace(strangers=2, resent=1, buried=4))
    assert (figures["missing"], figures["duplicates"], figures["unsent"]) == (2, 2, 1)
    assert figures["messages"] == STEADY - 1
    assert (figures["strangers"], figures["resent"], figures["dead_letters"]) == (2, 1, 4)
    assert (figures["overload"]["missing"], figures["overload"]["duplicates"]) == (1, 1)


def test_the_overload_is_told_by_what_was_really_sent() -> None:
    overload = summarise(run(), samples(), ACTS, messages())["overload"]
    assert overload["times_of_most"] == 3.0
    assert overload["lag_max"] == 400
    assert overload["lag_at_end"] == 400
    assert overload["drain_seconds"] == pytest.approx(60)
    assert overload["drain_seconds_expected"] == pytest.approx(400 / 3)
    assert overload["rss_max_ratio"] == pytest.approx(1.0)


def test_a_lag_that_never_goes_is_told_as_such() -> None:
    undrained = run()
    assert undrained.overload is not None
    undrained.overload.drained = None
    figures = summarise(undrained, samples(), ACTS, messages())
    assert figures["overload"]["drain_seconds"] is None
    assert "| until there was no lag | never" in tables(figures)


def test_acts_are_counted_by_what_became_of_them() -> None:
    acts = summarise(run(), samples(), ACTS, messages())["acts"]
    assert acts["swap"] == {"done": 1, "failed": 1}
    assert acts["killed"] == 1
    assert acts["swap_seconds_median"] == 12.0
    assert acts["retraining_seconds"] == [200]
    assert "retraining: rejected: too few" in acts["details"]


def test_a_sample_without_a_worker_or_a_lag_is_no_memory_given_back() -> None:
    holed = samples()
    for place in range(20, 700, 50):
        holed[place] = Sample(holed[place].time, {"worker-1": 300 * MIB})
    assert summarise(run(), holed, ACTS, messages())["rss_ratio"] == pytest.approx(1.0, abs=0.01)


def test_there_is_nothing_to_tell_of_a_run_that_did_not_come_so_far() -> None:
    with pytest.raises(ValueError, match="not over"):
        summarise(run(steady=None), samples(), ACTS, messages())


def test_a_report_is_made_anew_from_the_folder(tmp_path: Path) -> None:
    folder = SoakFolder(tmp_path)
    for what in (*samples(), *ACTS):
        folder.add(what)
    folder.keep_run(run())
    folder.keep_messages(messages())
    again = summarise(folder.run(), folder.samples(), folder.acts(), folder.messages())
    assert again == summarise(run(), samples(), ACTS, messages())
    assert "| messages | 7,200 |" in tables(again)
    plot(tmp_path / "soak.png", folder.run(), folder.samples(), folder.acts(), folder.messages())
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"messages\.npz"):
        SoakFolder(tmp_path).messages()
    assert SoakFolder(tmp_path).acts() == []

"""What surge detection costs without Kafka, in a process of its own: signals a second, memory and state of a subject.

Signals are made outside the measured time. Most of them are about few subjects (Zipf), as in any stream.
"""

from __future__ import annotations

import argparse
import gc
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import psutil

from benchmarks.support.rooms import tell
from benchmarks.support.surge.traffic import MONDAY, WINDOW_SECONDS
from streams.contract.settings import SurgeSettings
from streams.contract.signals import Signal
from streams.logic.surge.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from streams.contract.records import Sentiment

_SEED = 7
_CHUNK = 4096
_SENTIMENTS: Final[tuple[Sentiment, ...]] = ("negative", "neutral", "positive")
_TEXT = "A made message of about the length of a post, as it stands in a signal that can be evidence of a surge. "
_SPAN_SECONDS = 2 * 3600
_LATENESS_SECONDS = SurgeSettings().allowed_lateness_seconds


def measure(subjects: int, signals: int) -> dict[str, Any]:
    """Two hours of signals through one Desk.

    Args:
        subjects: How many; each is heard of at least once.
        signals: How many in all.

    Returns:
        Rates, seconds of one core by part, and bytes a subject.
    """
    settings = SurgeSettings(max_subjects=max(SurgeSettings().max_subjects, subjects))
    desk = Desk(settings, domain="finance", signals_topic="signals", partition=0, partitions=1)
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    seconds = dict.fromkeys(("observe", "advance", "checkpoint"), 0.0)
    sizes: dict[str, int] = {}
    written = 0
    now = MONDAY * WINDOW_SECONDS + _SPAN_SECONDS
    chunks = _chunks(np.random.default_rng(_SEED), subjects, signals)
    for chunk in chunks:
        started = time.process_time()
        for signal in chunk:
            desk.observe(signal, signal.time.timestamp())
        observed = time.process_time()
        desk.advance(chunk[-1].time.timestamp() - _LATENESS_SECONDS, float(now))
        advanced = time.process_time()
        states = desk.dirty()
        seconds["checkpoint"] += time.process_time() - advanced
        seconds["observe"] += observed - started
        seconds["advance"] += advanced - observed
        found = {key: len(state) for key, state in states if state is not None}
        written += sum(found.values())
        sizes |= found
    gc.collect()
    after = process.memory_info().rss
    states_of_subjects = [size for key, size in sizes.items() if key]
    return {
        "subjects": desk.subjects,
        "signals": signals,
        "signals_per_second": signals / (seconds["observe"] + seconds["advance"]),
        "signals_per_second_with_checkpoints": signals / sum(seconds.values()),
        "seconds": seconds,
        "memory_bytes_per_subject": (after - before) / desk.subjects,
        "state_bytes_mean": float(np.mean(states_of_subjects)),
        "state_bytes_greatest": max(states_of_subjects),
        "state_bytes_per_signal": written / signals,
    }


def _chunks(rng: np.random.Generator, subjects: int, signals: int) -> Iterator[list[Signal]]:
    weight = 1 / np.arange(10, subjects + 10)
    drawn = rng.choice(subjects, signals, p=weight / weight.sum())
    drawn[rng.permutation(signals)[:subjects]] = np.arange(subjects)
    for begin in range(0, signals, _CHUNK):
        yield list(_signals(rng, drawn[begin : begin + _CHUNK], begin, signals))


def _signals(rng: np.random.Generator, subjects: NDArray[np.int64], begin: int, signals: int) -> Iterator[Signal]:
    sentiments = rng.choice(3, len(subjects), p=(0.35, 0.45, 0.2))
    for offset, (subject, sentiment) in enumerate(zip(subjects.tolist(), sentiments.tolist(), strict=True), begin):
        moment = MONDAY * WINDOW_SECONDS + _SPAN_SECONDS * offset / signals
        yield Signal(
            id=f"signal-{offset}",
            subject=f"entity/made{subject:06}",
            message_id=f"message-{offset}",
            time=datetime.fromtimestamp(moment, UTC),
            sentiment=_SENTIMENTS[sentiment],
            score=0.9,
            source=f"source-{subject % 7}",
            kind="social",
            topic="social",
            partition=offset % 4,
            offset=offset // 4,
            watermark=moment - _LATENESS_SECONDS,
            model="encoder@1",
            fingerprint=f"{offset:016x}",
            name="Made",
            text=_TEXT,
        )


def main() -> None:
    """Run as a room of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, required=True)
    parser.add_argument("--signals", type=int, required=True)
    given = parser.parse_args()
    tell(measure(given.subjects, given.signals))


if __name__ == "__main__":
    main()

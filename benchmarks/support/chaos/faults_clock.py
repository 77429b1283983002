"""Clocks that jump: messages dated far ahead and far back, by themselves and by their producer's clock."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

from benchmarks.support.chaos.feed import Sent, plain
from benchmarks.support.chaos.trial import READING_ALONE, Bench, Fault, Found, Trial
from streams.brokers.reading import read_all
from streams.contract.topics import trends_topic

_MESSAGES = 1200
_WINDOW_SECONDS = 10
_SURGE = {
    "TOCSIN_SURGE__ENABLED": "true",
    "TOCSIN_SURGE__WINDOW_SECONDS": str(_WINDOW_SECONDS),
    "TOCSIN_SURGE__ALLOWED_LATENESS_SECONDS": "2",
    "TOCSIN_SURGE__IDLE_SECONDS": "3",
}


def jumps(bench: Bench) -> Found:
    """Two messages in five bear a wrong time, of four kinds."""
    with Trial(bench, bench.versions.served, READING_ALONE | _SURGE) as trial:
        trial.crew.add()
        trial.crew.wait_until_ready()
        began = time.time()
        with trial.feed(make=_misdated) as feed:
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
        settings = trial.stream.settings
        ends = [
            datetime.fromisoformat(json.loads(record.value)["end"]).timestamp()
            for record in read_all(settings, trends_topic(settings.topics))
        ]
    live = [end for end in ends if end >= began]
    found.require(bool(live), "no window of now was closed: the clock of surge detection stood still")
    ahead = max(ends, default=0.0) - time.time()
    found.require(ahead <= _WINDOW_SECONDS, f"a window {ahead:.0f} s ahead of now was closed")
    found.require(not trial.crew.exits, f"a worker ended with {trial.crew.exits}")
    found.seen = f"{len(live)} trends of windows of now, none of a window still to come"
    return found


def _misdated(number: int) -> Sent:
    sent, now = plain(number), datetime.now(UTC)
    match number % 10:
        case 1:
            return sent._replace(time=now + timedelta(days=27_000))
        case 3:
            return sent._replace(time=now - timedelta(days=20_000))
        case 5:
            # As far as a broker lets a producer's clock be ahead, and a little less.
            return sent._replace(kafka_time=time.time() + 3000)
        case 7:
            return sent._replace(kafka_time=time.time() - 86_400)
        case _:
            return sent


FAULTS = (
    Fault(
        "clock-jumps",
        "messages dated wrongly are read like all others, and move the clock of surge detection neither ahead nor back",
        "trial: far future, far past, and a producer's clock 50 min ahead or a day behind; tests of the watermark "
        "(tests/logic/test_watermark.py). The workers' own clocks are not moved",
        jumps,
    ),
)

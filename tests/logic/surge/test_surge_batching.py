from __future__ import annotations

import random
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from support.properties import quick
from support.surge import MONDAY, WINDOW, Feed, make_desk

from streams.contract.alerts import Alert, Trend
from streams.contract.settings import SurgeSettings

if TYPE_CHECKING:
    from streams.contract.signals import Signal
    from streams.logic.surge.desk import Desk

SETTINGS = SurgeSettings(warm_up_hours=2.0, forget_hours=1.0)
SUBJECTS = ("entity/birk", "entity/larkmoor", "topic/fraud")


@cache
def life() -> tuple[Signal, ...]:
    """Six hours of three subjects, a little out of order, with copies, repetitions, a silence and a surge."""
    noise = random.Random(7)
    feed = Feed(make_desk())
    signals = []
    for at in range(72):
        for subject in SUBJECTS:
            if subject == "topic/fraud" and 30 <= at < 55:
                continue
            loud = subject == "entity/larkmoor" and 50 <= at < 56
            for _ in range(noise.randrange(20, 30) if loud else noise.randrange(6)):
                time = MONDAY + at + noise.random()
                more = {"fingerprint": f"story {noise.randrange(4)}"} if noise.random() < 0.1 else {}
                sentiment = "negative" if loud or noise.random() < 0.3 else "neutral"
                signals.append(feed.signal(time, sentiment, subject, **more))
                if noise.random() < 0.05:
                    signals.append(noise.choice(signals))
    return tuple(signals)


def run(cuts: list[int], *, restart: bool = False) -> list[Alert | Trend]:
    """Everything in batches; what came by then is closed after each, as far as nothing earlier can come."""
    signals, records = life(), []
    desk = make_desk(SETTINGS)
    states: dict[str, bytes | None] = {}
    edges = sorted({0, len(signals), *(cut % len(signals) for cut in cuts)})
    for first, end in pairwise(edges):
        for at in range(first, end):
            desk.observe(signals[at], signals[at].time.timestamp())
        rest = [signal.time.timestamp() for signal in signals[end:] if signal.offset > signals[end - 1].offset]
        watermark = min(rest, default=(MONDAY + 100) * WINDOW)
        records += desk.advance(watermark, (MONDAY + 2_000) * WINDOW)
        if restart:
            states |= dict(desk.dirty())
            desk = restored(states)
    return [without_past(record) for record in records]


def restored(states: dict[str, bytes | None]) -> Desk:
    desk = make_desk(SETTINGS)
    for key, state in states.items():
        if state is not None:
            desk.restore(key, state)
    return desk


def without_past(record: Alert | Trend) -> Alert | Trend:
    """Whether something was over when it was found does hang on when one looked."""
    if isinstance(record, Alert):
        return Alert(**{name: getattr(record, name) for name in record.__struct_fields__} | {"past": False})
    return record


@cache
def at_once() -> list[Alert | Trend]:
    return run([])


def test_the_life_has_what_it_is_to_have() -> None:
    statuses = [record.status for record in at_once() if isinstance(record, Alert)]
    assert statuses[0] == "firing"
    assert statuses[-1] == "resolved"
    assert len(at_once()) > 150


@settings(quick, max_examples=20)
@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_the_same_signals_tell_the_same_however_they_are_batched(cuts: list[int]) -> None:
    assert run(cuts) == at_once()


@settings(quick, max_examples=20)
@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_nor_does_it_matter_where_a_worker_was_restarted(cuts: list[int]) -> None:
    assert run(cuts, restart=True) == at_once()

"""Verdicts of a desk on its alarms, given and taken back, whoever has the desk's partition in memory then."""

from __future__ import annotations

from functools import cache

import pytest
from support.talk import HOUR, MONDAY, Said, Stream, live, week

from streams.contract.alerts import Alert, Verdict
from streams.contract.settings import Settings, SurgeSettings

SETTINGS = Settings(surge=SurgeSettings(warm_up_hours=12.0))


@cache
def told() -> tuple[list[Said], list[Said]]:
    """The week up to the midst of its surge, and what comes then."""
    said = week()
    half = next(number for number, each in enumerate(said) if each.time > MONDAY + (5 * 24 + 10.7) * HOUR)
    return said[:half], said[half : half + 50]


@pytest.fixture(scope="module")
def first() -> Stream:
    return live(Stream(SETTINGS), told()[0])


def verdict_on(alert: Alert) -> dict[str, Verdict]:
    verdict = Verdict(
        fingerprint=alert.fingerprint,
        subject=alert.labels["subject"],
        startsAt=alert.startsAt,
        verdict="false_alarm",
        time=alert.time,
        by="desk",
    )
    return {verdict.key: verdict}


def firing(stream: Stream) -> Alert:
    return next(found for found in stream.found if isinstance(found, Alert) and found.status == "firing")


def after(before: Stream, verdicts: dict[str, Verdict]) -> Stream:
    """A worker that takes over and goes on, while these verdicts hold."""
    stream = Stream(SETTINGS, [state for state in before.states.values() if state is not None])
    stream.clocks, stream._offsets, stream._offset, stream.now = (
        before.clocks,
        dict(before._offsets),
        before._offset,
        before.now,
    )
    stream.states = dict(before.states)
    stream.steering.verdicts = verdicts
    return live(stream, told()[1])


def new_verdicts(stream: Stream) -> int:
    return sum(findings.verdicts for findings in stream.findings)


def test_a_verdict_that_was_given_while_no_worker_ran_is_taken_in_and_counted_once(first: Stream) -> None:
    given = verdict_on(firing(first))
    second = after(first, given)
    assert new_verdicts(second) == 1
    assert new_verdicts(after(second, given)) == 0


def test_a_verdict_that_was_taken_back_while_no_worker_ran_holds_no_more(first: Stream) -> None:
    given = verdict_on(firing(first))
    third = after(after(first, given), {})
    # It would be none that is new if it still held.
    assert new_verdicts(after(third, given)) == 1


def test_a_verdict_that_is_taken_back_while_the_desk_is_watched_holds_no_more(first: Stream) -> None:
    given = verdict_on(firing(first))
    second = after(first, given)
    for verdicts in ({}, given):
        second.steering.verdicts = verdicts
        second.beat({})
        second.take_in()
    assert new_verdicts(second) == 2

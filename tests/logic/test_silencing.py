"""Silences mute what Alertmanager's would."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from streams.contract.alerts import Matcher, Silence
from streams.logic.silencing import check_matchers, is_in_force, mutes, parse_matcher, silencers

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LABELS = {"subject": "entity/larkmoor/topic/fraud", "entity": "larkmoor", "topic": "fraud", "severity": "red"}


def silence(*matchers: Matcher, id_: str = "s", hours: float = 2) -> Silence:
    return Silence(
        id=id_,
        matchers=list(matchers),
        startsAt=NOON,
        endsAt=NOON + timedelta(hours=hours),
        createdBy="ann",
        comment="",
    )


def test_in_force_from_its_start_until_just_before_its_end() -> None:
    one = silence(parse_matcher("entity=larkmoor"), hours=1)
    moments = [timedelta(seconds=-1), timedelta(0), timedelta(hours=1, seconds=-1), timedelta(hours=1)]
    assert [is_in_force(one, NOON + moment) for moment in moments] == [False, True, True, False]
    assert silencers([one], LABELS, NOON) == ["s"]
    assert silencers([one], LABELS, NOON + timedelta(hours=1)) == []


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ("entity=larkmoor", True),
        ('entity="larkmoor"', True),
        ("entity=lark", False),
        ("entity!=larkmoor", False),
        ("entity!=other", True),
        ("entity=~lark.*", True),
        ("entity=~lark", False),  # anchored at both ends
        ("entity=~arkmoor", False),
        ("entity=~other|lark.+", True),
        ("entity!~lark.*", False),
        ("entity!~other", True),
        ("domain=", True),  # a label that is not there is empty
        ("domain!=", False),
        ("domain=~.+", False),
        (" topic = fraud ", True),
    ],
)
def test_one_matcher(matcher: str, *, expected: bool) -> None:
    assert mutes(silence(parse_matcher(matcher)), LABELS) is expected


def test_all_matchers_must_match_and_every_silence_that_mutes_is_told() -> None:
    entity, topic, other = map(parse_matcher, ("entity=larkmoor", "topic=fraud", "topic=outage"))
    assert mutes(silence(entity, topic), LABELS)
    assert not mutes(silence(entity, other), LABELS)
    several = [silence(topic, id_="b"), silence(other, id_="c"), silence(entity, id_="a")]
    assert silencers(several, LABELS, NOON) == ["a", "b"]


def test_quotes_are_kept_where_they_do_not_enclose() -> None:
    assert parse_matcher('entity=a"b').value == 'a"b'
    assert parse_matcher('entity="').value == '"'
    assert parse_matcher("entity=~a=~b").value == "a=~b"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("larkmoor", "no matcher"),
        ("=larkmoor", "no matcher"),
        ("9a=b", "no matcher"),
        ("entiyt=larkmoor", "no alert has a label entiyt"),
        ("entity=~(", "unclosed group"),
        ("entity=~a)|(b", "cannot be read"),
        ("entity=~(?=a)", "look-around"),
    ],
)
def test_what_is_no_matcher_is_told(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_matcher(text)


@pytest.mark.parametrize("all_of", [["topic!=fraud"], ["entity=~.*"], ["entity=", "topic!~a"]])
def test_a_silence_of_everything_is_refused(all_of: list[str]) -> None:
    with pytest.raises(ValueError, match="every alert"):
        check_matchers(map(parse_matcher, all_of))


def test_one_matcher_that_asks_for_something_is_enough() -> None:
    check_matchers(map(parse_matcher, ["topic!=fraud", "severity=yellow"]))


def test_a_pattern_that_holds_a_backtracking_engine_for_ever_takes_no_time() -> None:
    one = silence(parse_matcher("entity=~(a+)+x"))
    began = time.perf_counter()
    assert not mutes(one, {"entity": "a" * 80})
    assert time.perf_counter() - began < 1.0


def test_a_pattern_that_somebody_else_wrote_and_that_cannot_be_read_mutes_nothing() -> None:
    assert not mutes(silence(Matcher(name="entity", value="(", isRegex=True)), LABELS)
    assert not mutes(silence(Matcher(name="entity", value="(", isRegex=True, isEqual=False)), LABELS)

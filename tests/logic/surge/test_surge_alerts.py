from __future__ import annotations

from datetime import timedelta

import pytest
from support.surge import NOW, SUBJECT, WINDOW, Feed, alerts, calm, live, make_desk, moment, surge

from streams.contract.alerts import Verdict
from streams.contract.subjects import parse_subject


def test_a_surge_is_told_with_all_that_is_needed(feed: Feed) -> None:
    feed.desk.watch([SUBJECT])
    for at in range(18):
        feed.put(
            [
                feed.signal(
                    NOW + at / 18,
                    score=0.5 + at / 40,
                    source="tribune" if at % 3 else "wire",
                    entities=["corvane"] if at % 2 else ["corvane", "birk"],
                    model="encoder:7",
                )
            ]
        )
    feed.put(feed.window(NOW, 0, 6, model="encoder:7"))
    (alert,) = alerts(feed.advance(NOW + 1))
    subject = parse_subject(SUBJECT)
    assert (alert.status, alert.startsAt, alert.endsAt, alert.time) == (
        "firing",
        moment(NOW),
        None,
        moment(NOW + 1),
    )
    assert alert.labels == {
        "alertname": "NegativeSurge",
        "domain": "finance",
        "severity": alert.level,
        **subject.labels,
    }
    assert alert.watched
    assert not alert.past
    evidence = alert.evidence
    assert (evidence.window_start, evidence.window_end) == (moment(NOW), moment(NOW + 1))
    assert (evidence.observed, evidence.volume, evidence.share) == (18, 24, 0.75)
    assert evidence.expected == pytest.approx(1.5, rel=0.2)
    assert evidence.expected_share == pytest.approx(0.27, abs=0.05)
    assert 0.0 < evidence.p_value <= evidence.threshold < 0.01
    assert evidence.model == "encoder:7"
    assert evidence.duplicates == 0
    assert [message.score for message in evidence.messages] == pytest.approx([0.925, 0.9, 0.875, 0.85, 0.825])
    assert all(message.sentiment == "negative" for message in evidence.messages)
    assert evidence.sources == {"tribune": pytest.approx(12 / 18, abs=1e-4), "wire": pytest.approx(6 / 18, abs=1e-4)}
    assert evidence.entities == {"corvane": 1.0, "birk": 0.5}
    assert alert.annotations["summary"] == "larkmoor: 18 negative messages in 5 min, 1.5 expected"
    assert "\n" not in alert.annotations["summary"]


def test_evidence_is_of_the_kind_that_surges(feed: Feed) -> None:
    feed.put([feed.signal(NOW, "positive", text="Praise", score=1.0), feed.signal(NOW, text=None, score=1.0)])
    feed.put(feed.window(NOW, 15, 2))
    (alert,) = alerts(feed.advance(NOW + 1))
    assert {message.sentiment for message in alert.evidence.messages} == {"negative"}
    assert len(alert.evidence.messages) == 5
    assert len({message.text for message in alert.evidence.messages}) == 5


def test_many_sources_are_told_as_the_greatest_and_the_others(feed: Feed) -> None:
    for at in range(60):
        feed.put([feed.signal(NOW + at / 60, source=f"outlet {at}" if at % 2 else "gazette")])
    (alert,) = alerts(feed.advance(NOW + 1))
    assert len(alert.evidence.sources) <= 11
    assert next(iter(alert.evidence.sources)) in ("gazette", "(others)")
    assert sum(alert.evidence.sources.values()) == pytest.approx(1.0, abs=0.01)


def test_one_surge_is_one_alert_from_beginning_to_end(feed: Feed) -> None:
    told = alerts(surge(feed, NOW, 10) + calm(feed, NOW + 10, 30))
    assert [alert.status for alert in told].count("resolved") == 1
    assert told[0].status == "firing"
    assert told[-1].status == "resolved"
    assert len({alert.fingerprint for alert in told}) == 1
    assert len({alert.startsAt for alert in told}) == 1
    assert len({alert.id for alert in told}) == len(told)
    assert told[-1].endsAt == told[-1].time
    assert moment(NOW + 12) <= told[-1].time <= moment(NOW + 24)
    assert told[-1].annotations["summary"].startswith("larkmoor: over; it was ")
    assert told[-1].evidence == told[-2].evidence, "what is over is told with what it rang for"
    assert told[-1].evidence.messages
    assert feed.desk.firing == []


def test_a_level_rises_under_the_same_fingerprint(feed: Feed) -> None:
    told = alerts(surge(feed, NOW, 3, negative=8) + surge(feed, NOW + 3, 3, negative=60))
    levels = [alert.level for alert in told]
    assert levels[0] == "yellow"
    assert levels[-1] == "red"
    assert levels == sorted(set(levels), key=["yellow", "orange", "red"].index)
    assert len({alert.fingerprint for alert in told}) == 1
    assert [alert.labels["severity"] for alert in told] == levels
    assert feed.desk.firing == [told[-1]]


def test_silence_resolves(feed: Feed) -> None:
    begun = alerts(surge(feed, NOW, 2))
    assert begun[0].status == "firing"
    (over,) = alerts(feed.advance(NOW + 100))
    assert over.status == "resolved"
    assert over.time <= moment(NOW + 20)
    assert not over.past


def test_what_was_over_when_it_was_found_is_past(feed: Feed) -> None:
    feed.put(feed.window(NOW, 20, 2))
    told = alerts(feed.advance(NOW + 100))
    assert [alert.status for alert in told][-1] == "resolved"
    assert all(alert.past for alert in told)


def test_what_lies_long_back_is_past_and_what_still_fires_is_not(feed: Feed) -> None:
    feed.put(feed.window(NOW, 20, 2))
    days_later = (NOW + 3 * 288) * WINDOW
    (alert,) = alerts(feed.desk.advance((NOW + 1) * WINDOW, days_later))
    assert alert.past
    assert feed.desk.firing[0].past
    feed.put(feed.window(NOW + 1, 20, 2))
    feed.desk.advance((NOW + 2) * WINDOW, (NOW + 2) * WINDOW)
    assert not feed.desk.firing[0].past


def test_an_alert_links_to_where_it_can_be_looked_at(feed: Feed) -> None:
    desk = make_desk(generator_url="https://desk.example/subjects/")
    own = Feed(desk)
    live(own)
    own.put(own.window(NOW, 30, 2))
    (alert,) = alerts(own.advance(NOW + 1))
    assert alert.generatorURL == "https://desk.example/subjects/entity/larkmoor"


def test_a_verdict_is_remembered_and_counts_once(feed: Feed) -> None:
    (alert,) = alerts(surge(feed, NOW, 1, negative=30))
    verdict = Verdict(
        fingerprint=alert.fingerprint,
        subject=SUBJECT,
        startsAt=alert.startsAt,
        verdict="false_alarm",
        time=alert.time,
        by="desk",
    )
    before = dict(feed.desk.dirty())[""]
    assert feed.desk.hold_to([verdict]) == 1
    after = dict(feed.desk.dirty())[""]
    assert after != before
    assert feed.desk.hold_to([verdict]) == 0
    assert feed.desk.dirty() == []
    assert feed.desk.hold_to([]) == 0, "taken back"
    assert dict(feed.desk.dirty())[""] == before


def test_a_verdict_on_an_earlier_alarm_does_not_fall_on_the_latest(feed: Feed) -> None:
    (alert,) = alerts(surge(feed, NOW, 1, negative=30))
    old = Verdict(
        fingerprint=alert.fingerprint,
        subject=SUBJECT,
        startsAt=alert.startsAt - timedelta(days=3),
        verdict="false_alarm",
        time=alert.time,
        by="desk",
    )
    feed.desk.dirty()
    assert feed.desk.hold_to([old]) == 0
    assert feed.desk.dirty() == []

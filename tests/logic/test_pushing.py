"""What Alertmanager is told of an alert, over its whole life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.alerts import NOON, make_alert

from streams.logic.pushing import Outbox, Posting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.contract.alerts import Alert, Level, Status

RESEND = 60.0
NOW = (NOON + timedelta(minutes=12)).timestamp()


class Desk:
    """An outbox whose Alertmanager answers at once, and a switch that silences all."""

    def __init__(self, most: int = 100) -> None:
        self.silenced: set[str] = set()
        self.outbox = Outbox(RESEND, self._is_silenced, most)

    def _is_silenced(self, labels: Mapping[str, str]) -> bool:
        return labels["severity"] in self.silenced

    def tell(self, *alerts: Alert, now: float = NOW) -> Desk:
        for alert in alerts:
            assert self.outbox.tell(alert, now)
        return self

    def pushed(self, now: float = NOW) -> list[Posting]:
        due = self.outbox.take_due(now)
        self.outbox.told(due, now)
        return due

    def statuses(self, now: float = NOW) -> list[tuple[Level, Status]]:
        postings = self.pushed(now)
        for posting in postings:
            # What Alertmanager goes by.
            assert posting.fires == (posting.ends_at.timestamp() > now)
            assert posting.ends_at >= posting.alert.startsAt
            assert posting.labels["severity"] == posting.alert.level
        return [(posting.alert.level, "firing" if posting.fires else "resolved") for posting in postings]


YELLOW, ORANGE, RED = (make_alert(level=level) for level in ("yellow", "orange", "red"))
OVER = make_alert(level="yellow", status="resolved")


def test_what_fires_is_told_at_once_and_then_again_and_again() -> None:
    desk = Desk().tell(YELLOW)
    (posting,) = desk.pushed()
    assert posting.ends_at == datetime.fromtimestamp(NOW + 4 * RESEND, UTC)
    told = [second for second in range(1, 200) if desk.pushed(NOW + second)]
    assert told == [60, 120, 180]


def test_what_was_not_heard_is_still_to_be_told() -> None:
    desk = Desk().tell(YELLOW)
    assert len(desk.outbox.take_due(NOW)) == len(desk.outbox.take_due(NOW + 1)) == 1


def test_an_alert_told_twice_is_pushed_once() -> None:
    desk = Desk().tell(YELLOW)
    assert desk.statuses() == [("yellow", "firing")]
    assert desk.tell(YELLOW).statuses(NOW + 1) == []


def test_the_end_is_told_for_a_quarter_of_an_hour_and_forgotten() -> None:
    desk = Desk().tell(YELLOW)
    desk.pushed()
    now = (NOON + timedelta(minutes=40)).timestamp()
    desk.tell(OVER, now=now)
    (posting,) = desk.pushed(now)
    assert (posting.fires, posting.ends_at) == (False, OVER.endsAt)
    times = [minute for minute in range(1, 30) if desk.pushed(now + 60 * minute)]
    assert times == list(range(1, 16))
    assert len(desk.outbox) == 0


def test_a_stronger_level_is_another_alert_and_ends_the_weaker_one() -> None:
    desk = Desk().tell(YELLOW)
    desk.pushed()
    desk.tell(ORANGE)
    assert sorted(desk.statuses()) == [("orange", "firing"), ("yellow", "resolved")]
    desk.tell(RED, now=NOW + 1)
    assert sorted(desk.statuses(NOW + 1)) == [("orange", "resolved"), ("red", "firing")]
    desk.tell(make_alert(level="red", status="resolved"), now=NOW + 2)
    assert desk.statuses(NOW + 2) == [("red", "resolved")]


def test_a_level_that_was_never_pushed_is_not_taken_back() -> None:
    assert Desk().tell(YELLOW, ORANGE).statuses() == [("orange", "firing")]
    assert Desk().tell(YELLOW, OVER).statuses() == []
    assert Desk().tell(OVER).statuses() == []


def test_an_end_after_an_answer_that_was_lost_is_told() -> None:
    desk = Desk().tell(YELLOW)
    desk.outbox.take_due(NOW)
    assert desk.tell(OVER).statuses() == [("yellow", "resolved")]


def test_an_answer_to_what_has_changed_meanwhile_does_not_count() -> None:
    desk = Desk().tell(YELLOW)
    firing = desk.outbox.take_due(NOW)
    desk.tell(OVER)
    desk.outbox.told(firing, NOW)
    assert desk.statuses() == [("yellow", "resolved")]


def test_it_fires_again_soon_after_its_end() -> None:
    desk = Desk().tell(YELLOW)
    desk.pushed()
    desk.tell(OVER)
    desk.pushed()
    again = make_alert(starts=NOON + timedelta(minutes=11))
    (posting,) = desk.tell(again).pushed()
    assert (posting.fires, posting.alert.startsAt) == (True, again.startsAt)


def test_an_end_that_was_not_heard_is_told_by_the_next_though_that_was_never_pushed() -> None:
    desk = Desk().tell(YELLOW)
    desk.pushed()
    desk.tell(OVER)
    desk.outbox.take_due(NOW)  # no answer came
    desk.tell(make_alert(starts=NOON + timedelta(minutes=11)), OVER)
    assert desk.statuses() == [("yellow", "resolved")]


def test_after_an_end_that_was_heard_what_was_never_pushed_is_not_taken_back() -> None:
    desk = Desk().tell(YELLOW)
    desk.pushed()
    desk.tell(OVER)
    desk.pushed()
    desk.tell(make_alert(starts=NOON + timedelta(minutes=11)), OVER)
    assert desk.statuses() == []


@pytest.mark.parametrize("ends", [NOON - timedelta(hours=1), datetime.fromtimestamp(NOW + 999, UTC)])
def test_an_end_lies_between_the_start_and_now(ends: datetime) -> None:
    desk = Desk().tell(YELLOW)
    desk.pushed()
    desk.tell(make_alert(status="resolved", endsAt=ends))
    assert desk.statuses() == [("yellow", "resolved")]


def test_history_is_not_pushed_but_ends_what_was() -> None:
    assert Desk().tell(make_alert(past=True)).statuses() == []
    desk = Desk().tell(YELLOW)
    desk.pushed()
    assert desk.tell(make_alert(status="resolved", past=True)).statuses() == [("yellow", "resolved")]


def test_what_is_silenced_is_pushed_when_the_silence_is_over_and_it_still_fires() -> None:
    desk = Desk().tell(YELLOW)
    desk.silenced.add("yellow")
    assert desk.statuses() == []
    desk.silenced.clear()
    assert desk.statuses(NOW + 300) == [("yellow", "firing")]


def test_a_silence_that_comes_while_it_fires_stops_the_telling_again_but_not_the_end() -> None:
    desk = Desk().tell(YELLOW)
    desk.pushed()
    desk.silenced.add("yellow")
    assert desk.statuses(NOW + 61) == []
    assert desk.tell(OVER).statuses(NOW + 62) == [("yellow", "resolved")]


def test_a_silence_of_one_level_lets_a_stronger_one_through() -> None:
    desk = Desk()
    desk.silenced.add("yellow")
    assert desk.tell(YELLOW).statuses() == []
    assert desk.tell(RED).statuses() == [("red", "firing")]


def test_what_is_restored_is_told_again_and_its_end_too() -> None:
    desk = Desk()
    desk.outbox.restore([YELLOW, make_alert("topic/fraud", past=True)])
    assert desk.tell(OVER).statuses() == [("yellow", "resolved")]
    desk = Desk()
    desk.outbox.restore([YELLOW])
    assert desk.statuses() == [("yellow", "firing")]


def test_what_is_released_is_forgotten_without_a_word() -> None:
    desk = Desk().tell(YELLOW, make_alert("topic/fraud"))
    desk.pushed()
    desk.outbox.release([YELLOW.fingerprint])
    assert [posting.alert.labels["subject"] for posting in desk.pushed(NOW + 61)] == ["topic/fraud"]
    assert desk.tell(OVER).statuses(NOW + 62) == []


def test_room_is_made_of_what_is_over_and_of_nothing_that_fires() -> None:
    desk = Desk(most=2).tell(YELLOW, make_alert("topic/fraud"))
    desk.pushed()
    assert not desk.outbox.tell(make_alert("topic/outage"), NOW)
    desk.tell(OVER)
    assert desk.outbox.tell(make_alert("topic/outage"), NOW)
    assert len(desk.outbox) == 2
    assert [posting.alert.labels["subject"] for posting in desk.pushed()] == ["topic/outage"]
    # A stronger level takes the weaker one's place.
    assert desk.outbox.tell(make_alert("topic/fraud", level="red"), NOW)
    assert len(desk.outbox) == 2

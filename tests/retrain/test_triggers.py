"""What calls for a run, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from retrain.triggers import Demand, Seen
from streams.contract.model_records import RetrainRequest
from streams.contract.model_settings import RetrainSettings
from streams.contract.settings import Settings

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    return Settings(retrain=RetrainSettings(min_new_labels=3, misfire_grace_seconds=3600))


def request(by: str = "ann", *, model: str = "encoder", minutes_ago: float = 0, reason: str = "") -> RetrainRequest:
    return RetrainRequest(id=f"of-{by}", model=model, time=NOW - timedelta(minutes=minutes_ago), by=by, reason=reason)


def test_nothing_calls_for_nothing(settings: Settings) -> None:
    assert Demand(settings, Seen()).due(NOW) is None


def test_a_request_calls_once(settings: Settings) -> None:
    demand = Demand(settings, Seen())
    demand.add_request(request(), 0, 0, NOW)
    assert demand.due(NOW) == request()
    demand.begin()
    assert demand.due(NOW) is None


def test_a_request_that_was_seen_before_is_old(settings: Settings) -> None:
    demand = Demand(settings, Seen(requests={0: 5}))
    demand.add_request(request(), 0, 4, NOW)
    assert demand.due(NOW) is None
    demand.add_request(request(), 0, 5, NOW)
    assert demand.due(NOW) is not None


@pytest.mark.parametrize("asked", [request(model="other"), request(minutes_ago=61)])
def test_another_models_and_an_old_request_call_for_nothing(settings: Settings, asked: RetrainRequest) -> None:
    demand = Demand(settings, Seen())
    demand.add_request(asked, 0, 0, NOW)
    assert demand.due(NOW) is None


def test_drift_calls_where_it_may(settings: Settings) -> None:
    deaf = settings.model_copy(update={"retrain": settings.retrain.model_copy(update={"on_drift": False})})
    for given, calls in ((settings, True), (deaf, False)):
        demand = Demand(given, Seen())
        demand.add_request(request("drift"), 0, 0, NOW)
        assert (demand.due(NOW) is not None) is calls


def test_enough_new_labels_call(settings: Settings) -> None:
    demand = Demand(settings, Seen(labels={1: 10}))
    for offset in (8, 9, 10, 11):
        demand.add_label(1, offset)
    assert demand.new_labels == 2
    assert demand.due(NOW) is None
    demand.add_label(0, 0)
    due = demand.due(NOW)
    assert due is not None
    assert (due.by, due.reason) == ("labels", "3 labels are new")
    seen = demand.begin()
    assert seen.labels == {0: 1, 1: 12}
    assert demand.due(NOW) is None


def test_labels_read_again_count_once(settings: Settings) -> None:
    demand = Demand(settings, Seen())
    for offset in (0, 1, 0, 1, 0, 1):
        demand.add_label(0, offset)
    assert demand.new_labels == 2


def test_no_number_of_labels_calls_where_it_is_off(settings: Settings) -> None:
    off = settings.model_copy(update={"retrain": settings.retrain.model_copy(update={"min_new_labels": 0})})
    demand = Demand(off, Seen())
    for offset in range(1000):
        demand.add_label(0, offset)
    assert demand.due(NOW) is None


def test_all_that_calls_is_one_run(settings: Settings) -> None:
    demand = Demand(settings, Seen())
    demand.add_request(request("ann", reason="slang"), 0, 0, NOW)
    demand.add_request(request("bob"), 0, 1, NOW)
    demand.ask(request("cron", reason="the schedule"))
    due = demand.due(NOW)
    assert due is not None
    assert (due.id, due.by, due.reason) == ("of-ann", "ann, bob, cron", "slang; the schedule")
    demand.begin()
    assert demand.due(NOW) is None


def test_what_comes_during_a_run_calls_for_the_next(settings: Settings) -> None:
    demand = Demand(settings, Seen())
    demand.ask(request())
    demand.begin()
    demand.add_request(request("bob"), 0, 0, NOW)
    due = demand.due(NOW)
    assert due is not None
    assert due.by == "bob"

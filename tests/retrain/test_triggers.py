"""What calls for a run, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from retrain.learner import Learner
from retrain.triggers import Demand, Seen
from streams.contract.model_records import RetrainRequest
from streams.contract.model_settings import RetrainSettings
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from retrain.learner import Tell, Trains

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
WRITTEN = NOW.timestamp()


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    return Settings(retrain=RetrainSettings(min_new_labels=3, misfire_grace_seconds=3600))


def never(settings: Settings, tell: Tell) -> Trains:
    raise AssertionError("nothing is run here")


def demand_of(settings: Settings, seen: Seen, **options: Any) -> Demand:  # noqa: ANN401  fields of the learner
    rules = settings.retrain
    learner = Learner("encoder", settings, never, enough=rules.min_new_labels, on_drift=rules.on_drift)
    return Demand(replace(learner, **options), seen)


def request(by: str = "ann", *, model: str = "encoder", minutes_ago: float = 0, reason: str = "") -> RetrainRequest:
    return RetrainRequest(id=f"of-{by}", model=model, time=NOW - timedelta(minutes=minutes_ago), by=by, reason=reason)


def test_nothing_calls_for_nothing(settings: Settings) -> None:
    assert demand_of(settings, Seen()).due(NOW) is None


def test_a_request_calls_once(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    demand.add_request(request(), 0, 0, WRITTEN, NOW)
    assert demand.due(NOW) == request()
    demand.begin()
    assert demand.due(NOW) is None


def test_a_request_that_was_seen_before_is_old(settings: Settings) -> None:
    demand = demand_of(settings, Seen(requests={0: 5}))
    demand.add_request(request(), 0, 4, WRITTEN, NOW)
    assert demand.due(NOW) is None
    demand.add_request(request(), 0, 5, WRITTEN, NOW)
    assert demand.due(NOW) is not None


def after_a_restart(demand: Demand, settings: Settings) -> Demand:
    return demand_of(settings, msgspec.json.decode(msgspec.json.encode(demand.kept), type=Seen))


def test_a_drift_that_every_worker_tells_of_calls_once(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    for offset in range(3):
        demand.add_request(request("drift", reason=f"by worker {offset}"), 0, offset, WRITTEN, NOW)
    assert demand.due(NOW) == request("drift", reason="by worker 0")
    demand.begin()
    demand.add_request(request("drift"), 0, 3, WRITTEN, NOW)
    assert demand.due(NOW) is None
    again = after_a_restart(demand, settings)
    again.add_request(request("drift"), 0, 4, WRITTEN, NOW)
    assert again.due(NOW) is None
    again.add_request(request("bob"), 0, 5, WRITTEN, NOW)
    assert again.due(NOW) == request("bob")


def test_only_the_latest_ids_are_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.triggers._TAKEN", 3)
    demand = demand_of(settings, Seen())
    for number in range(5):
        demand.ask(request(str(number)))
        demand.begin()
    assert demand.kept.taken == ["of-2", "of-3", "of-4"]


def test_what_was_accepted_outlives_a_restart_however_long_the_run_before_it_takes(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    demand.add_request(request("bob"), 0, 0, WRITTEN, NOW)
    demand.ring(NOW)
    later = NOW + timedelta(hours=2)
    again = after_a_restart(demand, settings)
    again.add_request(request("bob"), 0, 0, WRITTEN, later)
    due = again.due(later)
    assert due is not None
    assert due.by == "bob, cron"
    again.begin()
    assert after_a_restart(again, settings).due(later) is None


@pytest.mark.parametrize("asked", [request(model="other"), request(minutes_ago=61)])
def test_another_models_and_an_old_request_call_for_nothing(settings: Settings, asked: RetrainRequest) -> None:
    demand = demand_of(settings, Seen())
    demand.add_request(asked, 0, 0, WRITTEN, NOW)
    assert demand.due(NOW) is None


def test_drift_calls_where_it_may(settings: Settings) -> None:
    deaf = settings.model_copy(update={"retrain": settings.retrain.model_copy(update={"on_drift": False})})
    for given, calls in ((settings, True), (deaf, False)):
        demand = demand_of(given, Seen())
        demand.add_request(request("drift"), 0, 0, WRITTEN, NOW)
        assert (demand.due(NOW) is not None) is calls


def test_enough_new_labels_call(settings: Settings) -> None:
    demand = demand_of(settings, Seen(learnt={1: 10}))
    for offset in (8, 9, 10, 11):
        demand.add_record(1, offset, WRITTEN)
    assert demand.new == 2
    assert demand.due(NOW) is None
    demand.add_record(0, 0, WRITTEN)
    due = demand.due(NOW)
    assert due is not None
    assert (due.by, due.reason) == ("labels", "3 labels are new")
    demand.begin()
    seen = demand.kept
    assert seen.learnt == {0: 1, 1: 12}
    assert demand.due(NOW) is None


def test_what_a_run_has_read_beyond_what_was_seen_when_it_began_is_not_new(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    for offset in range(3):
        demand.add_record(0, offset, WRITTEN)
    demand.begin()
    # An import goes on; the run reads to its end, which is not seen here yet.
    for offset in range(3, 8):
        demand.add_record(0, offset, WRITTEN + 1)
    for _ in range(2):
        demand.learn("run", {0: 10, 1: 4})
    assert demand.new == 0
    for offset in range(8, 12):
        demand.add_record(0, offset, WRITTEN + 2)
    assert demand.new == 2
    again = after_a_restart(demand, settings)
    for offset in range(12):
        again.add_record(0, offset, WRITTEN)
        again.add_record(1, offset % 5, WRITTEN)
    assert again.new == 3


def test_what_a_run_has_read_of_a_topic_says_nothing_of_one_that_was_made_anew(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    for offset in range(3):
        demand.add_record(0, offset, WRITTEN)
    demand.begin()
    demand.add_record(0, 0, WRITTEN + 60)
    demand.learn("run", {0: 10})
    demand.add_record(0, 1, WRITTEN + 61)
    assert demand.new == 2
    demand.begin()
    demand.learn("later", {0: 4})
    demand.add_record(0, 2, WRITTEN + 62)
    assert demand.new == 0
    demand.add_record(0, 0, WRITTEN + 120)
    assert demand.new == 1


def test_labels_read_again_count_once(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    for offset in (0, 1, 0, 1, 0, 1):
        demand.add_record(0, offset, WRITTEN)
    assert demand.new == 2


def test_no_number_of_labels_calls_where_it_is_off(settings: Settings) -> None:
    off = settings.model_copy(update={"retrain": settings.retrain.model_copy(update={"min_new_labels": 0})})
    demand = demand_of(off, Seen())
    for offset in range(1000):
        demand.add_record(0, offset, WRITTEN)
    assert demand.due(NOW) is None


def test_all_that_calls_is_one_run(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    demand.add_request(request("ann", reason="slang"), 0, 0, WRITTEN, NOW)
    demand.add_request(request("bob"), 0, 1, WRITTEN, NOW)
    demand.ask(request("cron", reason="the schedule"))
    due = demand.due(NOW)
    assert due is not None
    assert (due.id, due.by, due.reason) == ("of-ann", "ann, bob, cron", "slang; the schedule")
    demand.begin()
    assert demand.due(NOW) is None


def test_what_comes_during_a_run_calls_for_the_next(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    demand.ask(request())
    demand.begin()
    demand.add_request(request("bob"), 0, 0, WRITTEN, NOW)
    due = demand.due(NOW)
    assert due is not None
    assert due.by == "bob"


def test_a_large_topic_is_counted_by_how_far_it_reaches(settings: Settings) -> None:
    demand = demand_of(settings, Seen(learnt={0: 100}), enough=50, what="behaviors")
    demand.reach({0: (40, 130), 1: (5, 20)})
    assert demand.new == 30 + 15
    assert demand.due(NOW) is None
    # Seen from the beginning again: counted once, not twice.
    demand.reach({0: (40, 135), 1: (5, 20)})
    assert demand.new == 35 + 15
    due = demand.due(NOW)
    assert due is not None
    assert (due.by, due.reason) == ("behaviors", "50 behaviors are new")
    demand.begin()
    seen = demand.kept
    assert seen.learnt == {0: 135, 1: 20}
    demand.reach({0: (40, 136), 1: (25, 30)})
    assert demand.new == 1 + 5


def test_of_a_topic_that_was_made_anew_all_is_new(settings: Settings) -> None:
    demand = demand_of(settings, Seen(learnt={0: 100}))
    demand.reach({0: (0, 7)})
    assert demand.new == 7


def test_records_of_a_topic_that_was_made_anew_are_new(settings: Settings) -> None:
    before = demand_of(settings, Seen())
    for offset in (3, 4):
        before.add_record(0, offset, WRITTEN)
    before.add_request(request(), 0, 3, WRITTEN, NOW)
    before.begin()
    seen = before.kept
    after = demand_of(settings, msgspec.json.decode(msgspec.json.encode(seen), type=Seen))
    after.add_record(0, 0, WRITTEN - 60)  # read again from its beginning
    after.add_request(request(), 0, 0, WRITTEN - 60, NOW)
    assert (after.new, after.due(NOW)) == (0, None)
    for offset in (0, 1):
        after.add_record(0, offset, WRITTEN + 60)
    after.add_request(request("bob"), 0, 0, WRITTEN + 60, NOW)
    assert after.new == 2
    assert after.due(NOW) == request("bob")


def test_what_came_since_is_not_learnt_by_a_run_that_is_gone_on_with(settings: Settings) -> None:
    demand = demand_of(settings, Seen())
    for offset in range(3):
        demand.add_record(0, offset, WRITTEN)
    demand.add_request(request("bob", reason="slang"), 0, 0, WRITTEN, NOW)
    demand.go_on("ann", NOW)
    due = demand.due(NOW)
    assert due is not None
    assert (due.by, due.reason) == ("ann", "a run that was killed is gone on with")
    demand.begin()
    assert demand.kept.learnt == {}
    demand.ask_again(due)  # it could not begin
    assert demand.due(NOW) is due
    demand.begin()
    due = demand.due(NOW)
    assert due is not None
    assert (due.by, due.reason) == ("bob, labels", "slang; 3 labels are new")
    demand.begin()
    assert demand.due(NOW) is None


def test_the_clock_calls_a_model_that_idles_only_where_something_is_new(settings: Settings) -> None:
    eager, idle = demand_of(settings, Seen()), demand_of(settings, Seen(), idles=True)
    for demand in (eager, idle):
        demand.ring(NOW)
    assert eager.due(NOW) is not None
    assert idle.due(NOW) is None
    idle.add_record(0, 0, WRITTEN)
    idle.ring(NOW)
    assert idle.due(NOW) is not None


def test_what_was_seen_is_read_from_the_files_of_before() -> None:
    seen = msgspec.json.decode(b'{"labels":{"0":7},"requests":{"1":3}}', type=Seen)
    assert (seen.learnt, seen.requests) == ({0: 7}, {1: 3})
    assert (seen.taken, seen.asked, seen.rang, seen.trained) == ([], [], [], {})
    assert msgspec.json.decode(msgspec.json.encode(seen), type=Seen) == seen

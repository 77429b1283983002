"""The schedule on a real broker: what calls starts a run, one at a time, and a run that is killed is gone on with."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.processes import wait_for
from support.schedule import Bench

from retrain.run_record import RunRecord
from retrain.scheduler import BUSY_CODE
from streams.brokers.client import producer
from streams.contract.model_records import RetrainRequest
from streams.contract.model_settings import RetrainSettings
from streams.contract.topics import labels_topic, retrain_requests_topic

if TYPE_CHECKING:
    from pathlib import Path

    from streams.brokers.tansu import TansuBroker
    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(stream_settings: Settings, tmp_path: Path) -> Settings:
    rules = RetrainSettings(data_dir=tmp_path / "retrain", cron="0 3 1 1 *", min_new_labels=5)
    return stream_settings.model_copy(update={"retrain": rules})


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    return tansu_broker


def publish(settings: Settings, topic: str, *values: bytes) -> None:
    with producer(settings.kafka) as sender:
        for number, value in enumerate(values):
            sender.send(topic, key=str(number).encode(), value=value).get(timeout=30)


def ask(settings: Settings, by: str = "ann", model: str = "encoder") -> None:
    request = RetrainRequest(id=f"of-{by}", model=model, time=datetime.now(UTC), by=by)
    publish(settings, retrain_requests_topic(settings.topics), msgspec.json.encode(request))


def test_a_request_starts_a_run_and_its_end_is_shown(settings: Settings) -> None:
    bench = Bench(settings)
    with bench.running():
        ask(settings)
        bench.wait_for_runs(1)
        assert bench.requests[0].id == "of-ann"
        wait_for(lambda: bench.metric('tocsin_retrain_running{model="encoder"}') == 1)
        assert bench.metric('tocsin_retrain_next_run_timestamp_seconds{model="encoder"}') > time.time()
        bench.end()
        wait_for(lambda: bench.metric('tocsin_retrain_runs_total{model="encoder",outcome="rejected"}') == 1)
        # What runs is shown at the end of a round, after what has ended.
        wait_for(lambda: bench.metric('tocsin_retrain_running{model="encoder"}') == 0)
    assert not bench.runs[0].terminated


def test_what_is_no_request_is_left_out(settings: Settings) -> None:
    bench = Bench(settings)
    publish(settings, retrain_requests_topic(settings.topics), b"{", b"\xff")
    ask(settings)
    with bench.running():
        bench.wait_for_runs(1)
    assert bench.requests[0].by == "ann"


def test_requests_during_a_run_make_one_more(settings: Settings) -> None:
    bench = Bench(settings)
    with bench.running():
        ask(settings)
        bench.wait_for_runs(1)
        ask(settings, "bob")
        ask(settings, "eve")
        wait_for(lambda: len(bench.demand._asked) == 2)
        bench.wait_for_runs(1)
        bench.end()
        bench.wait_for_runs(2)
        assert bench.requests[1].by == "bob, eve"
        bench.end()


def test_new_labels_call_and_are_remembered_over_a_restart(settings: Settings) -> None:
    labels = labels_topic(settings.topics)
    publish(settings, labels, *(b"{}" for _ in range(5)))
    bench = Bench(settings)
    with bench.running():
        bench.wait_for_runs(1)
        assert bench.requests[0].by == "labels"
        bench.end()
        wait_for(lambda: bench.metric('tocsin_retrain_runs_total{model="encoder",outcome="rejected"}') == 1)
    publish(settings, labels, *(b"{}" for _ in range(4)))
    again = Bench(settings)
    with again.running():
        wait_for(lambda: again.metric('tocsin_retrain_new_records{model="encoder"}') == 4)
        assert again.runs == []
        publish(settings, labels, b"{}")
        again.wait_for_runs(1)
        again.end()


def test_a_killed_run_is_gone_on_with_once(settings: Settings) -> None:
    bench = Bench(settings)
    with bench.running():
        ask(settings)
        bench.wait_for_runs(1)
        bench.end(outcome="failed", killed=True)
        bench.wait_for_runs(2)
        assert "gone on with" in bench.requests[1].reason
        bench.end(outcome="failed", killed=True, attempt=2)
        wait_for(lambda: bench.metric('tocsin_retrain_runs_total{model="encoder",outcome="failed"}') == 2)
        ask(settings, "bob")
        bench.wait_for_runs(3)
        assert bench.requests[2].by == "bob"


def test_a_run_that_dies_before_its_first_word_has_failed_and_is_not_taken_for_the_one_before_it(
    settings: Settings,
) -> None:
    bench = Bench(settings)
    before = datetime(2026, 1, 1, tzinfo=UTC)
    bench.record = RunRecord(id="old", by="ann", began=before, ended=before, outcome="promoted", killed=True)
    bench.record = msgspec.structs.replace(bench.record, attempt=2)
    with bench.running():
        ask(settings)
        bench.wait_for_runs(1)
        bench.runs[-1].exitcode = 1
        failed = 'tocsin_retrain_runs_total{model="encoder",outcome="failed"}'
        wait_for(lambda: bench.metric(failed) == 1.0, 20)
        assert bench.metric('tocsin_retrain_runs_total{model="encoder",outcome="promoted"}') == 0.0
        assert len(bench.runs) == 1


def test_a_run_that_was_killed_with_the_schedule_is_gone_on_with(settings: Settings) -> None:
    bench = Bench(settings)
    now = datetime.now(UTC)
    bench.record = RunRecord(id="run", by="cron", began=now, ended=now, outcome="failed", killed=True)
    with bench.running():
        bench.wait_for_runs(1)
        assert bench.requests[0].by == "cron"
        assert bench.metric('tocsin_retrain_last_run_timestamp_seconds{model="encoder",outcome="failed"}') > 0
        assert bench.metric('tocsin_retrain_runs_total{model="encoder",outcome="failed"}') == 0


def test_a_run_by_hand_is_waited_for(settings: Settings) -> None:
    bench = Bench(settings)
    bench.busy = True
    with bench.running():
        ask(settings)
        wait_for(lambda: bench.refused >= 2)
        assert bench.runs == []
        bench.busy = False
        bench.wait_for_runs(1)
        # It was not quick enough: another one had begun meanwhile.
        bench.runs[0].exitcode = BUSY_CODE
        bench.wait_for_runs(2)
        assert bench.requests[1] == bench.requests[0]


def test_stopping_ends_the_run(settings: Settings) -> None:
    bench = Bench(settings)
    with bench.running():
        ask(settings)
        bench.wait_for_runs(1)
    assert bench.runs[0].terminated


def test_waits_for_brokers_that_are_away(settings: Settings) -> None:
    nowhere = settings.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})
    bench = Bench(settings.model_copy(update={"kafka": nowhere}))
    stop = threading.Event()
    thread = threading.Thread(target=bench.scheduler.run, args=(stop.wait,))
    thread.start()
    try:
        wait_for(lambda: "127.0.0.1:1" in (bench.scheduler.problem or ""), 20)
        assert bench.scheduler.is_alive
    finally:
        stop.set()
        thread.join()


def test_each_model_has_its_own_requests_and_they_take_turns(settings: Settings) -> None:
    bench = Bench(settings, on_drift=False)
    with bench.running():
        ask(settings, "ann")
        bench.wait_for_runs(1)
        ask(settings, "bob")
        ask(settings, "eve", model="ranker")
        ask(settings, "mallory", model="nobody")
        wait_for(lambda: len(bench.demand._asked) == 1)
        wait_for(lambda: all(model.demand._asked for model in bench.scheduler._models))
        assert len(bench.runs) == 1
        bench.end()
        bench.wait_for_runs(2)
        # Not the encoder again, though it was asked for first.
        assert (bench.requests[1].model, bench.requests[1].by) == ("ranker", "eve")
        # Both at once: a run is seen here as soon as it is started, and shown only at the end of that round.
        wait_for(
            lambda: (
                bench.metric('tocsin_retrain_running{model="ranker"}') == 1
                and bench.metric('tocsin_retrain_running{model="encoder"}') == 0
            )
        )
        bench.runs[1].exitcode = 0
        bench.wait_for_runs(3)
        assert (bench.requests[2].model, bench.requests[2].by) == ("encoder", "bob")


def test_new_behaviors_call_for_the_ranker_and_are_remembered_over_a_restart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.scheduler._REACH_SECONDS", 0.2)
    topic = settings.recommend.behaviors_topic
    publish(settings, topic, *(b"{}" for _ in range(6)))
    ranker = {"topic": topic, "enough": 6, "idles": True}
    bench = Bench(settings, **ranker)
    with bench.running():
        bench.wait_for_runs(1)
        assert (bench.requests[0].model, bench.requests[0].by) == ("ranker", "behaviors")
        bench.runs[0].exitcode = 0
        wait_for(lambda: bench.metric('tocsin_retrain_running{model="ranker"}') == 0)
    publish(settings, topic, *(b"{}" for _ in range(5)))
    again = Bench(settings, **ranker)
    with again.running():
        wait_for(lambda: again.metric('tocsin_retrain_new_records{model="ranker"}') == 5)
        assert again.runs == []
        publish(settings, topic, b"{}")
        again.wait_for_runs(1)

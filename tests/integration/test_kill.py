"""kill -9 of real workers: nothing is lost, and what is repeated can be told by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.messages import consume_all, produce
from support.processes import wait_for
from support.streams import Feed, Ledger, message, read_predictions, worker

from streams.contract.topics import predictions_topic

if TYPE_CHECKING:
    from streams.brokers.broker import Broker
    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

# Of three inputs and of signals.
PARTITIONS = 16


def _news(settings: Settings) -> str:
    return next(topic for topic, kind in settings.topics.inputs.items() if kind == "news")


def test_one_of_two_workers_is_killed_in_mid_batch(broker: Broker, stream_settings: Settings) -> None:
    settings = stream_settings
    backlog = 1500
    with worker(settings) as doomed, worker(settings) as survivor:
        half = PARTITIONS // 2
        doomed.wait_until_ready(half)
        survivor.wait_until_ready(half)
        with Feed(settings, _news(settings), per_second=50) as feed:
            wait_for(lambda: len(feed.acknowledged) > 20, what="for the feed")
            # A backlog, so that the kill comes in the middle of a batch with certainty.
            produce(settings, _news(settings), [(*message(100_000 + number), []) for number in range(backlog)])
            wait_for(lambda: doomed.metric("tocsin_in_flight_messages") > 0, what="for a batch in hand", every=0.01)
            doomed.process.kill()
            survivor.wait_until_ready(PARTITIONS)
            after = len(feed.acknowledged)
            wait_for(lambda: len(feed.acknowledged) > after + 20, what="for messages after the takeover")
        inputs = [*feed.acknowledged, *(str(100_000 + number) for number in range(backlog))]
        Ledger(read_predictions(settings, len(inputs))).assert_complete(inputs)


def test_takeover_is_within_the_session_timeout(broker: Broker, stream_settings: Settings) -> None:
    settings = stream_settings
    with worker(settings) as doomed, worker(settings) as survivor:
        half = PARTITIONS // 2
        doomed.wait_until_ready(half)
        survivor.wait_until_ready(half)
        with Feed(settings, _news(settings), per_second=20) as feed:
            wait_for(lambda: len(feed.acknowledged) > 20, what="for the feed")
            doomed.process.kill()
            survivor.wait_until_ready(PARTITIONS)
        records = read_predictions(settings, len(feed.acknowledged))
    answered: dict[str, float] = {}
    for record in records:
        answered.setdefault(record.key.decode(), record.timestamp / 1000)
    longest = max(answered[message_id] - sent for message_id, sent in feed.acknowledged.items())
    # The embedded broker lets a group join only after half of the session time-out more.
    joining = settings.kafka.session_timeout_seconds / 2 if broker.engine == "tansu" else 0.0
    # The rest is for a busy machine, and less than one session time-out more, which must fail.
    assert longest < settings.kafka.session_timeout_seconds + joining + 5.0


def test_the_only_worker_is_killed_and_another_started(broker: Broker, stream_settings: Settings) -> None:
    settings = stream_settings
    inputs = [str(number) for number in range(3000)]
    produce(settings, _news(settings), [(*message(number), []) for number in range(len(inputs))])
    with worker(settings) as doomed:
        consume_all(settings, predictions_topic(settings.topics), 200)
        assert doomed.metric("tocsin_in_flight_messages") > 0
        doomed.process.kill()
    with worker(settings):
        ledger = Ledger(read_predictions(settings, len(inputs)))
    ledger.assert_complete(inputs)


def test_a_worker_that_is_asked_to_stop_repeats_nothing(broker: Broker, stream_settings: Settings) -> None:
    settings = stream_settings
    inputs = [str(number) for number in range(3000)]
    produce(settings, _news(settings), [(*message(number), []) for number in range(len(inputs))])
    with worker(settings) as first:
        consume_all(settings, predictions_topic(settings.topics), 200)
        assert first.process.terminate(settings.worker.shutdown_timeout_seconds + 5) == 0, first.process.stderr
    with worker(settings) as second:
        ledger = Ledger(read_predictions(settings, len(inputs)))
        assert second.process.terminate() == 0
    ledger.assert_complete(inputs)
    assert ledger.repeated == 0

"""Playing the story: send each message when it is due, read what comes of it, and keep the account."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec
from kafka import KafkaProducer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from streams.brokers import client
from streams.brokers.delivery import Delivery
from streams.brokers.following import Follower
from streams.cli.demonstration.story import Cue
from streams.cli.demonstration.tally import Tally
from streams.contract.alerts import Alert
from streams.contract.records import DeadLetter, Prediction
from streams.contract.settings import KafkaSettings, Settings, SurgeSettings
from streams.contract.topics import alerts_topic, dead_letters_topic, predictions_topic

_POLL_SECONDS = 0.05
# So long without a single output, after all was sent, and the rest is not waited for.
_SILENCE_SECONDS = 20.0
_CLOSE_SECONDS = 5.0
# For an alert to be published, and read here.
_ALERT_SECONDS = 1.0

_prediction = msgspec.json.Decoder(Prediction)
_dead_letter = msgspec.json.Decoder(DeadLetter)
_alert = msgspec.json.Decoder(Alert)


def play(story: Sequence[Cue], settings: Settings, tally: Tally, each_turn: Callable[[], None]) -> None:
    """Play until something came of every message and the bell has had its time, or nothing comes any more.

    Args:
        story: In the order in which it is due.
        settings: Where the broker is.
        tally: Told of each message and each output.
        each_turn: Called some times a second, to draw and to look after the worker; what it raises ends the play.
    """
    take = {
        predictions_topic(settings.topics): _take_prediction,
        dead_letters_topic(settings.topics): _take_letter,
        alerts_topic(settings.topics): _take_alert,
    }
    settling = _settling_seconds(settings.surge)
    with (
        _producer(settings.kafka) as producer,
        Follower(
            settings.kafka, list(take), from_beginning=True, fetch_wait_seconds=client.READING_FETCH_SECONDS
        ) as follower,
    ):
        deliveries = {topic: Delivery(producer, topic) for topic in settings.topics.inputs}
        for topic in deliveries:
            # Else the first message of each would wait for it, and its latency would be the client's, not Tocsin's.
            producer.partitions_for(topic)
        waiting = deque(story)
        start = last = time.monotonic()
        while tally.answered_at is None or time.monotonic() - tally.answered_at < settling:
            now = time.monotonic()
            while waiting and start + waiting[0].due <= now:
                _send(waiting.popleft(), deliveries, tally)
                last = time.monotonic()
            pause = min(_POLL_SECONDS, max(start + waiting[0].due - now, 0.0)) if waiting else _POLL_SECONDS
            for record in follower.poll(pause):
                take[record.topic](record, tally)
                last = time.monotonic()
            each_turn()
            if not waiting and not tally.finished and time.monotonic() - last > _SILENCE_SECONDS:
                return


@contextmanager
def _producer(kafka: KafkaSettings) -> Iterator[KafkaProducer]:
    producer = client.producer(kafka)
    try:
        yield producer
    finally:
        # What is still in flight, after a failure, is missing in the account already.
        with suppress(KafkaError):
            producer.close(timeout=_CLOSE_SECONDS)


def _send(cue: Cue, deliveries: dict[str, Delivery], tally: Tally) -> None:
    tally.send(cue.item.key, cue.text, time.monotonic())
    deliveries[cue.topic].send(cue.item.place, cue.item.key, cue.item.value, cue.item.headers)


def _take_prediction(record: ConsumerRecord, tally: Tally) -> None:
    tally.predict(_prediction.decode(record.value), time.monotonic())


def _take_letter(record: ConsumerRecord, tally: Tally) -> None:
    tally.bury(_dead_letter.decode(record.value), time.monotonic())


def _take_alert(record: ConsumerRecord, tally: Tally) -> None:
    tally.ring(_alert.decode(record.value))


def _settling_seconds(surge: SurgeSettings) -> float:
    """How long after the last message an alert may still come: once all inputs are idle, the last windows close."""
    return surge.idle_seconds + surge.heartbeat_seconds + surge.checkpoint_seconds + _ALERT_SECONDS

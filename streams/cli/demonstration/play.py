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
from streams.contract.records import DeadLetter, Prediction
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import dead_letters_topic, predictions_topic

_POLL_SECONDS = 0.05
# So long without a single output, after all was sent, and the rest is not waited for.
_SILENCE_SECONDS = 20.0
_CLOSE_SECONDS = 5.0

_prediction = msgspec.json.Decoder(Prediction)
_dead_letter = msgspec.json.Decoder(DeadLetter)


def play(story: Sequence[Cue], settings: Settings, tally: Tally, each_turn: Callable[[], None]) -> None:
    """Play until something came of every message, or nothing comes any more.

    Args:
        story: In the order in which it is due.
        settings: Where the broker is.
        tally: Told of each message and each output.
        each_turn: Called some times a second, to draw and to look after the worker; what it raises ends the play.
    """
    letters = dead_letters_topic(settings.topics)
    outputs = [predictions_topic(settings.topics), letters]
    with (
        _producer(settings.kafka) as producer,
        Follower(settings.kafka, outputs, from_beginning=True) as follower,
    ):
        deliveries = {topic: Delivery(producer, topic) for topic in settings.topics.inputs}
        for topic in deliveries:
            # Else the first message of each would wait for it, and its latency would be the client's, not Tocsin's.
            producer.partitions_for(topic)
        waiting = deque(story)
        start = last = time.monotonic()
        while not tally.finished:
            now = time.monotonic()
            while waiting and start + waiting[0].due <= now:
                _send(waiting.popleft(), deliveries, tally)
                last = time.monotonic()
            pause = min(_POLL_SECONDS, max(start + waiting[0].due - now, 0.0)) if waiting else _POLL_SECONDS
            for record in follower.poll(pause):
                _take(record, letters, tally)
                last = time.monotonic()
            each_turn()
            if not waiting and time.monotonic() - last > _SILENCE_SECONDS:
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


def _take(record: ConsumerRecord, letters: str, tally: Tally) -> None:
    now = time.monotonic()
    if record.topic == letters:
        tally.bury(_dead_letter.decode(record.value), now)
    else:
        tally.predict(_prediction.decode(record.value), now)

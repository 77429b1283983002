"""Putting dead letters back on the topics they came from, each acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError

from streams.contract.incoming import FIRST_TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kafka import KafkaProducer

    from streams.contract.records import DeadLetter

REPLAYED_FROM = "tocsin_replayed_from"
"""Header that holds the id of the dead letter."""

_IN_FLIGHT = 500


def send_back(sender: KafkaProducer, letters: Iterable[DeadLetter]) -> tuple[int, dict[str, str]]:
    """Send dead letters to where they came from: key, value, headers and partition as they were.

    Kafka's timestamp is that of the sending, by which a topic keeps its records and lag is measured. What it was before
    goes with it in a header, for records without a time of their own.

    Args:
        sender: With ``acks="all"``.
        letters: Each has a key or a value.

    Returns:
        How many there were, and why some were not acknowledged, by id.
    """
    count = 0
    failures: dict[str, str] = {}
    in_flight: list[tuple[str, Any]] = []
    for letter in letters:
        count += 1
        try:
            in_flight.append((letter.id, _send_one(sender, letter)))
        except KafkaError as error:
            failures[letter.id] = str(error)
        if len(in_flight) >= _IN_FLIGHT:
            failures |= _await(in_flight)
            in_flight.clear()
    return count, failures | _await(in_flight)


def _send_one(sender: KafkaProducer, letter: DeadLetter) -> Any:  # noqa: ANN401  untyped library's future
    return sender.send(
        letter.topic,
        key=letter.key,
        value=letter.value,
        headers=[*letter.headers, (REPLAYED_FROM, letter.id.encode()), *_first_timestamp(letter)],
        # The same partition keeps what shares a key together, whichever client had hashed it.
        partition=letter.partition if letter.partition in (sender.partitions_for(letter.topic) or ()) else None,
    )


def _first_timestamp(letter: DeadLetter) -> list[tuple[str, bytes]]:
    return [] if letter.timestamp is None else [(FIRST_TIMESTAMP, b"%d" % letter.timestamp)]


def _await(in_flight: list[tuple[str, Any]]) -> dict[str, str]:
    failures = {}
    for id_, future in in_flight:
        try:
            future.get()  # the producer's own delivery time-out bounds it
        except KafkaError as error:
            failures[id_] = str(error)
    return failures

"""Faust's events as records of the contract."""

from __future__ import annotations

from typing import Any

from streams.contract.incoming import Record


def as_record(event: Any) -> Record:  # noqa: ANN401  Faust has no types
    """The Kafka record that an event carries."""
    message = event.message
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        key=message.key,
        value=message.value,
        headers=list(message.headers) if message.headers else (),
    )

"""Dead letters: what cannot be processed, as it came, with where it stood and why. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streams.contract.cloudevents import headers
from streams.contract.ids import output_id
from streams.contract.outgoing import Output
from streams.contract.records import DeadLetter, encode
from streams.contract.topics import dead_letters_topic

if TYPE_CHECKING:
    from streams.contract.incoming import Reason, Record
    from streams.contract.records import Stage
    from streams.contract.settings import Settings


class Burier:
    """Makes dead letters.

    Args:
        settings: Name of their topic, and how much of a value is kept.
    """

    def __init__(self, settings: Settings) -> None:
        self.topic = dead_letters_topic(settings.topics)
        self._limit = settings.enrich.max_message_bytes

    def bury(
        self, record: Record, stage: Stage, reason: Reason, error: str, *, attempts: int = 1, bare: bool = False
    ) -> Output:
        """The dead letter of a record.

        Args:
            record: As it came.
            stage: Where it failed.
            reason: One of a few words.
            error: What is wrong, and where; holds none of the record's text.
            attempts: How often it was tried.
            bare: Tell where the record stands, and keep nothing of it.
        """
        limit = 0 if bare else self._limit
        value = record.value or b""
        letter = DeadLetter(
            id=output_id(record.topic, record.partition, record.offset, "dead-letter"),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            stage=stage,
            reason=reason,
            error=error,
            attempts=attempts,
            time=datetime.now(UTC),
            key=None if bare else record.key,
            value=None if record.value is None else value[:limit],
            value_cut=len(value) > limit,
            headers=[] if bare else [(name, content or b"") for name, content in record.headers],
            # A producer that has no clock says less than nothing.
            timestamp=round(record.timestamp * 1e3) if record.timestamp >= 0.0 else None,
        )
        return Output(
            self.topic,
            record.topic.encode(),
            encode(letter),
            headers(id=letter.id, type="tocsin.dead-letter", time=letter.time),
        )

"""From behaviors and requests to reader events, which are keyed by reader, or dead letters. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from streams.contract.ids import output_id
from streams.contract.incoming import BadMessageError
from streams.contract.incoming_readers import decode_behavior, decode_request
from streams.contract.outgoing import Output
from streams.contract.recommendations import ReaderEvent
from streams.contract.records import encode
from streams.contract.topics import reader_events_topic, recommendation_requests_topic
from streams.logic.burying import Burier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.incoming import Reason, Record
    from streams.contract.settings import Settings


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What came of one record."""

    record: Record
    output: Output
    reason: Reason | None = None
    """Why it is a dead letter."""


class Rekeyer:
    """Tells behaviors and requests by their reader.

    Args:
        settings: Limits, and names of topics.
    """

    def __init__(self, settings: Settings) -> None:
        self._burier = Burier(settings)
        self._limit = settings.enrich.max_message_bytes
        self._requests = recommendation_requests_topic(settings.topics)
        self._topic = reader_events_topic(settings.topics)

    def rekey(self, records: Sequence[Record]) -> list[Rekeyed]:
        """One outcome for each record, in order."""
        return [self._rekey(record) for record in records]

    def bury_refused(self, letter: Rekeyed) -> Rekeyed:
        """In the place of a dead letter that no broker takes, since it is too large, one that tells the place alone."""
        record, size = letter.record, len(letter.output.value or b"")
        error = (
            f"{record.place}: the broker takes no dead letter of {size} bytes (raise max.message.bytes of "
            f"{self._burier.topic}); the record is to be had at its place alone"
        )
        reason = letter.reason or "too_large"
        return Rekeyed(record, self._burier.bury(record, "publish", reason, error, bare=True), reason)

    def _rekey(self, record: Record) -> Rekeyed:
        try:
            event = self._event(record)
        except BadMessageError as error:
            return Rekeyed(record, self._burier.bury(record, "decode", error.reason, str(error)), error.reason)
        return Rekeyed(record, Output(self._topic, user_key(event.user), encode(event)))

    def _event(self, record: Record) -> ReaderEvent:
        event = ReaderEvent(
            id=output_id(record.topic, record.partition, record.offset, "reader-event"),
            user="",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        if record.topic == self._requests:
            request = decode_request(record, max_bytes=self._limit)
            return msgspec.structs.replace(event, user=request.user, request=request)
        behavior = decode_behavior(record, max_bytes=self._limit)
        return msgspec.structs.replace(event, user=behavior.user, behavior=behavior)


def user_key(user: str) -> bytes:
    """Key of a reader's records."""
    return user.encode("utf-8", "surrogatepass")

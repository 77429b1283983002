"""What tests of the page in a browser tell, and look for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from support.desk_records import Told, topic_of
from support.messages import consume_all

if TYPE_CHECKING:
    from msgspec import Struct

    from streams.contract.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0)
MARKUP = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'> & <b>bold</b>"


def records_of(settings: Settings, kind: type[Struct], count: int = 1) -> list[Any]:
    """So many records of a kind, decoded; None for each that takes a key out."""
    records = consume_all(settings, topic_of(settings, kind), count)
    return [None if record.value is None else msgspec.json.decode(record.value, type=kind) for record in records]


def told(alert: Any) -> Told:  # noqa: ANN401  an alert
    """An alert for its topic."""
    return Told(alert.fingerprint.encode(), alert)

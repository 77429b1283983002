"""What is history when it is found: nobody is to be paged for it."""

from __future__ import annotations

import msgspec

from streams.contract.alerts import Alert, Trend


def mark_past(records: list[Alert | Trend], told_before: set[str], oldest: float) -> list[Alert | Trend]:
    """Mark the alerts that lie long back, and those that were over already when they were found.

    Args:
        records: What was found in one go.
        told_before: Fingerprints of what fired before it; who was told of these is to be told of their end.
        oldest: Event time before which all is history, seconds since the epoch.
    """
    known = set(told_before)
    begun: dict[str, list[int]] = {}
    marked = list(records)
    for at, record in enumerate(records):
        if isinstance(record, Trend):
            continue
        past = record.time.timestamp() < oldest
        if record.status == "firing":
            begun.setdefault(record.fingerprint, []).append(at)
        else:
            for earlier in begun.pop(record.fingerprint, []):
                marked[earlier] = msgspec.structs.replace(marked[earlier], past=True)
            past = past or record.fingerprint not in known
            known.discard(record.fingerprint)
        if past:
            marked[at] = msgspec.structs.replace(record, past=True)
    return marked

"""Alerts as the desk's own tests need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from streams.contract.alerts import Alert, Evidence, TellingMessage
from streams.contract.subjects import parse_subject

if TYPE_CHECKING:
    from streams.contract.alerts import Level, Status

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make_alert(
    subject: str = "entity/larkmoor",
    level: Level = "yellow",
    status: Status = "firing",
    *,
    starts: datetime = NOON,
    **changes: object,
) -> Alert:
    """An alert on a subject; one that is resolved ends half an hour after it began."""
    what = parse_subject(subject)
    place = f"{subject} {starts.isoformat()} {level} {status}"
    alert = Alert(
        id=blake2b(place.encode(), digest_size=16).hexdigest(),
        fingerprint=blake2b(subject.encode(), digest_size=8).hexdigest(),
        status=status,
        level=level,
        labels={"alertname": "NegativeSurge", "domain": "finance", **what.labels, "severity": level},
        annotations={"summary": f"Negative talk of {what} surges", "description": "23 negatives; 4.1 are usual."},
        startsAt=starts,
        endsAt=starts + timedelta(minutes=30) if status == "resolved" else None,
        time=starts + timedelta(minutes=10),
        evidence=Evidence(
            window_start=starts,
            window_end=starts + timedelta(minutes=10),
            observed=23,
            expected=4.1,
            volume=31,
            share=23 / 31,
            expected_share=0.2,
            p_value=1e-7,
            threshold=1e-5,
            sources={"wire": 0.75, "social": 0.25},
            entities={"quay ferries": 0.5},
            messages=[
                TellingMessage(
                    id="m-1",
                    time=starts,
                    source="wire",
                    text="Larkmoor halts withdrawals, [email] says",
                    sentiment="negative",
                    score=0.97,
                    copies=3,
                )
            ],
            duplicates=2,
            model="encoder:1",
        ),
    )
    return msgspec.structs.replace(alert, **changes)

"""An invented morning at a desk, as records on the topics: for tests of the page, and for its pictures in the docs."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from support.alerts import make_alert
from support.desk_letters import conversations
from support.desk_records import WINDOW, Told, make_request, make_trend

from streams.contract.alerts import Matcher, Silence, TellingMessage, Verdict, Watch
from streams.contract.model_records import ModelEvent, ModelPointer, pointer_key
from streams.contract.replies import Brief

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from streams.contract.alerts import Level
    from streams.contract.records import SourceKind

_BRIEF = (
    "Complaints about Larkmoor's service rose to 61 of 74 messages within 48 minutes, where about 5 are usual. "
    "Customers tell of declined cards and an app that does not open; \u201cthird time my card is declined "
    "today\u201d, one writes."
)


def morning(now: datetime) -> list[Told]:
    """Everything that the page shows, as of a moment."""
    now = now.replace(second=0, microsecond=0)
    return [*_trends(now), *_alerts(now), *_lists(now), *conversations(now), *_requests(now), *_models(now)]


def _trends(now: datetime) -> Iterator[Told]:
    shapes = {
        "topic/service": (46, 0.30, 2.1),
        "topic/payments": (38, 0.24, 1.0),
        "topic/markets": (52, 0.18, 1.0),
        "topic/earnings": (21, 0.15, 1.0),
        "topic/fraud": (9, 0.55, 1.3),
        "entity/larkmoor": (22, 0.34, 3.4),
        "entity/larkmoor/topic/service": (12, 0.52, 4.2),
        "entity/pennick": (15, 0.28, 1.5),
        "entity/osterby bank": (13, 0.12, 1.0),
        "entity/duneford energy": (8, 0.21, 0.8),
        "entity/quillon semiconductor": (10, 0.09, 1.1),
        "entity/thornlee homes": (5, 0.40, 1.0),
        "entity/brightacre foods": (4, 0.10, 1.0),
        "entity/keldon cloud": (6, 0.18, 0.6),
    }
    last = now.replace(minute=now.minute - now.minute % 5) - WINDOW
    for which, (subject, (usual, share, surge)) in enumerate(shapes.items()):
        for back in range(36):
            start = last - back * WINDOW
            wave = 1 + 0.25 * math.sin(back / 4 + which) + 0.15 * math.sin(back * 1.7 + 3 * which)
            # What surges does so over the last windows, and its negatives more than its volume.
            rise = 1 + (surge - 1) * max(0.0, 1 - back / 9)
            volume = max(0, round(usual * wave * rise))
            negative = min(volume, round(volume * min(0.92, share * (1 + (rise - 1) * 0.45))))
            yield Told(subject.encode(), make_trend(subject, start, volume, negative, (usual * wave, usual * share)))


def _alerts(now: datetime) -> Iterator[Told]:
    quotes = [
        ("Example Wire", "Larkmoor Bank customers report app and card failures for a third hour", 0.98, 4),
        ("Example Social", "third time my card is declined today, Larkmoor says try again later. again.", 0.97, 1),
        ("mailbox", "I cannot pay at the till and your line rings out. My number is [phone], call me", 0.95, 1),
        ("Example Social", "Larkmoor down AGAIN. Queue of twenty at the Harrow Street branch", 0.93, 1),
    ]
    yield from _ring(
        now,
        "entity/larkmoor/topic/service",
        "red",
        timedelta(minutes=48),
        (61, 74, 5.2),
        quotes,
        brief=_BRIEF,
    )
    yield from _ring(
        now,
        "entity/pennick",
        "yellow",
        timedelta(minutes=22),
        (17, 41, 4.4),
        [
            ("Example Social", "Pennick charged me the fee twice and the chat bot says that is normal", 0.94, 1),
            ("mailbox", "Two fees for one transfer. Please explain, or I close the account", 0.91, 1),
        ],
    )
    yield from _ring(
        now,
        "topic/fraud",
        "orange",
        timedelta(hours=4),
        (26, 38, 6.8),
        [("Example Wire", "Fake delivery texts ask for card numbers, police say", 0.96, 7)],
        ended=timedelta(hours=2),
    )
    over = make_alert("entity/thornlee homes", "yellow", "resolved", starts=now - timedelta(hours=7))
    yield Told(over.fingerprint.encode(), over)
    verdict = Verdict(
        fingerprint=over.fingerprint,
        subject="entity/thornlee homes",
        startsAt=over.startsAt,
        verdict="false_alarm",
        time=now - timedelta(hours=6),
        by="ann",
        comment="a quiz, no complaint",
    )
    yield Told(verdict.key.encode(), verdict)


def _ring(
    now: datetime,
    subject: str,
    level: Level,
    since: timedelta,
    figures: tuple[int, int, float],
    quotes: list[tuple[str, str, float, int]],
    *,
    brief: str | None = None,
    ended: timedelta | None = None,
) -> Iterator[Told]:
    observed, volume, expected = figures
    starts = now - since
    plain = make_alert(subject, level, "resolved" if ended else "firing", starts=starts)
    messages = [
        TellingMessage(
            id=f"{subject} {place}",
            time=starts + timedelta(minutes=3 * place + 2),
            source=source,
            text=text,
            sentiment="negative",
            score=score,
            copies=copies,
        )
        for place, (source, text, score, copies) in enumerate(quotes)
    ]
    end = now - ended if ended else None
    evidence = {
        "observed": observed,
        "volume": volume,
        "expected": expected,
        "share": observed / volume,
        "window_start": starts,
        "window_end": end or now,
        "messages": messages,
        "sources": {"Example Social": 0.58, "mailbox": 0.3, "Example Wire": 0.12},
        "entities": {"pennick": 0.09},
        "model": "encoder:2",
    }
    changes: dict[str, object] = {
        "evidence": msgspec.structs.replace(plain.evidence, **evidence),
        "time": end or now - timedelta(minutes=1),
        "endsAt": end,
    }
    alert = msgspec.structs.replace(plain, **changes)
    if level == "red":
        first = make_alert(subject, "yellow", "firing", starts=starts)
        yield Told(
            alert.fingerprint.encode(),
            msgspec.structs.replace(first, **(changes | {"time": starts + timedelta(minutes=6)})),
        )
    yield Told(alert.fingerprint.encode(), alert)
    if brief is not None:
        told = Brief(
            id=f"brief {alert.id}",
            fingerprint=alert.fingerprint,
            alert_id=alert.id,
            subject=subject,
            status="firing",
            text=brief,
            origin="generated",
            evidence=[message.id for message in messages],
            time=now,
            generator="generator:1",
        )
        yield Told(alert.fingerprint.encode(), told)


def _lists(now: datetime) -> Iterator[Told]:
    for subject, by, note in (("entity/larkmoor", "ann", "results on Monday"), ("topic/fraud", "bo", "")):
        yield Told(subject.encode(), Watch(subject=subject, added=now - timedelta(days=3), by=by, note=note))
    silence = Silence(
        id="5f0e6c1d",
        matchers=[Matcher(name="subject", value="entity/keldon cloud")],
        startsAt=now - WINDOW,
        endsAt=now + timedelta(hours=2),
        createdBy="bo",
        comment="planned maintenance",
    )
    yield Told(silence.id.encode(), silence)


def _requests(now: datetime) -> Iterator[Told]:
    texts: list[tuple[str, SourceKind, dict[str, object]]] = [
        (
            "Well done Larkmoor, only four hours to answer a chat. A new record.",
            "social",
            {"reason": "contested", "sentiment": "positive", "sentiment_score": 0.52},
        ),
        (
            "Your app logs me out each time I open the card page, since the update",
            "customer",
            {"topics": ["accounts"], "intent": "app_fault"},
        ),
        (
            "Osterby Bank to offer tokenised deposits to institutional clients",
            "social",
            {"reason": "novel", "topics": ["products"], "sentiment": "neutral"},
        ),
        ("is the branch on Harrow Street open on Saturday?", "customer", {"reason": "random", "intent": "other"}),
        ("Duneford Energy trims its outlook, shares little changed", "social", {"topics": ["earnings"]}),
    ]
    for number, (text, kind, fields) in enumerate(texts):
        request = make_request(number, text, now, kind, **fields)
        yield Told(request.message_id.encode(), request)


def _models(now: datetime) -> Iterator[Told]:
    pointer = ModelPointer(
        model="encoder", alias="champion", version=2, epoch=4, time=now - timedelta(days=1), by="retrain", reason=""
    )
    yield Told(pointer_key("encoder", "champion"), pointer)
    events: list[tuple[str, float, int | None, list[str]]] = [
        ("promoted", 96, 2, ["It is better on the newest messages that were drawn by lot."]),
        ("drift", 30, 2, ["Messages of kind social are less like those that the model was trained on (0.21)."]),
        ("retrain_started", 26, None, []),
        (
            "rejected",
            25,
            3,
            ["On customers' messages its intent is worse: 0.742 where the champion has 0.781."],
        ),
    ]
    for number, (kind, hours, version, reasons) in enumerate(events):
        event = ModelEvent(
            id=f"event-{number}",
            model="encoder",
            kind=kind,
            time=now - timedelta(hours=hours),
            by="retrain",
            version=version,
            reasons=reasons,
        )
        yield Told(b"encoder", event)

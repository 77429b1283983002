"""From what the panel found to the records that a desk reads: alerts in Alertmanager's shape, and trends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import quote

from streams.contract.alerts import SEVERITY_LABEL, Alert, Evidence, TellingMessage, Trend
from streams.contract.subjects import parse_subject
from streams.logic.surge.evidence import heard, told

if TYPE_CHECKING:
    from streams.contract.alerts import SurgeKind
    from streams.logic.surge.subject import Open, Subject
    from streams.logic.surge.transition import Transition

ALERT_NAMES: dict[SurgeKind, str] = {
    "negative": "NegativeSurge",
    "positive": "PositiveSurge",
    "volume": "VolumeSurge",
}
_WHAT: dict[SurgeKind, str] = {"negative": "negative messages", "positive": "positive messages", "volume": "messages"}
_FNV_OFFSET, _FNV_PRIME = 14695981039346656037, 1099511628211
_SEPARATOR = b"\xff"


def label_fingerprint(labels: dict[str, str]) -> str:
    """Fingerprint of a label set, as Prometheus and Alertmanager have it.

    FNV-1a of 64 bits over the names in order, each with its value, with a byte 255 after either.

    Returns:
        16 hexadecimal digits.
    """
    value = _FNV_OFFSET
    for name in sorted(labels):
        for byte in name.encode() + _SEPARATOR + labels[name].encode() + _SEPARATOR:
            value = (value ^ byte) * _FNV_PRIME & 0xFFFF_FFFF_FFFF_FFFF
    return f"{value:016x}"


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes the records."""

    domain: str
    """A label of each alert."""
    window_seconds: int
    generator_url: str
    """Put before a subject's key to make an alert's generatorURL; no URL where it is empty."""
    messages: int
    """How many messages are told with an alert."""

    def labels(self, subject: str, kind: SurgeKind) -> dict[str, str]:
        """The labels that identify a subject's alerts; severity is not among them."""
        return {"alertname": ALERT_NAMES[kind], "domain": self.domain, **parse_subject(subject).labels}

    def moment(self, bucket: int) -> datetime:
        """The first moment of a window."""
        return datetime.fromtimestamp(bucket * self.window_seconds, UTC)

    def alert(self, change: Transition, subject: Subject, *, watched: bool) -> Alert:
        """An alert for a change that the panel found."""
        labels = self.labels(change.subject, change.kind)
        fingerprint = label_fingerprint(labels)
        found = self.moment(change.bucket + 1)
        ringing = subject.alerts.get(change.kind)
        # What is over is told with what it rang for: by now that has gone from what is recent.
        if change.status == "resolved" and ringing is not None:
            evidence = ringing.evidence
        else:
            evidence = self._evidence(change, subject)
        start = change.start_bucket * self.window_seconds
        return Alert(
            id=_hash(f"{fingerprint}\0{start}\0{change.status}\0{change.level}"),
            fingerprint=fingerprint,
            status=change.status,
            level=change.level,
            labels={**labels, SEVERITY_LABEL: change.level},
            annotations=self._annotations(change, evidence),
            startsAt=self.moment(change.start_bucket),
            endsAt=found if change.status == "resolved" else None,
            generatorURL=self.generator_url + quote(change.subject) if self.generator_url else "",
            time=found,
            evidence=evidence,
            watched=watched,
        )

    def trend(self, key: str, bucket: int, window: Open, *, before: int, expected: tuple[float, float]) -> Trend:
        """What was said of a subject in one window.

        Args:
            key: The subject's key.
            bucket: The window.
            window: Its counts.
            before: Messages in the window before.
            expected: Negatives, and messages, that the subject's past lets expect.
        """
        return Trend(
            id=_hash(f"{key}\0{bucket * self.window_seconds}\0trend"),
            subject=key,
            start=self.moment(bucket),
            end=self.moment(bucket + 1),
            volume=window.total,
            negative=window.negative,
            neutral=window.total - window.negative - window.positive,
            positive=window.positive,
            expected_volume=round(expected[1], 3),
            expected_negative=round(expected[0], 3),
            change=round(window.total / before - 1.0, 4) if before else None,
        )

    def _evidence(self, change: Transition, subject: Subject) -> Evidence:
        first, last = change.window
        sources, entities = heard(subject, change.kind, change.window)
        return Evidence(
            window_start=self.moment(first),
            window_end=self.moment(last + 1),
            observed=change.observed,
            expected=round(change.expected, 3),
            volume=change.volume,
            share=round(change.share, 4),
            expected_share=round(change.expected_share, 4),
            p_value=change.p_value,
            threshold=change.threshold,
            sources=sources,
            entities=entities,
            messages=[
                TellingMessage(
                    id=mention.id,
                    time=datetime.fromtimestamp(mention.time, UTC),
                    source=mention.source,
                    text=mention.text,
                    sentiment=mention.sentiment,
                    score=mention.score,
                    copies=mention.copies,
                )
                for mention in told(subject, change.kind, change.window, self.window_seconds, self.messages)
            ],
            duplicates=sum(count for bucket, count in subject.left_out.items() if first <= bucket <= last),
            model=subject.model,
        )

    def _annotations(self, change: Transition, evidence: Evidence) -> dict[str, str]:
        """One line for a pager, and a few for whoever opens it."""
        minutes = (evidence.window_end - evidence.window_start).total_seconds() / 60
        name, what = str(parse_subject(change.subject)), _WHAT[change.kind]
        counted = f"{evidence.observed} {what} in {minutes:g} min, {evidence.expected:.1f} expected"
        shares = f"{evidence.share:.0%}, usually {evidence.expected_share:.0%}"
        lines = [
            f"{counted}, of {evidence.volume} messages in all: {shares}.",
            f"By chance at p = {evidence.p_value:.1g}; the false-alarm budget affords {evidence.threshold:.1g}.",
        ]
        if evidence.sources:
            sources = ", ".join(f"{each} {share:.0%}" for each, share in evidence.sources.items())
            lines.append(f"Sources: {sources}.")
        if evidence.duplicates:
            lines.append(f"Copies of one text count once: {evidence.duplicates} were left out.")
        return {
            "summary": f"{name}: {counted}" if change.status == "firing" else f"{name}: over; it was {counted}",
            "description": "\n".join(lines),
        }


def _hash(identity: str) -> str:
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

"""Alerts with their evidence, the desk's verdict and the brief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from streams.contract.alerts import Alert, Verdict
from streams.contract.masking import mask
from streams.contract.replies import Brief
from streams.contract.subjects import parse_subject
from streams.desk.view.shown import Heard, Kept, Place, keyed, places
from streams.logic.ringing import Ringing, Ringings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Struct

    from streams.desk.view.shown import Doc

_SECTION = "alerts"
# A surge that lasts changes its level now and then; its first and latest changes are enough.
_CHANGES_SHOWN = 12


class AlertsView:
    """Each time that a subject rang.

    Args:
        keep: Most of them; those that are over go first.
    """

    kinds: tuple[type[Struct], ...] = (Alert, Verdict, Brief)

    def __init__(self, keep: int) -> None:
        self._ringings = Ringings(keep)
        self._briefs: Kept[Brief] = Kept(2 * keep)
        self._by_change: Kept[str] = Kept(4 * keep)
        """Key of the ringing, by the id of each change."""

    def hear(self, heard: Heard) -> set[Place]:
        """Take in an alert, a verdict or a brief."""
        match heard.record:
            case Alert() as alert:
                changed = self._ringings.hear(alert)
                self._by_change.put(alert.id, changed[0])
                return places(_SECTION, *changed)
            case Brief() as brief:
                self._briefs.put(brief.alert_id, brief)
                key = self._by_change.get(brief.alert_id)
                return places(_SECTION, key) if key is not None else set()
            case Verdict() | None if heard.kind is Verdict:
                return places(_SECTION, *self._ringings.judge(keyed(heard), heard.record))
            case _:
                return set()

    def docs(self) -> Mapping[str, Mapping[str, Doc]]:
        """All alerts."""
        return {_SECTION: {key: self._document(key, ringing) for key, ringing in self._ringings}}

    def doc(self, place: Place) -> Doc | None:
        """One alert."""
        ringing = self._ringings.get(place.key)
        return None if ringing is None else self._document(place.key, ringing)

    def alert(self, key: str) -> Alert | None:
        """The latest change of an alert, by the key of its document."""
        ringing = self._ringings.get(key)
        return None if ringing is None else ringing.alert

    def _document(self, key: str, ringing: Ringing) -> Doc:
        alert = ringing.alert
        subject = alert.labels.get("subject", "")
        evidence: dict[str, Any] = msgspec.to_builtins(alert.evidence)
        # They are masked when they are made; a topic may have other writers.
        evidence["messages"] = [
            message | {"source": mask(message["source"]), "text": mask(message["text"], handles=True)}
            for message in evidence["messages"]
        ]
        evidence["sources"] = _masked_shares(alert.evidence.sources)
        brief = self._brief(ringing)
        return {
            "key": key,
            "id": alert.id,
            "subject": subject,
            "told": told_subject(subject),
            "level": alert.level,
            "status": alert.status,
            "summary": alert.annotations.get("summary", ""),
            "description": alert.annotations.get("description", ""),
            "labels": alert.labels,
            "began": alert.startsAt,
            "ended": alert.endsAt,
            "time": alert.time,
            "watched": alert.watched,
            "past": alert.past,
            "silenced_by": alert.silenced_by,
            "evidence": evidence,
            "changes": [
                {"time": change.time, "level": change.level, "status": change.status}
                for change in list(ringing.changes.values())[-_CHANGES_SHOWN:]
            ],
            "verdict": msgspec.to_builtins(ringing.verdict),
            "brief": None if brief is None else {"text": mask(brief.text), "origin": brief.origin, "time": brief.time},
        }

    def _brief(self, ringing: Ringing) -> Brief | None:
        found = [self._briefs[id_] for id_ in ringing.changes if id_ in self._briefs]
        return max(found, key=lambda brief: brief.time, default=None)


def _masked_shares(shares: Mapping[str, float]) -> dict[str, float]:
    masked: dict[str, float] = {}
    for source, share in shares.items():
        # Several of them may be one without their personal data.
        name = mask(source)
        masked[name] = masked.get(name, 0.0) + share
    return masked


def told_subject(key: str) -> str:
    """A subject for people; its key where it is none."""
    try:
        return str(parse_subject(key))
    except ValueError:
        return key

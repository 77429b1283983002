"""The opinion desk's actions: silences, false alarms, the watchlist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import Meta

from streams.contract.alerts import Silence, Verdict, Watch, ringing_key
from streams.contract.topics import silences_topic, verdicts_topic, watchlist_topic
from streams.desk.actions.office import Asked, Key, Words, found
from streams.logic.durations import parse_duration
from streams.logic.naming import meant_matchers, meant_subject

if TYPE_CHECKING:
    from streams.desk.actions.office import Office


class AddSilence(Asked, frozen=True, kw_only=True):
    """Mute alerts that match, from now on."""

    matchers: Annotated[list[Key], Meta(min_length=1, max_length=20)]
    """As `tocsin silence add` takes them."""
    duration: str = "2h"
    comment: Words = ""


class ExpireSilence(Asked, frozen=True, kw_only=True):
    """End a silence now."""

    id: Key


class FalseAlarm(Asked, frozen=True, kw_only=True):
    """Say that an alert was a false alarm."""

    alert: Key
    """Key of its document."""
    comment: Words = ""


class WithdrawFalseAlarm(Asked, frozen=True, kw_only=True):
    """Say that an alert was no false alarm after all."""

    alert: Key
    """Key of its document."""


class AddWatch(Asked, frozen=True, kw_only=True):
    """Give a subject a budget of its own."""

    subject: Key
    """A subject's key, or an entity by any of its names."""
    note: Words = ""


class RemoveWatch(Asked, frozen=True, kw_only=True):
    """Watch a subject no longer."""

    subject: Key


class OpinionActions:
    """Writes what an opinion desk says.

    Args:
        office: What every action needs.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._topics = office.settings.topics

    def add_silence(self, asked: AddSilence) -> dict[str, Any]:
        """Mute alerts."""
        office, now = self._office, self._office.clock()
        silence = Silence(
            id=uuid4().hex,
            matchers=office.meant(lambda: meant_matchers(office.domain, asked.matchers)),
            startsAt=now,
            endsAt=now + office.meant(lambda: parse_duration(asked.duration)),
            createdBy=asked.by,
            comment=asked.comment,
        )
        self._put_silence(silence)
        return {"id": silence.id, "ends": silence.endsAt}

    def expire_silence(self, asked: ExpireSilence) -> dict[str, Any]:
        """End a silence; one that is over stays as it is."""
        now = self._office.clock()
        silence = found(self._office.live.look(lambda view: view.lists.silence(asked.id)), "the silence")
        if silence.endsAt > now:
            self._put_silence(msgspec.structs.replace(silence, startsAt=min(silence.startsAt, now), endsAt=now))
        return {"id": silence.id, "ends": min(silence.endsAt, now)}

    def false_alarm(self, asked: FalseAlarm) -> dict[str, Any]:
        """Tell the detector that an alert was none."""
        alert = found(self._office.live.look(lambda view: view.alerts.alert(asked.alert)), "the alert")
        verdict = Verdict(
            fingerprint=alert.fingerprint,
            subject=alert.labels.get("subject", ""),
            startsAt=alert.startsAt,
            verdict="false_alarm",
            time=self._office.clock(),
            by=asked.by,
            comment=asked.comment,
        )
        self._office.writer.put(verdicts_topic(self._topics), verdict.key.encode(), verdict)
        return {"subject": verdict.subject}

    def withdraw_false_alarm(self, asked: WithdrawFalseAlarm) -> dict[str, Any]:
        """Take back the verdict on an alert, whoever gave it; the detector counts the surge as one again."""
        alert = found(self._office.live.look(lambda view: view.alerts.alert(asked.alert)), "the alert")
        self._office.writer.put(verdicts_topic(self._topics), ringing_key(alert).encode(), None)
        return {"subject": alert.labels.get("subject", "")}

    def add_watch(self, asked: AddWatch) -> dict[str, Any]:
        """Put a subject on the watchlist."""
        office = self._office
        subject = office.meant(lambda: meant_subject(office.domain, asked.subject)).key
        watch = Watch(subject=subject, added=office.clock(), by=asked.by, note=asked.note)
        office.writer.put(watchlist_topic(self._topics), subject.encode(), watch)
        return {"subject": subject}

    def remove_watch(self, asked: RemoveWatch) -> dict[str, Any]:
        """Take a subject off the watchlist."""
        watched = self._office.live.look(lambda view: view.lists.is_watched(asked.subject))
        found(watched or None, f"{asked.subject}, as a subject on the watchlist,")
        self._office.writer.put(watchlist_topic(self._topics), asked.subject.encode(), None)
        return {"subject": asked.subject}

    def _put_silence(self, silence: Silence) -> None:
        self._office.writer.put(silences_topic(self._topics), silence.id.encode(), silence)

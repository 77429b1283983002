"""What an Alertmanager is to be told, and when: again and again while an alert fires, and then that it is over.

Pure: no network, no clock. Alertmanager leaves it to its clients to remember what fires: they tell it again and again,
each time with an end that lies ahead, and it takes an alert for over when they fall silent. The rules are Prometheus's
(``needsSending`` and ``resolvedRetention`` in its ``rules/alerting.go``), with one more: severity is a label, so an
alert that grows stronger is another one to Alertmanager, and the weaker one must be told to be over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streams.contract.alerts import LEVELS, SEVERITY_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streams.contract.alerts import Alert, Level

    Key = tuple[str, Level]

_RESOLVED_KEPT_SECONDS = 900.0
# So many times of telling again may be missed before Alertmanager takes an alert for over.
_RESENDS_UNTIL_OVER = 4
# Prometheus's own limit on what may wait for an Alertmanager.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Posting:
    """One alert as Alertmanager is to be told of it now."""

    alert: Alert
    fires: bool
    ends_at: datetime
    """Ahead of now while it fires, else when it was over."""

    @property
    def labels(self) -> dict[str, str]:
        """Labels with the severity, which makes each level an alert of its own."""
        return _labels(self.alert)


@dataclass(slots=True)
class _Entry:
    alert: Alert
    was_posted: bool
    over_at: datetime | None = None
    over_since: float | None = None
    told_at: float | None = None

    @property
    def fires(self) -> bool:
        return self.over_at is None


class Outbox:
    """Holds one entry for each alert and level that fires or was over lately, and nothing that grows with time.

    What is silenced is not told as firing: it is told when the silence ends and it still fires. Where the silence comes
    while it fires, Alertmanager hears no more of it, and takes it for over after four times of telling were missed.

    Args:
        resend_seconds: How often an alert is told again.
        is_silenced: Whether an alert of these labels is muted at this moment.
        most: Most entries held.
    """

    def __init__(
        self, resend_seconds: float, is_silenced: Callable[[Mapping[str, str]], bool], most: int = _MOST
    ) -> None:
        self._resend = resend_seconds
        self._is_silenced = is_silenced
        self._most = most
        self._entries: dict[Key, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def tell(self, alert: Alert, now: float) -> bool:
        """Take in that an alert fires, has changed its level, or is over.

        What was found in a replay of history is left out, unless it ends what was told before.

        Args:
            alert: As it is published.
            now: Seconds since the epoch.

        Returns:
            Whether there was room for it.
        """
        if alert.status == "firing" and alert.past:
            return True
        for level in LEVELS:
            if alert.status == "resolved" or level != alert.level:
                self._end((alert.fingerprint, level), alert.endsAt or alert.time, now)
        return alert.status == "resolved" or self._fire(alert, was_posted=False)

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Go on with alerts that fire, of which another worker, or this one before its restart, has told."""
        for alert in alerts:
            if not alert.past:
                self._fire(alert, was_posted=True)

    def release(self, fingerprints: Iterable[str]) -> None:
        """Forget alerts without a word: another worker goes on with them, and tells how they end."""
        for fingerprint in fingerprints:
            for level in LEVELS:
                self._entries.pop((fingerprint, level), None)

    def take_due(self, now: float) -> list[Posting]:
        """What is to be told at this moment. What has been over for long enough is forgotten.

        Args:
            now: Seconds since the epoch.
        """
        for key in [key for key, entry in self._entries.items() if _is_old(entry, now)]:
            del self._entries[key]
        due = [entry for entry in self._entries.values() if self._is_due(entry, now)]
        for entry in due:
            # Alertmanager may have heard it even where its answer is lost: from now on it must be told of the end.
            entry.was_posted = True
        ahead = _moment(now + _RESENDS_UNTIL_OVER * self._resend)
        return [Posting(entry.alert, entry.fires, entry.over_at or ahead) for entry in due]

    def told(self, postings: Iterable[Posting], now: float) -> None:
        """Alertmanager has answered to these. What changed meanwhile is still to be told."""
        for posting in postings:
            entry = self._entries.get((posting.alert.fingerprint, posting.alert.level))
            if entry is not None and entry.alert is posting.alert and entry.fires == posting.fires:
                entry.told_at = now

    def _fire(self, alert: Alert, *, was_posted: bool) -> bool:
        key = (alert.fingerprint, alert.level)
        before = self._entries.get(key)
        if before is None and len(self._entries) >= self._most and not self._drop_one_that_is_over():
            return False
        if before is not None:
            if before.fires and before.alert.id == alert.id:  # told twice, as delivery at least once does
                return True
            # Of an end that Alertmanager has not heard it takes the alert for one that fires, whatever comes of this.
            was_posted = was_posted or (before.was_posted and (before.fires or before.told_at is None))
        self._entries[key] = _Entry(alert, was_posted)
        return True

    def _end(self, key: Key, moment: datetime, now: float) -> None:
        entry = self._entries.get(key)
        if entry is None or not entry.fires:
            return
        if not entry.was_posted:  # what Alertmanager never heard of need not be taken back
            del self._entries[key]
            return
        # Alertmanager refuses an end before the start, and takes one that lies ahead for firing.
        entry.over_at = max(entry.alert.startsAt, min(moment, _moment(now)))
        entry.over_since = now
        entry.told_at = None

    def _is_due(self, entry: _Entry, now: float) -> bool:
        if entry.told_at is not None and now - entry.told_at < self._resend:
            return False
        return not entry.fires or not self._is_silenced(_labels(entry.alert))

    def _drop_one_that_is_over(self) -> bool:
        over = [(entry.over_since, key) for key, entry in self._entries.items() if entry.over_since is not None]
        if not over:
            return False
        del self._entries[min(over)[1]]
        return True


def _is_old(entry: _Entry, now: float) -> bool:
    return entry.over_since is not None and now - entry.over_since > _RESOLVED_KEPT_SECONDS


def _labels(alert: Alert) -> dict[str, str]:
    return alert.labels | {SEVERITY_LABEL: alert.level}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

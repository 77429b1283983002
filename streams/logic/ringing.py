"""Alerts as a desk thinks of them: each time that a subject rang, with all that was told of it. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.contract.alerts import ringing_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.contract.alerts import Alert, Verdict


@dataclass(slots=True)
class Ringing:
    """One time that a subject rang: how it stands, and every change that was told of it."""

    alert: Alert
    changes: dict[str, Alert] = field(default_factory=dict)
    verdict: Verdict | None = None


class Ringings:
    """Every time that a subject rang, by ``ringing_key``.

    Args:
        keep: Most of them, and most verdicts; the earliest told go first. All where absent.
    """

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self._ringings: OrderedDict[str, Ringing] = OrderedDict()
        # A verdict may be read before its alert: they come by different topics.
        self._verdicts: OrderedDict[str, Verdict] = OrderedDict()

    def hear(self, alert: Alert) -> list[str]:
        """Take in what was told of an alert; one key, and so one partition and its order: the last word holds.

        Returns:
            Keys of what is different, those that are forgotten among them.
        """
        key = ringing_key(alert)
        ringing = self._ringings.get(key)
        if ringing is None:
            ringing = self._ringings[key] = Ringing(alert, verdict=self._verdicts.get(key))
        ringing.alert = alert
        ringing.changes[alert.id] = alert
        return [key, *self._forget()]

    def judge(self, key: str, verdict: Verdict | None) -> list[str]:
        """Take in the verdict on a ringing, or that it was taken back; keys of what is different."""
        if verdict is None:
            self._verdicts.pop(key, None)
        else:
            self._verdicts[key] = verdict
            if self._keep is not None and len(self._verdicts) > self._keep:
                self._verdicts.popitem(last=False)
        if key not in self._ringings:
            return []
        self._ringings[key].verdict = verdict
        return [key]

    def get(self, key: str) -> Ringing | None:
        """What has this key."""
        return self._ringings.get(key)

    def __iter__(self) -> Iterator[tuple[str, Ringing]]:
        return iter(self._ringings.items())

    def in_order(self) -> list[Ringing]:
        """All, in order of their beginning."""
        return sorted(self._ringings.values(), key=lambda ringing: (ringing.alert.startsAt, ringing.alert.fingerprint))

    def _forget(self) -> list[str]:
        if self._keep is None or len(self._ringings) <= self._keep:
            return []
        # What rings must not be forgotten for what is over.
        over = (key for key, ringing in self._ringings.items() if ringing.alert.status == "resolved")
        oldest = next(over, next(iter(self._ringings)))
        del self._ringings[oldest]
        return [oldest]

"""What people say of a desk's alarms: which of them were false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.logic.surge.telling import label_fingerprint

if TYPE_CHECKING:
    from collections.abc import Collection, Container
    from datetime import datetime

    from streams.contract.alerts import SurgeKind, Verdict
    from streams.logic.surge.panel import Panel
    from streams.logic.surge.telling import Teller


class Judge:
    """Holds a panel to the verdicts on its alarms.

    Args:
        panel: The alarms.
        teller: By which labels and times they are told, and so meant.
        kinds: Kinds of surge that ring.
    """

    def __init__(self, panel: Panel, teller: Teller, kinds: Collection[SurgeKind]) -> None:
        self._panel = panel
        self._teller = teller
        self._kinds = kinds

    def hold_to(self, verdicts: Collection[Verdict], known: Container[str]) -> tuple[int, bool]:
        """These verdicts hold and no others.

        Args:
            verdicts: All that were given and not taken back, of whatever subjects.
            known: Keys of the subjects that are known.

        Returns:
            How many were new, and whether anything is different.
        """
        meant = {(verdict.fingerprint, verdict.startsAt) for verdict in verdicts}
        taken_back = 0
        for subject, kind in self._panel.judged_false:
            alarm = self._latest_alarm(subject, kind, known)
            if alarm is not None and alarm not in meant:
                taken_back += self._panel.judge_real(subject, kind)
        new = sum(self._judge(verdict, known) for verdict in verdicts)
        return new, bool(new or taken_back)

    def _judge(self, verdict: Verdict, known: Container[str]) -> bool:
        meant = verdict.fingerprint, verdict.startsAt
        return any(
            self._latest_alarm(verdict.subject, kind, known) == meant and self._panel.judge_false(verdict.subject, kind)
            for kind in self._kinds
        )

    def _latest_alarm(self, subject: str, kind: SurgeKind, known: Container[str]) -> tuple[str, datetime] | None:
        """Fingerprint and beginning of a subject's latest alarm; None where it never rang, or is forgotten."""
        began = self._panel.last_began(subject, kind) if subject in known else None
        if began is None:
            return None
        return label_fingerprint(self._teller.labels(subject, kind)), self._teller.moment(began)

"""From alerts to briefs: one when a subject begins to ring, and one when it is over.

Runs in the thread that answers. It never raises for what is wrong with an alert: where the generator fails, or is late,
the template tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import structlog

from streams.contract.alerts import Alert, ringing_key
from streams.contract.cloudevents import headers
from streams.contract.decoding import JsonDecoder
from streams.contract.ids import derived_id
from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.replies import Brief
from streams.contract.topics import alerts_topic, briefs_topic
from streams.logic.replies.briefs import is_thin, story, write
from streams.worker.recovery import RecoveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from streams.contract.domain import Domain
    from streams.contract.settings import Settings
    from streams.logic.stall import Place
    from streams.worker.drafting import Drafting, Written

log = structlog.get_logger(__name__)

_brief = JsonDecoder(Brief)


class Rung(NamedTuple):
    """A record of the topic of alerts, as it was taken in."""

    event: Any
    place: str
    partition: int
    since: float
    """When it was published, seconds since the epoch."""
    alert: Alert | None
    """None for what is no alert."""


@dataclass(slots=True)
class Briefs:
    """What came of a batch."""

    done: int = 0
    briefs: list[Brief] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    """Kinds of claims that drafts made without evidence."""


class Briefing:
    """Writes briefs.

    Args:
        settings: All of them.
        domain: Names of its topics and entities.
        drafting: Writes.
        read_briefs: Reads the briefs of a partition that is new here: they are not written again.
    """

    def __init__(
        self, settings: Settings, domain: Domain, drafting: Drafting, read_briefs: Callable[[int], Iterable[Brief]]
    ) -> None:
        self._domain = domain
        self._drafting = drafting
        self._read_briefs = read_briefs
        self._least = settings.briefs.min_messages
        self._within = settings.replies.deadline_seconds
        self._topic = briefs_topic(settings.topics)
        self._alerts = alerts_topic(settings.topics)
        self._told: dict[int, set[str]] = {}
        """Ids of the briefs of each partition; as many as the topic keeps, and as there were alerts since."""

    def write(self, late: Sequence[Rung], fresh: Sequence[Rung]) -> Briefs:
        """The briefs of a batch.

        Args:
            late: What has waited for too long: the template tells of it.
            fresh: The others; the first of them is written.
        """
        briefs = Briefs(done=min(1, len(fresh)))
        for rung in late:
            self._tell(rung, briefs, drafts=False)
        for rung in fresh[:1]:
            self._tell(rung, briefs, drafts=True)
        return briefs

    def output(self, brief: Brief) -> Output:
        """A brief for its topic."""
        return Output(
            self._topic,
            brief.fingerprint.encode(),
            encode(brief),
            headers(id=brief.id, type="tocsin.brief", time=brief.time),
        )

    def forget(self, places: Collection[Place]) -> None:
        """Drop partitions that are given up; called while nothing is in hand."""
        for topic, partition in places:
            if topic == self._alerts:
                self._told.pop(partition, None)

    def _tell(self, rung: Rung, briefs: Briefs, *, drafts: bool) -> None:
        alert = rung.alert
        if alert is None or alert.past:
            return
        # Whatever its level: a subject that rings louder rings no second time.
        brief_id = derived_id(f"{ringing_key(alert)}/{alert.status}", "brief")
        told = self._told_of(rung.partition)
        if brief_id in told:
            return
        told.add(brief_id)
        try:
            briefs.briefs.append(self._brief(alert, brief_id, briefs, drafts=drafts))
        except Exception as error:  # one alert must not keep the others from being told
            log.exception("no brief was written", alert=alert.id, error=repr(error))

    def _brief(self, alert: Alert, brief_id: str, briefs: Briefs, *, drafts: bool) -> Brief:
        told = story(alert, self._domain)
        thin = is_thin(alert, self._least)
        written = self._drafting.brief(told, within=self._within) if drafts and not thin else None
        if written is not None:
            briefs.written.append(written)
        text = write(told, written.draft if written is not None else None, thin=thin)
        briefs.claims += [claim.kind for claim in text.unsupported]
        return Brief(
            id=brief_id,
            fingerprint=alert.fingerprint,
            alert_id=alert.id,
            subject=alert.labels["subject"],
            status=alert.status,
            text=text.text,
            origin=text.origin,
            evidence=list(told.evidence),
            time=datetime.now(UTC),
            generator=written.generator if written is not None and text.origin == "generated" else "",
        )

    def _told_of(self, partition: int) -> set[str]:
        told = self._told.get(partition)
        if told is None:
            try:
                told = {brief.id for brief in self._read_briefs(partition)}
            except RecoveryError as error:
                # Worth less than the worker: a brief that is told twice has one id.
                log.warning("the briefs that there are cannot be read", partition=partition, error=str(error))
                told = set()
            self._told[partition] = told
        return told


def decoded(values: Iterable[bytes | None]) -> list[Brief]:
    """The briefs among the values of a topic."""
    found = []
    for value in values:
        try:
            found.append(_brief.decode(value or b""))
        except msgspec.DecodeError as error:
            log.warning("left out: no brief", error=str(error))
    return found

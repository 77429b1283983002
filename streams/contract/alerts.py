"""Alerts in Alertmanager's shape with their evidence; trends; what a desk says back: silences, watches, verdicts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from streams.contract.records import Probability, Sentiment

SurgeKind = Literal["negative", "positive", "volume"]
Level = Literal["yellow", "orange", "red"]
Status = Literal["firing", "resolved"]

LEVELS: tuple[Level, ...] = ("yellow", "orange", "red")
# Alertmanager's word for the level; it stands outside the fingerprint.
SEVERITY_LABEL = "severity"


class TellingMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that stands as evidence, without personal data."""

    id: str
    time: Annotated[datetime, Meta(tz=True)]
    source: str
    text: Annotated[str, Meta(description="Masked and shortened.")]
    sentiment: Sentiment
    score: Probability
    copies: Annotated[int, Meta(ge=1, description="How many syndicated copies came; they count once.")] = 1


class Evidence(Struct, frozen=True, kw_only=True):
    """Why the bell rings."""

    window_start: Annotated[datetime, Meta(tz=True, description="First moment of the window that is most unusual.")]
    window_end: Annotated[datetime, Meta(tz=True)]
    observed: Annotated[int, Meta(description="Messages of this sentiment (all, for a volume surge) in the window.")]
    expected: Annotated[float, Meta(description="What this subject's own past, at this hour, lets expect.")]
    volume: Annotated[int, Meta(description="All messages on the subject in the window.")]
    share: Annotated[Probability, Meta(description="observed / volume.")]
    expected_share: Probability
    p_value: Annotated[float, Meta(description="Probability of so many or more by chance, calibrated.")]
    threshold: Annotated[float, Meta(description="p-value at which the false-alarm budget is spent.")]
    sources: Annotated[
        dict[str, float],
        Meta(description="Shares of the sources in these messages; beyond 24 windows, in the last 24."),
    ]
    entities: Annotated[
        dict[str, float], Meta(description="Other entities in these messages, with their shares; likewise.")
    ]
    messages: Annotated[list[TellingMessage], Meta(description="The most telling messages.")]
    duplicates: Annotated[int, Meta(description="Syndicated copies that were left out of the count.")]
    model: Annotated[str, Meta(description="Name and version of the model.")]


class Alert(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A surge, in the shape of Alertmanager's API v2, and its evidence."""

    id: Annotated[str, Meta(description="Equal if the same change is told twice.")]
    fingerprint: Annotated[str, Meta(description="Hash of the labels without severity; one for a subject and kind.")]
    status: Status
    level: Level
    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: Annotated[datetime, Meta(tz=True, description="When the surge began, by the messages' own time.")]  # noqa: N815
    endsAt: Annotated[  # noqa: N815
        Annotated[datetime, Meta(tz=True)] | None, Meta(description="When it was over; None while it fires.")
    ] = None
    generatorURL: Annotated[str, Meta(description="Where it can be looked at.")] = ""  # noqa: N815
    time: Annotated[datetime, Meta(tz=True, description="Event time at which this was found.")]
    evidence: Evidence
    watched: Annotated[bool, Meta(description="The subject is on the watchlist.")] = False
    past: Annotated[bool, Meta(description="Found in a replay of history: nobody is paged.")] = False
    silenced_by: Annotated[list[str], Meta(description="Ids of silences in force.")] = field(default_factory=list)


class Trend(Struct, frozen=True, kw_only=True):
    """What was said of one subject in one window."""

    id: Annotated[str, Meta(description="Equal if the same window is told twice.")]
    subject: str
    start: Annotated[datetime, Meta(tz=True)]
    end: Annotated[datetime, Meta(tz=True)]
    volume: int
    negative: int
    neutral: int
    positive: int
    expected_volume: Annotated[float, Meta(description="From the subject's own past, at this hour.")]
    expected_negative: float
    change: Annotated[float | None, Meta(description="volume / volume of the window before - 1; None after none.")]


class Matcher(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition of a silence, as in Alertmanager."""

    name: str
    value: str
    isRegex: bool = False  # noqa: N815
    isEqual: bool = True  # noqa: N815


class Silence(Struct, frozen=True, kw_only=True):
    """Alerts that a desk does not want to hear of for a while, in Alertmanager's shape."""

    id: str
    matchers: Annotated[list[Matcher], Meta(min_length=1, description="All must match.")]
    startsAt: Annotated[datetime, Meta(tz=True)]  # noqa: N815
    endsAt: Annotated[datetime, Meta(tz=True)]  # noqa: N815
    createdBy: str  # noqa: N815
    comment: str


class Watch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subject on the watchlist."""

    subject: str
    added: Annotated[datetime, Meta(tz=True)]
    by: str
    note: str = ""


class Verdict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a desk says of an alert."""

    fingerprint: str
    subject: str
    startsAt: Annotated[datetime, Meta(tz=True)]  # noqa: N815
    verdict: Literal["false_alarm"]
    time: Annotated[datetime, Meta(tz=True)]
    by: str
    comment: str = ""

    @property
    def key(self) -> str:
        """Key on its topic: that of the ringing."""
        return ringing_key(self)


def ringing_key(told: Alert | Verdict) -> str:
    """What all changes of an alert, and the verdict on it, have in common: one for each time that a subject rings."""
    return f"{told.fingerprint}/{told.startsAt.astimezone(UTC).isoformat()}"

"""The table ``[replies]`` of a domain: what may be answered alone, when, in which languages, and words that tell.

What a company may promise is no setting of a worker: it belongs to the domain, beside its topics and its answers.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

LabelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]

_UNSEEN = frozenset(("Cf", "Mn", "Me"))


def _said(phrase: str) -> str:
    # As texts are looked through: without what nobody sees. A row of signs such as ":(" is a phrase as well.
    if all(char.isspace() or unicodedata.category(char) in _UNSEEN for char in phrase.rstrip("*")):
        raise ValueError(f"{phrase!r} is no word or phrase: nothing is left of it but the sign for any ending")
    return phrase


Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100), AfterValidator(_said)]

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hours(_Part):
    """When a reply may go out by itself: for each weekday, spans such as ``08:00-20:00``."""

    zone: str = "UTC"
    mon: tuple[str, ...] = ()
    tue: tuple[str, ...] = ()
    wed: tuple[str, ...] = ()
    thu: tuple[str, ...] = ()
    fri: tuple[str, ...] = ()
    sat: tuple[str, ...] = ()
    sun: tuple[str, ...] = ()
    closed: tuple[date, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{zone!r} is no time zone of the IANA database, such as Europe/London") from error
        return zone

    @field_validator(*_DAYS)
    @classmethod
    def _spans(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for span in spans:
            if not _SPAN.fullmatch(span) or span[:5] >= span[6:]:
                raise ValueError(f"{span!r} is no span of a day: write 08:00-20:00, and two spans over midnight")
        return spans

    def is_open(self, now: datetime) -> bool:
        """Whether a moment lies in them.

        Args:
            now: With a time zone.
        """
        local = now.astimezone(ZoneInfo(self.zone))
        if local.date() in self.closed:
            return False
        spans: tuple[str, ...] = getattr(self, _DAYS[local.weekday()])
        return any(_minutes(span[:5]) <= _of_day(local.time()) < _minutes(span[6:]) for span in spans)


class Words(_Part):
    """Words and phrases of one language, in lower case; a final ``*`` stands for any ending."""

    anger: tuple[Phrase, ...] = ()
    legal: tuple[Phrase, ...] = ()
    safety: tuple[Phrase, ...] = ()
    person: tuple[Phrase, ...] = ()
    courtesy: tuple[Phrase, ...] = ()
    """Greetings and short words of assent: a message of nothing else, and of ``thanks``, asks nothing."""
    thanks: tuple[Phrase, ...] = ()
    """Thanks, farewells and good wishes, in messages of any length."""
    praise: tuple[Phrase, ...] = ()
    """Praise: a message that praises and asks nothing."""
    complaint: tuple[Phrase, ...] = ()
    """Complaint: a message that complains and asks nothing."""
    asking: tuple[Phrase, ...] = ()
    """What a question, a wish or a report of trouble has. Without it only the shortest courtesies are told."""
    automatic: tuple[Phrase, ...] = ()
    """What machines write: out of office, delivery failed."""


class ReplyRules(_Part):
    """How the domain's customers are answered."""

    alone: tuple[LabelName, ...] = ()
    """Topics on which a reply may be sent by itself; on others it is a draft."""
    person: tuple[LabelName, ...] = ()
    """Topics and intents on which no draft is made: a person answers."""
    asks_person: tuple[LabelName, ...] = ()
    """Intents by which a customer asks for a person."""
    tone: str = "friendly, plain and brief"
    company: str = ""
    signature: str = ""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en",)
    hours: Hours | None = None
    """None: at any time."""
    words: dict[Language, Words] = {}

    @model_validator(mode="after")
    def _either(self) -> Self:
        both = sorted(set(self.alone) & set(self.person))
        if both:
            raise ValueError(f"replies: both alone and person: {', '.join(both)}")
        return self


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _of_day(moment: time) -> int:
    return moment.hour * 60 + moment.minute

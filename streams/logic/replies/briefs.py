"""An alert's story: its facts in sentences, what people say, and the template that stands where no model may write.

The register is a news agency's: what, of whom, how much, since when, who says so. Times are UTC; counts are whole,
what is expected has one decimal below ten, shares are whole percentages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from streams.contract.subjects import parse_subject
from streams.logic.replies.check import Unsupported, check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from streams.contract.alerts import Alert, SurgeKind
    from streams.contract.domain import Domain
    from streams.contract.replies import BriefOrigin
    from streams.logic.replies.deciding import Draft

_TALK: Mapping[SurgeKind, tuple[str, str]] = {
    "negative": ("Negative talk", "negative messages"),
    "positive": ("Positive talk", "positive messages"),
    "volume": ("Talk", "messages"),
}
_KINDS: Mapping[str, SurgeKind] = {
    "NegativeSurge": "negative",
    "PositiveSurge": "positive",
    "VolumeSurge": "volume",
}
_SOURCES, _QUOTES, _LONGEST_QUOTE = 2, 3, 200
_MOST_SENTENCES = 3
_LEAST_SHARE = 0.01
_TEN = 10.0
_MINUTES = 120
_QUOTED = re.compile(r"[\u201c\"]([^\u201c\u201d\"]*)[\u201d\"]")
_SENTENCE_END = re.compile(r"[.!?]+[\u201d\"')]*(?:\s+|$)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Story:
    """What may be told of one change of an alert."""

    subject: str
    """Its name, as people write it."""
    facts: tuple[str, ...]
    """Sentences; all that a text may claim as so."""
    quotes: tuple[str, ...]
    """What people say, masked: a text may say it in quotation marks alone."""
    evidence: tuple[str, ...]
    """Ids of the messages that are quoted."""
    sentence: str
    """The template's first sentence: all there is where evidence is thin."""
    template: str


class Written(NamedTuple):
    """A brief."""

    text: str
    origin: BriefOrigin
    unsupported: tuple[Unsupported, ...]
    """Why the generator's text was not taken."""


def story(alert: Alert, domain: Domain) -> Story:
    """The facts of an alert.

    Args:
        alert: As it was published, or a change of it.
        domain: Gives topics and entities the names that people read.
    """
    evidence = alert.evidence
    kind = _KINDS.get(alert.labels.get("alertname", ""), "negative")
    talk, what = _TALK[kind]
    subject = _subject(alert, domain)
    counted = (
        f"{evidence.observed:,} {what} in {_span(evidence.window_end - evidence.window_start)}, "
        f"where {_number(evidence.expected)} would be usual"
    )
    since = _moment(alert.startsAt)
    if alert.status == "firing":
        sentence = f"{talk} of {subject} has been surging since {since}: {counted}."
        facts = [sentence, f"It is a {alert.level} alert."]
    else:
        over = _moment(alert.endsAt or alert.time)
        sentence = f"{talk} of {subject} is back to its usual level as of {over}, after {counted}."
        facts = [sentence, f"The surge began at {since}.", f"It was a {alert.level} alert."]
    if kind != "volume":
        facts.append(
            f"{_percent(evidence.share)} of {evidence.volume:,} messages on {subject} were {kind}; "
            f"{_percent(evidence.expected_share)} is usual."
        )
    named = [(name, share) for name, share in evidence.sources.items() if share >= _LEAST_SHARE][:_SOURCES]
    sources = " and ".join(f"{name} ({_percent(share)})" for name, share in named)
    if sources:
        facts.append(f"Most messages come from {sources}.")
    messages = [message for message in evidence.messages if message.text.strip()][:_QUOTES]
    quotes = tuple(_shortened(message.text) for message in messages)
    further = [f"Most messages come from {sources}."] if sources else []
    further += [f"One from {messages[0].source} reads: \u201c{quotes[0]}\u201d"] if messages else []
    return Story(
        subject=subject,
        facts=tuple(facts),
        quotes=quotes,
        evidence=tuple(message.id for message in messages),
        sentence=sentence,
        template=" ".join([sentence, *further]),
    )


def is_thin(alert: Alert, least: int) -> bool:
    """Whether there is too little to write from (``briefs.min_messages``)."""
    return len(alert.evidence.messages) < least


def unsupported(text: str, told: Story) -> list[Unsupported]:
    """What a text claims that the alert does not say.

    What stands in quotation marks must be somebody's very words; the rest must stand in the facts, never merely in
    what people say.
    """
    said = [_words(quote) for quote in told.quotes]
    found = [
        Unsupported(match.group(1), "quotation")
        for match in _QUOTED.finditer(text)
        if not any(f" {_words(match.group(1))} " in f" {quote} " for quote in said)
    ]
    # A word stands for each quotation, so that the sentence around it stays one.
    return found + check(_QUOTED.sub("this", text), evidence=told.facts, message="", names=(told.subject,))


def write(told: Story, draft: Draft | None, *, thin: bool) -> Written:
    """The brief: the generator's where it holds, else the template's.

    Args:
        told: The alert's story.
        draft: What the generator wrote; None where none did.
        thin: Whether the evidence is thin: then one sentence is all.
    """
    if thin:
        return Written(told.sentence, "template", ())
    if draft is None or not draft.finished or not draft.text.strip():
        return Written(told.template, "template", ())
    text = draft.text.strip()
    wrong = unsupported(text, told)
    if len(_SENTENCE_END.findall(_QUOTED.sub("this", text))) > _MOST_SENTENCES:
        wrong.append(Unsupported("more than three sentences", "length"))
    return Written(told.template, "template", tuple(wrong)) if wrong else Written(text, "generated", ())


def _subject(alert: Alert, domain: Domain) -> str:
    subject = parse_subject(alert.labels["subject"])
    # Its name and not its title, which may be a list of what belongs to it.
    topic = f"the topic {subject.topic.replace('_', ' ')}" if subject.topic is not None else ""
    if subject.entity is None:
        return topic
    entity = _entity(subject.entity, alert, domain)
    return f"{entity} in {topic}" if topic else entity


def _entity(name: str, alert: Alert, domain: Domain) -> str:
    """An entity's name is counted in lower case: as the domain writes it, else as people do."""
    for shown in domain.entities.aliases:
        if shown.casefold() == name:
            return shown
    written = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    for message in alert.evidence.messages:
        if (match := written.search(message.text)) is not None and not match.group().islower():
            return match.group()
    return name.title()


def _moment(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment:%H:%M} UTC on {moment.day} {moment:%B %Y}"


def _span(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    if minutes < _MINUTES:
        return f"{minutes} minute" + ("s" if minutes != 1 else "")
    hours = minutes / 60
    return f"{hours:.0f} hours" if minutes % 60 == 0 else f"{hours:.1f} hours"


def _number(value: float) -> str:
    return f"{value:.1f}" if value < _TEN else f"{value:,.0f}"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _shortened(text: str) -> str:
    text = " ".join(text.replace("\u201c", "'").replace("\u201d", "'").replace('"', "'").split())
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE].rsplit(" ", 1)[0] + "\u2026"


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))

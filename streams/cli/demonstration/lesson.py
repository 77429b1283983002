"""What the desk teaches in the demonstration: a topic that the model has no name for yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.contract.domain import Domain, DomainError
from streams.contract.examples import Example, read_examples
from streams.contract.labels import Label, LabelledEntity

LABELLER = "demo-desk"

# Every other text is as if it had been drawn by lot from today's stream: the gate judges by these, and nobody learns
# them. The others are as if they had been asked for long ago: most are learnt.
_TODAY = timedelta(minutes=30)
_LONG_AGO = timedelta(days=60)
_PROBES = 3


@dataclass(frozen=True, slots=True)
class Lesson:
    """Labels, and texts by which one sees that they were learnt."""

    topic: str
    """Name of what is new."""
    labels: list[Label]
    probes: list[str]
    """Texts of the topic that are tested and not learnt."""


def load_lesson(domain: Domain, now: datetime) -> Lesson | None:
    """The domain's lesson, as if it had just been labelled.

    Args:
        domain: Whose ``lesson/*.tsv`` is read; they are written as seed examples are.
        now: The time.

    Returns:
        None where the domain has none.

    Raises:
        DomainError: A line is wrong, or the lesson teaches nothing new.
    """
    examples = [example for path in domain.lesson_files for example in read_examples(path, domain, any_topic=True)]
    if not examples:
        return None
    new = {topic for example in examples for topic in example.topics} - set(domain.topic_names)
    if len(new) != 1:
        raise DomainError(
            f"{domain.folder / 'lesson'} must teach one topic that domain.toml has not, not {sorted(new) or 'none'}"
        )
    labels = [_label(example, number, now) for number, example in enumerate(examples)]
    by_lot = [example for label, example in zip(labels, examples, strict=True) if label.reason == "random"]
    step = max(1, len(by_lot) // _PROBES)
    return Lesson(new.pop(), labels, [example.text for example in by_lot[::step][:_PROBES]])


def _label(example: Example, number: int, now: datetime) -> Label:
    is_drawn = number % 2 == 0
    return Label(
        message_id=f"lesson-{number}",
        labeller=LABELLER,
        time=now,
        text=example.text,
        kind=example.kind,
        source="lesson",
        message_time=now - (_TODAY if is_drawn else _LONG_AGO),
        topics=list(example.topics),
        sentiment=example.sentiment,
        entities=[
            LabelledEntity(start=span.start, end=span.end, type=span.type, sentiment=span.sentiment)
            for span in example.entities
        ],
        reason="random" if is_drawn else "uncertain",
    )

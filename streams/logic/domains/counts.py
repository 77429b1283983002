"""How many examples each label has, and whether that is enough to learn it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from streams.contract.ids import text_fingerprint
from streams.contract.records import SENTIMENTS
from streams.logic.domains.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.contract.domain import Domain
    from streams.contract.examples import Example
    from streams.logic.domains.finding import Level, Placed

FEW = 20
"""Fewer examples of a label than this make it a weak one: docs/domain.md has what was measured."""

_LEAST_LEARNT = 2
_ADVICE = {
    "topic": "write more, or take the topic out of domain.toml",
    "sentiment": "write more",
    "intent": "write more customers' messages, or take the intent out of domain.toml",
    "entity": "mark more of them in the texts, or take the type out of entities.types",
}


class LabelCount(Struct, frozen=True, kw_only=True):
    """Examples of one label."""

    head: str
    label: str
    examples: int
    held_out: int
    """Of them, kept for testing: without any, the model's report says nothing of the label."""


def distinct(placed: Sequence[Placed]) -> list[Example]:
    """The examples as a first model takes them: of equal texts the first."""
    found: dict[str, Example] = {}
    for _, example in placed:
        found.setdefault(text_fingerprint(example.text), example)
    return list(found.values())


def count_labels(domain: Domain, examples: Sequence[Example]) -> list[LabelCount]:
    """Examples of each topic, sentiment, intent and type of entity, in the order of the model's outputs."""
    says: dict[str, tuple[Sequence[str], list[set[str]]]] = {
        "topic": (domain.topic_names, [set(example.topics) for example in examples]),
        "sentiment": (SENTIMENTS, [{example.sentiment} for example in examples]),
        "intent": (domain.intent_names, [{example.intent} if example.intent else set() for example in examples]),
        "entity": (domain.entities.types, [{span.type for span in example.entities} for example in examples]),
    }
    kept = [example.held_out for example in examples]
    return [
        LabelCount(
            head=head,
            label=label,
            examples=sum(label in one for one in said),
            held_out=sum(label in one and held for one, held in zip(said, kept, strict=True)),
        )
        for head, (labels, said) in says.items()
        for label in labels
    ]


def check_counts(examples: Sequence[Example], counts: Sequence[LabelCount]) -> Iterator[Finding]:
    """Labels with no or few examples, and a whole that is too little to learn from."""
    held_out = sum(example.held_out for example in examples)
    if len(examples) - held_out < _LEAST_LEARNT or not held_out:
        yield Finding(
            level="error",
            place="seed",
            problem=f"{len(examples)} examples, {held_out} of them held out for testing (a fifth, by a hash)",
            advice="no model can be made of so few: write more",
        )
    for count in counts:
        if count.examples < FEW:
            # A type of entity that no text names is as likely right as wrong: not every domain speaks of places.
            missing: Level = "note" if count.head == "entity" else "error"
            yield Finding(
                level="warning" if count.examples else missing,
                place=count.head,
                problem=f"{count.label}: {_examples(count.examples)}"
                + ("" if count.examples else ", so a first model never answers it"),
                advice=f"{_ADVICE[count.head]}; {FEW} are a beginning",
            )


def _examples(count: int) -> str:
    return {0: "no example", 1: "1 example"}.get(count, f"{count} examples")

"""How far labellers agree, beyond what chance would give.

For each head Krippendorff's alpha over all labellers (Krippendorff 2004, *Content Analysis*, ch. 11; by the package
``krippendorff``), and for each pair of labellers Cohen's kappa (scikit-learn). Sentiments are ordered, so that negative
against positive weighs more than negative against neutral: alpha is ordinal for them and kappa linearly weighted. All
else is nominal.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeAlias

import krippendorff
import msgspec
import numpy as np
from sklearn.metrics import cohen_kappa_score

from retrain.rows import HEADS, Head
from streams.contract.records import SENTIMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from streams.contract.labels import Label

_Unit: TypeAlias = "tuple[str | int, ...]"
_Voices: TypeAlias = "dict[_Unit, dict[str, str]]"
"""What each labeller says of each unit."""

_ORDERED = frozenset({"sentiment", "towards"})
_OUTSIDE = "O"
# A word, or a character of a script that writes without spaces.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far all labellers agree on one head."""

    head: Head
    labellers: int
    """Those who share a unit with another."""
    units: int
    """What at least two labelled: messages, for ``entities`` words, for ``towards`` entities."""
    disagreed: int
    """Units on which not all said the same."""
    alpha: float | None
    """1 where all agree, 0 where they agree as by chance; None where only one answer was ever given."""


class PairAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far two labellers agree on one head."""

    head: Head
    left: str
    right: str
    units: int
    """What both labelled."""
    kappa: float | None
    """As alpha; None where both gave one and the same answer throughout."""


def agreements(labels: Iterable[Label]) -> list[Agreement]:
    """Agreement on each head that at least two people labelled on one message.

    Topics are compared as whole sets. Entities are compared word by word, by the type of the entity that a word lies
    in, or none; the sentiment towards an entity where two marked the same places.

    Args:
        labels: One for each labeller and message.
    """
    return [_agreement(head, voices) for head, voices in _shared(labels).items()]


def pair_agreements(labels: Iterable[Label]) -> list[PairAgreement]:
    """Agreement of each two labellers on each head, those who share most first.

    Args:
        labels: One for each labeller and message.
    """
    found = []
    for head, voices in _shared(labels).items():
        pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for said in voices.values():
            for left, right in combinations(sorted(said), 2):
                pairs[left, right].append((said[left], said[right]))
        found += [
            PairAgreement(head=head, left=left, right=right, units=len(answers), kappa=_kappa(head, answers))
            for (left, right), answers in pairs.items()
        ]
    return sorted(found, key=lambda pair: (HEADS.index(pair.head), -pair.units, pair.left, pair.right))


def _shared(labels: Iterable[Label]) -> dict[Head, _Voices]:
    """Units of each head that at least two labelled."""
    by_message: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_message[label.message_id].append(label)
    voices: dict[Head, _Voices] = {head: defaultdict(dict) for head in HEADS}
    for of_message in by_message.values():
        if len(of_message) > 1:
            for label in of_message:
                for head, unit, answer in _answers(label):
                    voices[head][unit][label.labeller] = answer
    shared = {head: {unit: said for unit, said in units.items() if len(said) > 1} for head, units in voices.items()}
    return {head: units for head, units in shared.items() if units}


def _answers(label: Label) -> Iterator[tuple[Head, _Unit, str]]:
    message = label.message_id
    if label.topics is not None:
        yield "topic", (message,), ",".join(sorted(label.topics))
    if label.sentiment is not None:
        yield "sentiment", (message,), label.sentiment
    if label.intent is not None:
        yield "intent", (message,), label.intent
    if label.entities is None:
        return
    # Places are of one text: who labelled a masked copy marked others.
    for word in _WORD.finditer(label.text):
        over = (entity.type for entity in label.entities if entity.start < word.end() and word.start() < entity.end)
        yield "entities", (message, label.text, word.start()), next(over, _OUTSIDE)
    for entity in label.entities:
        if entity.sentiment is not None:
            yield "towards", (message, label.text, entity.start, entity.end), entity.sentiment


def _agreement(head: Head, voices: _Voices) -> Agreement:
    return Agreement(
        head=head,
        labellers=len({labeller for said in voices.values() for labeller in said}),
        units=len(voices),
        disagreed=sum(len(set(said.values())) > 1 for said in voices.values()),
        alpha=_alpha(head, voices),
    )


def _alpha(head: Head, voices: _Voices) -> float | None:
    domain = _domain(head, (answer for said in voices.values() for answer in said.values()))
    counts = np.zeros((len(voices), len(domain)), np.int64)
    for row, said in enumerate(voices.values()):
        for answer in said.values():
            counts[row, domain[answer]] += 1
    if np.count_nonzero(counts.any(axis=0)) < 2:  # noqa: PLR2004  alpha has no chance to compare one answer with
        return None
    level: Literal["ordinal", "nominal"] = "ordinal" if head in _ORDERED else "nominal"
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement=level))


def _kappa(head: Head, answers: Sequence[tuple[str, str]]) -> float | None:
    domain = _domain(head, (answer for both in answers for answer in both))
    left, right = zip(*((domain[first], domain[second]) for first, second in answers), strict=True)
    if len({*left, *right}) < 2:  # noqa: PLR2004  as for alpha
        return None
    weights = "linear" if head in _ORDERED else None
    return float(cohen_kappa_score(left, right, labels=list(domain.values()), weights=weights))


def _domain(head: Head, answers: Iterable[str]) -> Mapping[str, int]:
    """Number of each answer, in the order of its scale."""
    names = SENTIMENTS if head in _ORDERED else sorted(set(answers))
    return {name: number for number, name in enumerate(names)}

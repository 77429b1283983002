"""Which names each head knows: the champion's, the domain's, and what labels taught since.

Sets only grow at their ends: a head's weights and whoever reads its scores by place stay right.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from models.domain_labels import domain_labels
from models.tagging import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.manifest import Labels
    from retrain.rows import Row
    from streams.contract.domain import Domain

ENOUGH = 5
"""Training texts that a new name needs: a misspelt one has fewer, and nothing is learnt from so few."""


class LabelSetError(ValueError):
    """The domain and the champion cannot be brought together; the message says how they differ."""


def extended(champion: Labels, domain: Domain) -> Labels:
    """The champion's sets, with what the domain names since appended.

    Raises:
        LabelSetError: One has one topic a message and the other several: no head can be both.
    """
    ours = domain_labels(domain)
    if champion.topic_mode != ours.topic_mode:
        raise LabelSetError(
            f"the domain's topic_mode is {ours.topic_mode!r} and the champion's {champion.topic_mode!r}: "
            "make a first model of the domain anew (`tocsin models bootstrap`)"
        )
    return replace(
        champion,
        topics=_appended(champion.topics, ours.topics),
        intents=_appended(champion.intents, ours.intents),
        entity_tags=_appended(champion.entity_tags, ours.entity_tags),
    )


def grown(base: Labels, train: Iterable[Row]) -> tuple[Labels, dict[str, dict[str, int]]]:
    """The sets with what enough training rows teach appended, in order of name.

    Args:
        base: What is known already.
        train: The training part.

    Returns:
        The grown sets; and by head and name, the training rows of each name that has too few.
    """
    topics: Counter[str] = Counter()
    intents: Counter[str] = Counter()
    for row in train:
        topics.update(row.topics or ())
        intents.update([row.intent] if row.intent is not None else [])
    new_topics, few_topics = _taught(topics, base.topics)
    new_intents, few_intents = _taught(intents, base.intents)
    sets = replace(base, topics=(*base.topics, *new_topics), intents=(*base.intents, *new_intents))
    return sets, {head: few for head, few in (("topic", few_topics), ("intent", few_intents)) if few}


def fitted(row: Row, labels: Labels) -> Row:
    """The row without what the heads have no name for: such a head learns nothing from it and is not judged on it."""
    topics = row.topics
    if topics is not None:
        topics = tuple(name for name in topics if name in labels.topics)
        if row.topics and not topics:
            topics = None
    types = {tag.partition("-")[2] for tag in labels.entity_tags if tag != OUTSIDE}
    return replace(
        row,
        topics=topics,
        intent=row.intent if row.intent in labels.intents else None,
        entities=None if row.entities is None else tuple(one for one in row.entities if one.type in types),
    )


def _appended(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *second]))


def _taught(counts: Counter[str], known: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    new = {name: count for name, count in sorted(counts.items()) if name not in known}
    return [name for name, count in new.items() if count >= ENOUGH], {
        name: count for name, count in new.items() if count < ENOUGH
    }

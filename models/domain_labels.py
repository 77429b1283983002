"""The outputs that a domain asks of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.manifest import Labels
from models.tagging import entity_tags
from streams.contract.records import SENTIMENTS

if TYPE_CHECKING:
    from streams.contract.domain import Domain


def domain_labels(domain: Domain) -> Labels:
    """The names of a domain's outputs, in the order of its file."""
    return Labels(
        topics=domain.topic_names,
        topic_mode=domain.topic_mode,
        sentiments=SENTIMENTS,
        intents=domain.intent_names,
        entity_tags=entity_tags(domain.entities.types),
    )

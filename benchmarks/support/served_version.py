"""The model version that all are measured with: the one that a worker would serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from models.manifest import MANIFEST, Labels, Manifest, read
from models.registry import Registry
from models.runtime import LABELS, MODEL, TOKENIZER
from streams.contract.settings import ModelSettings

if TYPE_CHECKING:
    from pathlib import Path

_DEFAULTS = ModelSettings()


class ServedVersion(NamedTuple):
    """A version as a folder whose files are verified."""

    folder: Path
    manifest: Manifest
    labels: Labels

    @property
    def graph(self) -> Path:
        """The served graph."""
        return self.folder / MODEL

    @property
    def tokenizer(self) -> Path:
        """Its tokeniser."""
        return self.folder / TOKENIZER

    @property
    def reading_outputs(self) -> list[str]:
        """Outputs of the graph that a prediction needs; the embedding is none of them."""
        names = ["topic_logits", "sentiment_logits", "entity_logits", "entity_sentiment_logits"]
        return [*names, "intent_logits"] if self.labels.intents else names


def served_version(registry: Path) -> ServedVersion:
    """The champion of a registry.

    Raises:
        VersionError: There is none, or it is corrupt.
    """
    _, folder = Registry(str(registry)).resolve_and_fetch(_DEFAULTS.name, _DEFAULTS.alias, _DEFAULTS.cache)
    return ServedVersion(folder, read(folder / MANIFEST, Manifest), read(folder / LABELS, Labels))

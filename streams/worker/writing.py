"""The answer index and the generator as the worker uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from models.answers.index import AnswerIndex
from models.answers.storing import StoredAnswersError
from models.generator.runtime import Generator

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.service_settings import GeneratorSettings
    from streams.worker.library import Embed

log = structlog.get_logger(__name__)


def open_index(folder: Path, embed: Embed, embedder: str) -> AnswerIndex:
    """The index that was kept in a folder, so that only what is new is embedded; else an empty one.

    Args:
        folder: Where it was kept, or nothing is.
        embed: Unit vectors of texts.
        embedder: SHA-256 of the graph that embeds.
    """
    if not folder.exists():
        return AnswerIndex(embed, embedder)
    try:
        return AnswerIndex.load(folder, embed, embedder)
    except (StoredAnswersError, OSError) as error:
        log.warning("the index of documents is made anew", folder=str(folder), error=str(error))
        return AnswerIndex(embed, embedder)


def load_generator(folder: Path, settings: GeneratorSettings) -> Generator:
    """A version of the generator, whole and with outputs as at its export.

    Args:
        folder: The version's folder, whose files the registry has verified.
        settings: How it is served.

    Raises:
        VersionError: The version is refused.
    """
    return Generator.load(folder, threads=settings.threads, batch=settings.batch)

"""The answer index and the generator as the worker uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from models.answers.index import AnswerIndex
from models.answers.storing import StoredAnswersError
from models.generator.runtime import Generator
from models.generator.trial import GeneratorTrial, try_generator

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.service_settings import GeneratorSettings
    from streams.contract.settings import Settings
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


def try_in_process(folder: Path, against: Path | None, settings: Settings) -> None:
    """Let a version of the generator show in a process of its own that it may write.

    Args:
        folder: Its folder, whose files the registry has verified.
        against: Of the version that writes now; None where none does.
        settings: How it is served, and how much slower it may be.

    Raises:
        VersionError: It is refused.
        TrialError: The trial failed, and may be made again.
    """
    generator = settings.generator
    try_generator(
        GeneratorTrial(
            folder=str(folder),
            threads=generator.threads,
            batch=generator.batch,
            against=None if against is None else str(against),
            max_slowdown=settings.swap.max_slowdown,
        )
    )


def load_generator(folder: Path, settings: GeneratorSettings) -> Generator:
    """A version of the generator, whole and with outputs as at its export.

    Args:
        folder: The version's folder, whose files the registry has verified.
        settings: How it is served.

    Raises:
        VersionError: The version is refused.
    """
    return Generator.load(folder, threads=settings.threads, batch=settings.batch)

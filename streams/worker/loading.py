"""How another version comes into a worker that reads meanwhile.

What is expensive is done by a process of its own (``models.trial``). Here the graph is opened, by a thread that steps
back behind all others and that lets the interpreter go meanwhile; and the tokenizer is taken from the version that
serves, since to read one anew would hold every thread up for some 50 ms. So is the embedder, where it is the same.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from models.runtime import Encoder
from models.trial import NICENESS, Trial, try_once

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.settings import Settings

_SHORTEST = ("a",)


class Loader:
    """Tries versions, and loads them one at a time.

    Args:
        settings: Which model, where its versions are, and how it is served.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The threads of a graph that has several are begun by this one, and would step back with it for good.
        lower = step_back if settings.model.threads == 1 else _stay
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="load", initializer=lower)

    async def load(self, version: int, like: Encoder, *, told: float) -> Encoder:
        """A version that has shown in a process of its own that it is whole and answers as it should.

        Args:
            version: Its number.
            like: The version that serves: its tokenizer is shared, and what it has loaded is loaded.
            told: When this worker heard that the version is wanted, in seconds since the epoch. What another worker of
                this machine has tried since is not tried again.

        Raises:
            VersionError: The version is refused.
            TrialError: The trial failed, and may be made again.
        """
        model = self._settings.model
        embedder = self._settings.enrich.publish_embedding or like.has_embedded
        trial = Trial(
            registry=model.registry,
            name=model.name,
            version=version,
            cache=str(model.cache),
            threads=model.threads,
            sub_batch=model.sub_batch,
            embedder=embedder,
            key_file=str(model.key_file) if model.key_file else None,
            serving_embedder=like.embedder_sha256 if like.has_embedded else None,
        )
        folder = await try_once(trial, told)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(self._open, folder, like, embedder=embedder))

    def close(self) -> None:
        """Load no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _open(self, folder: Path, like: Encoder, *, embedder: bool) -> Encoder:
        model = self._settings.model
        encoder = Encoder.load(folder, threads=model.threads, sub_batch=model.sub_batch, check_parity=False, like=like)
        # One short text and no more: a run at the largest costs the stream more than it saves the first batch.
        encoder.read(_SHORTEST)
        if embedder:
            encoder.embed(_SHORTEST)
        return encoder


def step_back() -> None:
    """Give this thread less of the processors than those that read; Linux alone knows such a thing of one thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def _stay() -> None:
    """Be like all others."""

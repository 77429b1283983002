"""A version on trial, in a process of its own, before it is let into one that serves.

There it is fetched, every file verified, loaded, compared with what it answered at export, and run at its largest. What
that costs in processor time, memory or a crash of native code, it does not cost the stream; and the process that serves
has no more to do than to open the graph. Run as ``python -m models.trial`` by ``try_version``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from models.manifest import VersionError
from models.registry import Registry
from models.runtime import Encoder

if TYPE_CHECKING:
    from asyncio.subprocess import Process

# Below everything that serves; yet on a busy machine a trial comes to an end.
NICENESS = 10
_REFUSED = 3
_LONGEST_SECONDS = 900.0
_SHOWN_ERROR = 2000


class TrialError(Exception):
    """The trial itself failed, which says nothing of the version: it may be tried again."""


class Trial(Struct, frozen=True):
    """What is to be tried."""

    registry: str
    name: str
    version: int
    cache: str
    threads: int
    sub_batch: int
    embedder: bool
    key_file: str | None = None


async def try_version(trial: Trial) -> Path:
    """Try a version in a process of its own.

    Returns:
        Its verified local folder.

    Raises:
        VersionError: It is missing or corrupt, or does not answer as it did at export.
        TrialError: The process could not be started, was killed, or took too long.
    """
    command = [sys.executable, "-P", "-m", "models.trial"]
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    except OSError as error:
        raise TrialError(f"the process that tries {trial.name}:{trial.version} cannot be started: {error}") from error
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            # Not as an argument, which every user of the machine sees: the registry's address may hold a password.
            out, err = await process.communicate(msgspec.json.encode(trial))
    except TimeoutError:
        raise TrialError(f"the trial of {trial.name}:{trial.version} took over {_LONGEST_SECONDS:g} s") from None
    finally:
        await _end(process)
    if process.returncode == 0:
        return Path(out.decode())
    said = err.decode(errors="replace").strip()[-_SHOWN_ERROR:]
    if process.returncode == _REFUSED:
        raise VersionError(said)
    raise TrialError(
        f"the process that tried {trial.name}:{trial.version} ended with {process.returncode}: {said or 'no word'}"
    )


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def main() -> None:
    """Try the version that standard input names, and print its folder."""
    os.nice(NICENESS)
    trial = msgspec.json.decode(sys.stdin.buffer.read(), type=Trial)
    try:
        registry = Registry(trial.registry, Path(trial.key_file) if trial.key_file else None)
        folder = registry.fetch(trial.name, trial.version, Path(trial.cache))
        encoder = Encoder.load(folder, threads=trial.threads, sub_batch=trial.sub_batch)
        _run(encoder, embedder=trial.embedder)
    except VersionError as error:
        sys.stderr.write(str(error))
        sys.exit(_REFUSED)
    sys.stdout.write(str(folder))


def _run(encoder: Encoder, *, embedder: bool) -> None:
    try:
        encoder.warm_up()
        if embedder:
            encoder.embed(["a"])
    except (VersionError, MemoryError):
        raise
    except Exception as error:  # onnxruntime's exceptions have no base of their own
        raise VersionError(f"{encoder.model} cannot be run: {error}") from error


if __name__ == "__main__":
    main()

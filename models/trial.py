"""A version on trial, in a process of its own, before it is let into one that serves.

There it is fetched, every file verified, loaded, compared with what it answered at export, and run at its largest. What
that costs in processor time, memory or a crash of native code, it does not cost the stream; and the process that serves
has no more to do than to open the graph. Run as ``python -m models.trial`` by ``try_version``. Of the workers of one
machine one tries a version for all (``try_once``).
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import time
from asyncio.subprocess import PIPE
from contextlib import redirect_stdout, suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog
from filelock import AsyncFileLock
from fsspec.implementations.local import LocalFileSystem
from msgspec import Struct

from models import atomic
from models.manifest import VersionError
from models.registry import Registry
from models.runtime import Encoder, native_faults

if TYPE_CHECKING:
    from asyncio.subprocess import Process

# Below everything that serves; yet on a busy machine a trial comes to an end.
NICENESS = 10
# A trial takes seconds where a tenth of a core is left.
_IDLE_SECONDS = 60.0
_LONGEST_SECONDS = 900.0
_FORGOTTEN_SECONDS = 86_400.0
_SHOWN_ERROR = 2000

_log = structlog.get_logger(__name__)


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
    serving_embedder: str | None = None
    """SHA-256 of an embedder that serves already and need not be tried."""


class _Found(Struct, frozen=True, forbid_unknown_fields=True):
    """What the process found; the last line that it prints."""

    folder: str | None = None
    """Of the version that passed."""
    refused: str = ""
    """Why it did not."""


class _Passed(Struct, frozen=True):
    """The latest trial on this machine that was passed."""

    trial: str
    """Hash of what was tried: the registry's address may hold a password."""
    folder: str
    ended: float
    """Seconds since the epoch."""


async def try_once(trial: Trial, since: float) -> Path:
    """Try a version, unless another process that shares the cache has just done so on this machine.

    Processes that want the same try one after the other; whoever comes second takes what the first found, where the
    version passed. A refusal is nobody's but the process's own.

    Args:
        trial: What is to be tried.
        since: Seconds since the epoch, by this machine's clock; a trial that ended before is none.

    Returns:
        Its verified local folder.

    Raises:
        VersionError: It is missing or corrupt, or does not answer as it did at export.
        TrialError: The process could not be started, was killed, took too long, or lacked what the machine should give.
    """
    # A cache may be shared by machines, and what runs on one need not on another.
    record = Path(trial.cache) / f"trial-{platform.node()}.json"
    lock = AsyncFileLock(record.with_suffix(".lock"))
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        await lock.acquire()
    except (OSError, NotImplementedError):
        # Nowhere to meet: a cache that cannot be written is none of the version's business.
        return await try_version(trial)
    try:
        tried = blake2b(msgspec.json.encode(trial), digest_size=16).hexdigest()
        passed = _read(record)
        if passed is not None and passed.trial == tried and passed.ended >= since:
            return Path(passed.folder)
        folder = await try_version(trial)
        _write(record, _Passed(tried, str(folder), time.time()))
        return folder
    finally:
        await lock.release()


def _write(record: Path, passed: _Passed) -> None:
    with suppress(OSError):
        atomic.write(LocalFileSystem(), str(record), msgspec.json.encode(passed))
        # Containers are machines that come and go.
        for other in record.parent.glob("trial-*.*"):
            if other.stem != record.stem and other.stat().st_mtime < passed.ended - _FORGOTTEN_SECONDS:
                other.unlink(missing_ok=True)


def _read(record: Path) -> _Passed | None:
    try:
        passed = msgspec.json.decode(record.read_bytes(), type=_Passed)
    except (OSError, msgspec.MsgspecError):
        return None
    # The cache may have been cleared since.
    return passed if Path(passed.folder).is_dir() else None


async def try_version(trial: Trial) -> Path:
    """Try a version in a process of its own.

    It runs in what others leave of the processors; where that is too little, it is begun anew with a small share.

    Returns:
        Its verified local folder.

    Raises:
        VersionError: It is missing or corrupt, or does not answer as it did at export.
        TrialError: The process could not be started, was killed, took too long, or lacked what the machine should give.
    """
    try:
        try:
            return await _tried(trial, _IDLE_SECONDS, idle=True)
        except TimeoutError:
            return await _tried(trial, _LONGEST_SECONDS, idle=False)
    except TimeoutError:
        raise TrialError(f"the trial of {trial.name}:{trial.version} took over {_LONGEST_SECONDS:g} s") from None


async def _tried(trial: Trial, longest: float, *, idle: bool) -> Path:
    command = [sys.executable, "-P", "-m", "models.trial"]
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    except OSError as error:
        raise TrialError(f"the process that tries {trial.name}:{trial.version} cannot be started: {error}") from error
    try:
        async with asyncio.timeout(longest):
            _step_back(process.pid, idle=idle)
            # Not as an argument, which every user of the machine sees: the registry's address may hold a password.
            out, err = await process.communicate(msgspec.json.encode(trial))
    finally:
        await _end(process)
    said = err.decode(errors="replace").strip()[-_SHOWN_ERROR:]
    found = _found(out) if process.returncode == 0 else None
    if found is None:
        raise TrialError(
            f"the process that tried {trial.name}:{trial.version} ended with {process.returncode}: {said or 'no word'}"
        )
    if said:
        # Such as that a version lay damaged in the cache.
        _log.info("trial_said", name=trial.name, version=trial.version, said=said)
    if found.folder is None:
        raise VersionError(found.refused[-_SHOWN_ERROR:])
    return Path(found.folder)


def _found(out: bytes) -> _Found | None:
    """What a process found that ended well; None where it does not say so in its last line."""
    lines = out.splitlines()
    try:
        found = msgspec.json.decode(lines[-1] if lines else b"", type=_Found)
    except msgspec.MsgspecError:
        return None
    is_one = bool(found.refused) if found.folder is None else Path(found.folder).is_dir()
    return found if is_one else None


def _step_back(pid: int, *, idle: bool) -> None:
    """Let a process run behind all others.

    Niceness alone takes a tenth of a busy core, and whoever wakes up waits for the end of its turn, some milliseconds,
    at each step of a message's way. Whoever is idle (SCHED_IDLE) goes at once, and gets nothing where nothing is left.
    Source: sched(7).
    """
    # It may have ended already; and a sandbox may forbid it, which costs the stream some delay and nothing else.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + NICENESS)
        if idle and sys.platform == "linux":
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def main() -> None:
    """Try the version that standard input names, and print what was found."""
    trial = msgspec.json.decode(sys.stdin.buffer.read(), type=Trial)
    answers = sys.stdout
    # The log goes to standard output where nobody says otherwise, and so do onnxruntime's own prints.
    with redirect_stdout(sys.stderr):
        try:
            found = _look(trial)
        except (TrialError, MemoryError, OSError) as error:
            sys.exit(str(error) or repr(error))
    # Native code may have left a line without an end.
    answers.buffer.write(b"\n%b\n" % msgspec.json.encode(found))


def _look(trial: Trial) -> _Found:
    try:
        registry = Registry(trial.registry, Path(trial.key_file) if trial.key_file else None)
    except VersionError as error:
        # Neither the registry's address nor the key is the version's.
        raise TrialError(str(error)) from error
    try:
        folder = registry.fetch(trial.name, trial.version, Path(trial.cache))
        encoder = Encoder.load(folder, threads=trial.threads, sub_batch=trial.sub_batch)
        _run(encoder, embedder=trial.embedder and encoder.embedder_sha256 != trial.serving_embedder)
    except VersionError as error:
        return _Found(refused=str(error))
    return _Found(folder=str(folder))


def _run(encoder: Encoder, *, embedder: bool) -> None:
    with native_faults(f"{encoder.model} cannot be run"):
        encoder.warm_up()
        if embedder:
            encoder.embed(["a"])


if __name__ == "__main__":
    main()

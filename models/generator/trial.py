"""A generator's version on trial, in a process of its own, before it may write for customers.

There it is loaded, compared with what it wrote at export, and timed against the version that writes now. A graph that
ends its process ends this one. Run as ``python -m models.generator.trial`` by ``try_generator``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from models.generator.runtime import Generator
from models.generator.speed import seconds_per_token
from models.manifest import VersionError
from models.trial import NICENESS, TrialError

_REFUSED = 3
_LONGEST_SECONDS = 600.0
_SHOWN_ERROR = 2000
# Of whoever stops a machine or runs out of memory: they say nothing of the version.
_FROM_OUTSIDE = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP))


class GeneratorTrial(Struct, frozen=True):
    """What is to be tried; the registry has verified the files of both."""

    folder: str
    threads: int
    batch: int
    against: str | None = None
    """Folder of the version that writes now; None where none does."""
    max_slowdown: float = 2.0


def try_generator(trial: GeneratorTrial) -> None:
    """Try a version in a process of its own.

    Raises:
        VersionError: It does not write as it did at export, ends its process, or is too slow.
        TrialError: The process could not be started, was killed, or took too long.
    """
    command = [sys.executable, "-P", "-m", "models.generator.trial"]
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter
            command, input=msgspec.json.encode(trial), capture_output=True, timeout=_LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise TrialError(f"the trial of {trial.folder} took over {_LONGEST_SECONDS:g} s") from None
    except OSError as error:
        raise TrialError(f"the process that tries {trial.folder} cannot be started: {error}") from error
    if done.returncode == 0:
        return
    said = done.stderr.decode(errors="replace").strip()[-_SHOWN_ERROR:]
    if done.returncode == _REFUSED:
        raise VersionError(said)
    if done.returncode < 0 and -done.returncode not in _FROM_OUTSIDE:
        ended = signal.Signals(-done.returncode).name
        raise VersionError(f"{trial.folder}: it ends the process that runs it ({ended}): {said or 'no word'}")
    raise TrialError(f"the process that tried {trial.folder} ended with {done.returncode}: {said or 'no word'}")


def main() -> None:
    """Try what standard input names."""
    os.nice(NICENESS)
    trial = msgspec.json.decode(sys.stdin.buffer.read(), type=GeneratorTrial)
    try:
        _try(trial)
    except VersionError as error:
        sys.stderr.write(str(error))
        sys.exit(_REFUSED)


def _try(trial: GeneratorTrial) -> None:
    folders = [trial.folder] + ([trial.against] if trial.against is not None else [])
    writers = [Generator.load(Path(folder), threads=trial.threads, batch=trial.batch) for folder in folders]
    quickest = seconds_per_token(writers)
    if len(quickest) > 1 and quickest[0] > trial.max_slowdown * quickest[1]:
        times = quickest[0] / quickest[1]
        raise VersionError(
            f"{writers[0].model} takes {times:.2f} times as long for a token as {writers[1].model}; "
            f"at most {trial.max_slowdown:g} times may be (swap.max_slowdown)"
        )


if __name__ == "__main__":
    main()

"""Each rival is measured in a process of its own, so that none inherits another's memory, threads or warm caches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class RoomError(Exception):
    """A measuring process failed; it has said why on standard error."""


def run_room(
    name: str, arguments: Sequence[str], *, variables: Mapping[str, str] | None = None, without: Sequence[str] = ()
) -> Any:  # noqa: ANN401  any JSON
    """Run a module of ``benchmarks.support`` and return what it tells.

    Args:
        name: The module.
        arguments: Its command line.
        variables: Environment variables over this process's own.
        without: Environment variables that it must not have.

    Raises:
        RoomError: It ended with an error.
    """
    environment = {key: value for key, value in os.environ.items() if key not in without} | dict(variables or {})
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.support.{name}", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode != 0:
        raise RoomError(f"benchmarks.support.{name} ended with {done.returncode}; see above")
    # What it logs comes before.
    return json.loads(done.stdout.splitlines()[-1])


def tell(figures: object) -> None:
    """Tell the process that runs this room what was measured."""
    sys.stdout.write(json.dumps(figures))
    sys.stdout.flush()

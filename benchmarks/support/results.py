"""Where a benchmark's figures are kept: ``benchmarks/results/NAME.json``, committed, made anew when the code changes.

Any benchmark may use this room: it asks for nothing but a name and figures that JSON can hold.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.machine import describe_machine, installed_versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.support.machine import Machine

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"


def write_result(
    name: str, figures: Mapping[str, Any], *, machine: Machine | None = None, folder: Path = RESULTS
) -> Path:
    """Write the figures of one run with its command, date, machine and versions.

    Args:
        name: Name of the benchmark, and of the file.
        figures: What was measured; keys name their unit where one is needed, such as ``latency_p50_seconds``.
        machine: The machine as it was before the run, since a run raises its own load; as it is now where absent.
        folder: Where the file goes.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    result = {
        "name": name,
        "command": command_line(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(machine or describe_machine()),
        "versions": installed_versions(),
        "figures": figures,
    }
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path


def command_line() -> str:
    """The command that runs this again from the project's root."""
    script = Path(sys.argv[0]).resolve()
    shown = script.relative_to(ROOT) if script.is_relative_to(ROOT) else Path(script.name)
    return shlex.join(["python", str(shown), *sys.argv[1:]])

"""An audit that could not be made does not pass for one that found nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "audit"
GOOD = {"name": "one", "version": "1", "vulns": []}
BAD = {"name": "two", "version": "2", "vulns": [{"id": "PYSEC-2026-1"}]}
SKIPPED = {"name": "three", "skip_reason": "Dependency not found on PyPI"}


def audit(folder: Path, says: str | None, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run it with a pip-audit that says this, beside an interpreter of its own."""
    (folder / "python").symlink_to(sys.executable)
    if says is not None:
        program = folder / "pip-audit"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\nexit {code}\n")
        program.chmod(0o755)
    run = [
        "import runpy, sys",
        f"sys.executable = {str(folder / 'python')!r}",
        "sys.argv = ['audit', 'x.txt']",
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')",
    ]
    return subprocess.run([sys.executable, "-c", "; ".join(run)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("says", "code", "status", "told"),
    [
        (json.dumps({"dependencies": [GOOD]}), 0, 0, "no known fault in 1 packages"),
        (json.dumps({"dependencies": [GOOD, BAD]}), 1, 1, "two 2: PYSEC-2026-1"),
        (json.dumps({"dependencies": [BAD, SKIPPED]}), 1, 1, "two 2: PYSEC-2026-1"),
        (json.dumps({"dependencies": [GOOD, SKIPPED]}), 0, 2, "NOT DONE"),
        (json.dumps({"dependencies": []}), 0, 2, "NOT DONE"),
        ("", 1, 2, "NOT DONE"),
        (None, 0, 2, "install requirements-dev.txt"),
    ],
)
def test_what_pip_audit_says_is_told_in_a_line(
    tmp_path: Path, says: str | None, code: int, status: int, told: str
) -> None:
    done = audit(tmp_path, says, code)
    assert (done.returncode, done.stderr.count("\n") + done.stdout.count("\n")) == (status, 1)
    assert told in done.stdout + done.stderr

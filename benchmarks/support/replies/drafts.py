"""Drafts of a version of the generator, kept in a local file, so that whoever judges them by hand can read them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from models.generator.bootstrap import Made, register
from models.generator.config import GenerationOptions
from models.generator.export import write_files
from models.generator.runtime import Generated, Generator
from models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.generator.prompting import Prompt
    from models.generator.weights import Base
    from models.manifest import Precision
    from streams.contract.service_settings import GeneratorSettings


class Drafts(NamedTuple):
    """What was written, and how long it took."""

    written: list[Generated]
    seconds: float


def version_of(base: Base, precision: Precision, folder: Path) -> Path:
    """A version of a generator in a registry of its own; its folder.

    Args:
        base: Weights.
        precision: Of what is served.
        folder: An empty one, where all of it lies.
    """
    files = folder / "files"
    files.mkdir(parents=True)
    config = write_files(base, files, precision)
    registry = Registry(str(folder / "registry"))
    made = Made(config.context, base.llama.sizes.hidden_size, {})
    number = register(registry, files, "generator", precision, made)
    return registry.fetch("generator", number, folder / "cache")


def drafts(version: Path, prompts: Sequence[Prompt], settings: GeneratorSettings, kept: Path) -> Drafts:
    """Write to prompts as a worker does, and keep what was written.

    Args:
        version: Folder of the version.
        prompts: What is asked.
        settings: How it is served.
        kept: File of JSON lines; what it holds of the same prompts is not written anew.
    """
    if kept.is_file():
        lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
        if [(line["asked"], tuple(line["evidence"])) for line in lines] == [
            (one.asked, one.evidence) for one in prompts
        ]:
            return Drafts([Generated(*line["generated"]) for line in lines], lines[0]["seconds"])
    generator = Generator.load(version, threads=settings.threads, batch=settings.batch)
    started = time.perf_counter()
    written = generator.generate(prompts, GenerationOptions.of(settings))
    seconds = time.perf_counter() - started
    lines = [
        {"asked": prompt.asked, "evidence": prompt.evidence, "seconds": seconds, "generated": list(one)}
        for prompt, one in zip(prompts, written, strict=True)
    ]
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return Drafts(written, seconds)

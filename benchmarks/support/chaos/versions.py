"""Versions for the trials: the served one, and copies of it whose graph fails at a word."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from benchmarks.support.chaos.waiting import TrialError
from models import promoting
from models.manifest import MANIFEST, Parity, encode, read
from models.promoting import Story
from models.registry import Registry
from models.runtime import MODEL, PARITY, TOKENIZER

if TYPE_CHECKING:
    from benchmarks.support.served_version import ServedVersion

BY = "chaos"
POISON = "kangaroo"
"""A word of the tokeniser that the domain's sample never uses."""
EVERYTHING = "."
"""A piece that every message of a trial can be made to hold, and that the worker's own known text holds too."""

_HEAD = "sentiment_logits"


class Versions:
    """Makes registries.

    Args:
        served: The version that all others are made from.
        folder: Where the registries go.
    """

    def __init__(self, served: ServedVersion, folder: Path) -> None:
        self._served = served
        self._folder = folder
        self._made = 0
        self.served = Path(self.registry().url)
        """Registry of the trials that change nothing in it."""

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._served.manifest.name

    def registry(self, fails_at: str | None = None) -> Registry:
        """A new registry in which one version serves.

        Args:
            fails_at: A word at which that version fails; none where absent.
        """
        self._made += 1
        registry = Registry(str(self._folder / f"registry-{self._made}"))
        promoting.promote(registry, self.name, self.add(registry, fails_at), Story(by=BY))
        return registry

    def add(self, registry: Registry, fails_at: str | None = None) -> int:
        """Register one version more, which nobody serves yet."""
        draft = self._folder / "draft"
        self.copy_files(draft)
        if fails_at is not None:
            _break(draft, fails_at)
        manifest = self._served.manifest
        number = registry.register(
            draft,
            manifest.name,
            precision=manifest.precision,
            max_tokens=manifest.max_tokens,
            width=manifest.width,
            metrics=manifest.metrics,
            lineage=manifest.lineage,
        )
        shutil.rmtree(draft)
        return number

    def copy_files(self, folder: Path) -> None:
        """Copy a version's files, without its manifest, into a folder that is made."""
        kept = shutil.ignore_patterns(".*", MANIFEST, "decision.json")
        shutil.copytree(self._served.folder, folder, ignore=kept, dirs_exist_ok=True)


def _break(folder: Path, word: str) -> None:
    """Have the graph fail at a batch that holds a word; the parity samples of the version are those without it."""
    piece = Tokenizer.from_file(str(folder / TOKENIZER)).token_to_id(word)
    if piece is None:
        raise TrialError(f"the served version's tokenizer has no piece {word!r}: choose another in {__name__}")
    onnx.save(_failing(onnx.load(folder / MODEL), piece), folder / MODEL)
    recorded = read(folder / PARITY, Parity)
    samples = tuple(sample for sample in recorded.samples if word not in sample.text.lower())
    (folder / PARITY).write_bytes(encode(msgspec.structs.replace(recorded, samples=samples)))


def _failing(model: onnx.ModelProto, piece: int) -> onnx.ModelProto:
    """The graph with a look-up more, in a table of one place, at 1 where the piece is in the batch and else at 0."""
    graph, before = model.graph, f"{_HEAD}_before"
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == _HEAD:
                    names[place] = before
    graph.initializer.extend(
        [
            helper.make_tensor("failing_piece", TensorProto.INT64, [], [piece]),
            helper.make_tensor("failing_table", TensorProto.FLOAT, [1], [0.0]),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Equal", ["input_ids", "failing_piece"], ["failing_where"]),
            helper.make_node("Cast", ["failing_where"], ["failing_marks"], to=TensorProto.INT64),
            helper.make_node("ReduceMax", ["failing_marks"], ["failing_index"], keepdims=0),
            helper.make_node("Gather", ["failing_table", "failing_index"], ["failing_nothing"]),
            helper.make_node("Add", [before, "failing_nothing"], [_HEAD]),
        ]
    )
    return model

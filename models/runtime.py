"""Serves a model version: texts in, readings out, with onnxruntime, tokenizers and numpy alone.

Two encoders can be held at once while one takes the other's place. What both have as the very same file they share: the
tokenizer, since reading it anew holds the whole interpreter up, and the embedder, which is most of a version's memory.
"""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import onnxruntime

from models import parity
from models.batching import sub_batches
from models.manifest import MANIFEST, Labels, Manifest, Parity, VersionError, read
from models.readings import Reader, Reading
from models.running import Run, runs
from models.sessions import open_session
from models.tokens import TextTokenizer
from models.training_reference import REFERENCE, TrainingReference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MODEL = "model.onnx"
EMBEDDER = "embedder.onnx"
TOKENIZER = "tokenizer.json"
LABELS = "labels.json"
PARITY = "parity.json"

_EMBEDDING = "embedding"
# Native code has no exceptions for what a machine lacks: it says so in words.
_NO_MEMORY = re.compile(r"std::bad_alloc|bad allocation|failed to allocate memory", re.IGNORECASE)
_SYSTEM_ERROR = re.compile(r"system error number (\d+)|\(os error (\d+)\)|pthread_create failed, error code: (\d+)")


class OutOfMemoryError(OSError, MemoryError):
    """The machine has less memory free than is needed; whoever tries again after an OSError does so after this one."""


@contextmanager
def native_faults(told: str) -> Iterator[None]:
    """Tell what is wrong with a version from what is wrong with the machine, where onnxruntime or tokenizers fails.

    Args:
        told: Says in the error what was done, and with which file.

    Raises:
        VersionError: It is the version's fault.
        OutOfMemoryError: Memory is short.
        OSError: The system refuses, such as a further file or thread.
    """
    try:
        yield
    except (VersionError, MemoryError, OSError):
        raise
    except Exception as error:  # neither library's exceptions have a base of their own
        raise _fault(f"{told}: {error}", str(error)) from error


def _fault(told: str, said: str) -> Exception:
    if _NO_MEMORY.search(said):
        return OutOfMemoryError(told)
    found = _SYSTEM_ERROR.search(said)
    number = int(found[found.lastindex or 1]) if found else errno.ENOENT
    if number == errno.ENOMEM:
        return OutOfMemoryError(told)
    # A file that is not there is missing in the version.
    return VersionError(told) if number == errno.ENOENT else OSError(number, told)


class Encoder:
    """A loaded version. Any thread may use it; one run takes all its threads.

    Args:
        folder: The version's folder.
        manifest: Its manifest.
        threads: Threads of each session; 0 is one a physical core.
        sub_batch: Most texts in one run.
        like: An encoder whose tokenizer and loaded embedder are taken, where they are the same files.

    Attributes:
        manifest: The version's manifest.
        labels: Names of its outputs.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, *, threads: int, sub_batch: int, like: Encoder | None = None
    ) -> None:
        self.manifest = manifest
        self._folder = folder
        self._threads = threads
        self._sub_batch = sub_batch
        self.labels = read(self._file(LABELS), Labels)
        self._reader = Reader(self.labels)
        self._tokenizer = self._open_tokenizer() if like is None else self._tokenizer_of(like) or self._open_tokenizer()
        self._session = self._open(MODEL)
        self._heads = self._checked_heads()
        self._embedder = None if like is None else self._embedder_of(like)
        if manifest.precision == "fp32":
            self._embedder = self._session
        self._embedder_lock = Lock()

    @classmethod
    def load(
        cls, folder: Path, *, threads: int, sub_batch: int, check_parity: bool = True, like: Encoder | None = None
    ) -> Self:
        """Load a version from a folder whose files the registry has verified.

        Args:
            folder: The version's folder.
            threads: Threads of the runtime; 0 is one a physical core.
            sub_batch: Most texts in one run of the graph.
            check_parity: Compare the graph's outputs with those recorded at export.
            like: An encoder whose tokenizer and loaded embedder are taken, where they are the same files.

        Raises:
            VersionError: A file is missing, or the graph does not fit its labels or does not run.
            ParityError: The graph does not answer as it did at export.
            OSError: A file cannot be read or memory is short, which says nothing of the version.
        """
        manifest = read(folder / MANIFEST, Manifest)
        manifest.need("encoder")
        encoder = cls(folder, manifest, threads=threads, sub_batch=sub_batch, like=like)
        if check_parity:
            encoder._check_parity()
        return encoder

    @property
    def model(self) -> str:
        """Name and version, such as ``encoder:1``."""
        return f"{self.manifest.name}:{self.manifest.version}"

    @property
    def embedder_sha256(self) -> str:
        """SHA-256 of the graph that embeds: vectors of two encoders may be compared where it is the same.

        Empty where the version has none.
        """
        entry = self.manifest.files.get(MODEL if self.manifest.precision == "fp32" else EMBEDDER)
        return "" if entry is None else entry.sha256

    @property
    def has_embedded(self) -> bool:
        """Whether the graph that embeds is loaded."""
        return self._embedder is not None

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Read texts of any Unicode and length.

        Args:
            texts: The texts, in any order and number.

        Returns:
            One reading for each, in their order.

        Raises:
            VersionError: The graph answers what is no number, of which no reading can be made.
        """
        readings: list[Reading | None] = [None] * len(texts)
        for run in self.runs(texts):
            for name, output in run.outputs.items():
                self._need_numbers(name, output)
            read_of_run = self._reader.read(
                [texts[place] for place in run.places], run.encoded, run.tokens, run.outputs
            )
            for place, reading in zip(run.places, read_of_run, strict=True):
                readings[place] = reading
        return [reading for reading in readings if reading is not None]

    def runs(self, texts: Sequence[str]) -> Iterator[Run]:
        """The graph's own outputs for texts, run by run: for whoever judges the model rather than uses it."""
        return runs(self._session, self._tokenizer, self._heads, texts, self._sub_batch)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors for comparison, from the fp32 graph: an int8 graph's depend on what else is in their batch.

        Args:
            texts: The texts.

        Returns:
            Unit vectors, float32 [texts, width].

        Raises:
            VersionError: The version is int8 and has no embedder, or it answers what is no number.
            OSError: Its embedder cannot be opened for now, such as where memory is short.
        """
        session = self._embedding_session()
        inputs = {value.name for value in session.get_inputs()}
        encoded = self._tokenizer.encode(texts)
        vectors = np.empty((len(texts), self.manifest.width), np.float32)
        for places in sub_batches([len(text.ids) for text in encoded], self._sub_batch):
            tokens = self._tokenizer.pad([encoded[place] for place in places])
            feed = {name: array for name, array in tokens._asdict().items() if name in inputs}
            vectors[places] = session.run([_EMBEDDING], feed)[0]
        self._need_numbers(_EMBEDDING, vectors)
        return vectors

    def piece_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Numbers of the word pieces of each text in the tokenizer's vocabulary, special ones included."""
        return [text.ids for text in self._tokenizer.encode(texts)]

    def training_reference(self) -> TrainingReference | None:
        """What its training data looked like to it; None in a version that was made without.

        Raises:
            VersionError: The file is missing, cannot be read or is no such reference.
        """
        if REFERENCE not in self.manifest.files:
            return None
        path = self._folder / REFERENCE
        try:
            return read(path, TrainingReference)
        except OSError as error:
            raise VersionError(f"{path}: {error.strerror}") from error

    def warm_up(self, *, embedder: bool = False) -> None:
        """Run the graph at its smallest and largest, so that no message waits for memory to be laid out.

        Args:
            embedder: Load and run the fp32 embedder too.
        """
        longest = "a " * self.manifest.max_tokens
        for texts in (["a"], [longest] * self._sub_batch):
            self.read(texts)
            if embedder:
                self.embed(texts)

    def _check_parity(self) -> None:
        recorded = read(self._file(PARITY), Parity)
        with native_faults(f"{self._folder / MODEL}: it fails at a parity sample"):
            parity.check(self._session, self._tokenizer, recorded, self.labels)

    def _need_numbers(self, name: str, output: NDArray[np.float32]) -> None:
        # A label would be chosen among NaN all the same, and JSON knows no such score.
        if not np.isfinite(output).all():
            raise VersionError(f"{self.model}: output {name} is no number (NaN or infinite) for a text")

    def _embedding_session(self) -> onnxruntime.InferenceSession:
        with self._embedder_lock:
            if self._embedder is None:
                self._embedder = self._open(EMBEDDER)
            return self._embedder

    def _file(self, name: str) -> Path:
        """Path of a file of the version; one that the manifest does not name was not verified and is not read."""
        if name not in self.manifest.files:
            raise VersionError(f"{self._folder / MANIFEST} names no {name}")
        return self._folder / name

    def _open_tokenizer(self) -> TextTokenizer:
        path = self._file(TOKENIZER)
        with native_faults(str(path)):
            return TextTokenizer(path, self.manifest.max_tokens)

    def _tokenizer_of(self, other: Encoder) -> TextTokenizer | None:
        own, others = (
            (encoder.manifest.files.get(TOKENIZER), encoder.manifest.max_tokens) for encoder in (self, other)
        )
        return other._tokenizer if own == others and own[0] is not None else None

    def _embedder_of(self, other: Encoder) -> onnxruntime.InferenceSession | None:
        """The other's embedder, where it has loaded one apart, from the very file of this version."""
        if "fp32" in (self.manifest.precision, other.manifest.precision):
            return None
        own, others = (encoder.manifest.files.get(EMBEDDER) for encoder in (self, other))
        return other._embedder if own is not None and own == others and self._threads == other._threads else None

    def _open(self, name: str) -> onnxruntime.InferenceSession:
        path = self._file(name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Memory plans are kept for each shape that was seen, and here nearly every run has a shape of its own.
        options.enable_mem_pattern = False
        with native_faults(f"{path}: onnxruntime refuses it"):
            return open_session(path, options)

    def _checked_heads(self) -> list[str]:
        """Outputs that a reading needs, after a look at their widths; the embedding is not among them."""
        labels = self.labels
        widths = {
            "topic_logits": len(labels.topics),
            "sentiment_logits": len(labels.sentiments),
            "intent_logits": len(labels.intents),
            "entity_logits": len(labels.entity_tags),
            "entity_sentiment_logits": len(labels.sentiments),
        }
        if not labels.intents:
            del widths["intent_logits"]
        given: dict[str, Any] = {
            # A single number has no shape.
            output.name: output.shape[-1] if output.shape else None
            for output in self._session.get_outputs()
        }
        for name, width in widths.items():
            if given.get(name) != width:
                raise VersionError(
                    f"{self._folder / MODEL}: output {name} has width {given.get(name)}, its labels are {width}"
                )
        return list(widths)

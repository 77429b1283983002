"""Serves a generator's version: prompts in, texts out, with onnxruntime, tokenizers and numpy alone."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import onnxruntime
from tokenizers import Tokenizer

from models.generator import parity
from models.generator.chat import Chat
from models.generator.config import CONFIG, PARITY, GenerationOptions, GeneratorConfig, GreedyParity
from models.generator.decoding import Decoded, Decoder, Stopped
from models.generator.ports import LOGITS, cache_names
from models.generator.prompting import encode
from models.generator.session import Rows
from models.manifest import MANIFEST, Manifest, VersionError, read
from models.runtime import MODEL, TOKENIZER, native_faults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.generator.prompting import Prompt

_ERRORS_ONLY = 3


class Generated(NamedTuple):
    """What was written to a prompt."""

    text: str
    tokens: int
    """That were written."""
    stopped: Stopped
    """``end`` where the model ended its turn; else the text breaks off, at its budget or at the deadline."""
    mean_log_probability: float
    """Of its tokens, by the model alone; 0 where there is none."""


class Generator:
    """A loaded version. Any thread may use it, one after the other.

    Args:
        folder: The version's folder.
        manifest: Its manifest.
        threads: Threads of the session; 0 is one a physical core.
        batch: Most texts that are written at the same time.

    Attributes:
        manifest: The version's manifest.
        config: Sizes of its graph, and the form of its turns.
        chat: Encodes and decodes.
    """

    def __init__(self, folder: Path, manifest: Manifest, *, threads: int, batch: int = 4) -> None:
        manifest.need("generator")
        self.manifest = manifest
        self._folder = folder
        self._batch = batch
        self.config = read(self._file(CONFIG), GeneratorConfig)
        self.chat = self._open_chat()
        self._rows = Rows(self._open(threads), self.config, batch)
        self._lock = Lock()

    @classmethod
    def load(cls, folder: Path, *, threads: int, batch: int = 4, check_parity: bool = True) -> Self:
        """Load a version from a folder whose files the registry has verified.

        Args:
            folder: The version's folder.
            threads: Threads of the runtime; 0 is one a physical core.
            batch: Most texts that are written at the same time.
            check_parity: Compare what it writes with what was written at export.

        Raises:
            VersionError: A file is missing, or the graph does not fit its description or does not run.
            OSError: A file cannot be read for now, or memory is short.
            ParityError: The graph does not write what it wrote at export.
        """
        generator = cls(folder, read(folder / MANIFEST, Manifest), threads=threads, batch=batch)
        if check_parity:
            generator._check_parity()
        return generator

    @property
    def model(self) -> str:
        """Name and version, such as ``generator:1``."""
        return f"{self.manifest.name}:{self.manifest.version}"

    def generate(
        self, prompts: Sequence[Prompt], options: GenerationOptions, deadline: float | None = None
    ) -> list[Generated]:
        """Write to each prompt; the more than ``batch`` wait until one is done.

        A prompt that leaves no room for a text, since what was asked is nearly as long as the model's window, is not
        written to: its text is empty and it stopped at ``length``.

        Args:
            prompts: What is asked.
            options: How to write.
            deadline: Of ``time.monotonic``: what is not done by then breaks off.

        Returns:
            One text for each prompt, in their order.
        """
        limit = min(options.max_prompt_tokens, self._room(options))
        encoded = [encode(self.chat, prompt, limit) for prompt in prompts]
        return [
            Generated(self.chat.decode(one.tokens).strip(), len(one.tokens), one.stopped, one.mean_log_probability)
            for one in self.decode(encoded, options, deadline)
        ]

    def decode(
        self, prompts: Sequence[Sequence[int]], options: GenerationOptions, deadline: float | None = None
    ) -> list[Decoded]:
        """Write to prompts of tokens; as ``generate``."""
        room = self._room(options)
        fitting = [place for place, prompt in enumerate(prompts) if len(prompt) <= room]
        with self._lock:
            decoder = Decoder(self._rows, self._batch, self.chat.stops, options, deadline)
            written = decoder.run([prompts[place] for place in fitting])
        done = dict(zip(fitting, written, strict=True))
        return [done.get(place, Decoded([], "length", 0.0)) for place in range(len(prompts))]

    def seconds_per_token(self, prompt: str, steps: int) -> float:
        """How long a token takes after a prompt, whatever the version would write.

        Args:
            prompt: What was read before; not empty.
            steps: Tokens that are timed.
        """
        read = self.chat.encode(prompt)
        with self._lock:
            self._rows.reserve(len(read) + steps)
            self._rows.read(0, read)
            began = time.perf_counter()
            for _ in range(steps):
                self._rows.step(read[-1:])
            return (time.perf_counter() - began) / steps

    def _room(self, options: GenerationOptions) -> int:
        """Tokens of the longest prompt that leaves room for a text."""
        return self.config.context - options.max_new_tokens

    def _check_parity(self) -> None:
        recorded = read(self._file(PARITY), GreedyParity)
        with native_faults(f"{self._folder / MODEL}: it fails at a parity sample"):
            parity.check(self._rows, recorded)

    def _file(self, name: str) -> Path:
        """Path of a file of the version; one that the manifest does not name was not verified and is not read."""
        if name not in self.manifest.files:
            raise VersionError(f"{self._folder / MANIFEST} names no {name}")
        return self._folder / name

    def _open_chat(self) -> Chat:
        path = self._file(TOKENIZER)
        with native_faults(str(path)):
            return Chat(Tokenizer.from_file(str(path)), self.config.form)

    def _open(self, threads: int) -> onnxruntime.InferenceSession:
        path = self._file(MODEL)
        session = open_session(path, threads)
        config = self.config
        shapes: dict[str, Any] = {value.name: value.shape for value in session.get_inputs()}
        for name, _ in cache_names(config.layers):
            shape = shapes.get(name, [0, 0, 0, 0])
            if (shape[1], shape[3]) != (config.key_value_heads, config.head_dim):
                raise VersionError(f"{path}: the cache {name} is not as {CONFIG} says")
        outputs: dict[str, Any] = {value.name: value.shape for value in session.get_outputs()}
        if outputs.get(LOGITS, [0])[-1] != config.vocab_size:
            raise VersionError(f"{path}: its vocabulary is not as {CONFIG} says")
        return session


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session of a generator's graph.

    Args:
        path: The graph.
        threads: 0 is one a physical core.

    Raises:
        VersionError: onnxruntime refuses it.
        OSError: Memory is short, or the system refuses a further file or thread.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # Plans are kept for each shape that was seen, and every prompt has a length of its own.
    options.enable_mem_pattern = False
    # Of the few hundred products of a token each is over in microseconds: threads that sleep in between come too late.
    # After the run none may spin on, which would starve the event loop.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0" if threads == 1 else "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    with native_faults(f"{path}: onnxruntime refuses it"):
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

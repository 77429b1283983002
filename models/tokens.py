"""Texts as the encoder reads them: word pieces, their places in the text, and the case that the pieces lose.

Training and serving share this file, so that a model is served what it was trained on. It needs ``tokenizers`` and
numpy alone.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tokenizers import Regex, Tokenizer
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.pre_tokenizers import Split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Encoding

# A lone surrogate is no Unicode scalar value and cannot be handed to the tokenizer.
_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# A text is cut to so many characters a token before it is tokenised; English takes four to five, spaces included.
_CHARACTERS_PER_TOKEN = 16
_REMEMBERED_WORDS = 65_536
# A message may be one word of a megabyte: so many of those are not to be remembered.
_LONGEST_REMEMBERED = 64
# Emoji and the like, with what only changes their looks. One that touches a name would make one word of both, which no
# vocabulary knows: the name would be read as nothing. Not those of Latin-1, which stand within words that were decoded
# wrongly, as in CafÃ©.
_SIGNS = r"[[\p{So}&&[^\x{A0}-\x{FF}]]\x{1F3FB}-\x{1F3FF}\x{FE0E}\x{FE0F}\x{20E3}]+"
_PAD_TOKENS = ("[PAD]", "<pad>")


class Case(IntEnum):
    """How a word is written, over its letters alone; a word is what the pre-tokeniser parts from the original text."""

    SPECIAL = 0
    """No word: a special token or padding."""
    NONE = 1
    """No letters, or letters of a script without case."""
    LOWER = 2
    TITLE = 3
    """The first letter upper, the rest lower; a single upper letter too."""
    UPPER = 4
    """Two letters or more, all upper."""
    MIXED = 5


class EncodedText(NamedTuple):
    """One text as tokens, special tokens included; the lists are of equal length."""

    ids: list[int]
    case_ids: list[int]
    word_ids: list[int | None]
    """Number of the word that a piece belongs to; None for special tokens."""
    offsets: list[tuple[int, int]]
    """First and one past the last character of each piece, in code points of the original text.

    Where the text is cut within a word, its last piece ends where the word does: half a name is another's.
    """
    truncated: bool
    """Whether the text went on after the last token."""


class Tokens(NamedTuple):
    """A batch for the graph; each array is int64 [batch, length], padded to the longest text of the batch."""

    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]
    case_ids: NDArray[np.int64]


class TextTokenizer:
    """Tokenises texts, cut at a token boundary to a given length.

    The names of special tokens in a text, such as ``[SEP]``, are read as the plain text that they are. Emoji and other
    signs are words of their own.

    Args:
        tokenizer_json: A ``tokenizer.json`` of Hugging Face's ``tokenizers``: its path, its content, or the tokenizer
            itself, which is copied. Its own truncation and padding are put aside.
        max_tokens: Most tokens of one text, special tokens included.
    """

    def __init__(self, tokenizer_json: Path | str | Tokenizer, max_tokens: int) -> None:
        if isinstance(tokenizer_json, Path):
            tokenizer = Tokenizer.from_file(str(tokenizer_json))
        else:
            tokenizer = Tokenizer.from_str(
                tokenizer_json if isinstance(tokenizer_json, str) else tokenizer_json.to_str()
            )
        self.max_tokens = max_tokens
        self.pad_id = _pad_id(tokenizer)
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        tokenizer.encode_special_tokens = True
        if tokenizer.pre_tokenizer is not None:
            tokenizer.pre_tokenizer = PreTokenizers([tokenizer.pre_tokenizer, Split(Regex(_SIGNS), "isolated")])
        self._tokenizer = tokenizer

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens, added ones included."""
        return self._tokenizer.get_vocab_size()

    def encode(self, texts: Sequence[str]) -> list[EncodedText]:
        """Tokenise texts of any Unicode, empty ones included.

        Args:
            texts: The texts; a lone surrogate in one is read as U+FFFD, so that offsets stay those of the original.

        Returns:
            One encoded text for each, in their order.
        """
        readable = [text if text.isascii() else _SURROGATE.sub(_REPLACEMENT, text) for text in texts]
        limit = self.max_tokens * _CHARACTERS_PER_TOKEN
        heads = [text if len(text) <= limit else _head(text, limit) for text in readable]
        encodings = self._tokenizer.encode_batch(heads)
        for index, (text, head) in enumerate(zip(readable, heads, strict=True)):
            if len(head) < len(text) and not encodings[index].overflowing:
                # Spaces or one endless word filled the head: only the whole text tells where the last token ends.
                encodings[index] = self._tokenizer.encode(text)
        return [self._describe(text, encoding) for text, encoding in zip(readable, encodings, strict=True)]

    def pad(self, encoded: Sequence[EncodedText]) -> Tokens:
        """Encoded texts as one batch, each row padded on the right to the longest.

        Args:
            encoded: At least one encoded text.
        """
        lengths = np.fromiter((len(text.ids) for text in encoded), np.int64, len(encoded))
        is_token = np.arange(lengths.max()) < lengths[:, None]
        total = int(lengths.sum())
        input_ids = np.full(is_token.shape, self.pad_id, np.int64)
        case_ids = np.full(is_token.shape, Case.SPECIAL, np.int64)
        input_ids[is_token] = np.fromiter(chain.from_iterable(text.ids for text in encoded), np.int64, total)
        case_ids[is_token] = np.fromiter(chain.from_iterable(text.case_ids for text in encoded), np.int64, total)
        return Tokens(input_ids, is_token.astype(np.int64), case_ids)

    def _describe(self, text: str, encoding: Encoding) -> EncodedText:
        ids: list[int] = encoding.ids
        word_ids: list[int | None] = encoding.word_ids
        offsets: list[tuple[int, int]] = encoding.offsets
        rest = encoding.overflowing if len(ids) == self.max_tokens else []
        if rest:
            _end_with_word(word_ids, offsets, rest)
        # Of equal keys the last wins: where the last piece of each word ends.
        ends = dict(zip(word_ids, offsets, strict=True))
        case_ids: list[int] = []
        case, before = int(Case.SPECIAL), None
        for word, (start, _) in zip(word_ids, offsets, strict=True):
            if word != before:
                case = int(Case.SPECIAL) if word is None else _case(text[start : ends[word][1]])
                before = word
            case_ids.append(case)
        return EncodedText(ids, case_ids, word_ids, offsets, truncated=bool(rest))


def word_case(word: str) -> int:
    """How a word is written, as a plain number of ``Case``."""
    letters = "".join(filter(str.isalpha, word))
    if letters.islower():
        return int(Case.LOWER)
    if letters.isupper():
        return int(Case.UPPER if len(letters) > 1 else Case.TITLE)
    if letters[:1].isupper() and letters[1:].islower():
        return int(Case.TITLE)
    return int(Case.NONE if letters.lower() == letters.upper() else Case.MIXED)


_remembered_case = lru_cache(_REMEMBERED_WORDS)(word_case)


def _case(word: str) -> int:
    return _remembered_case(word) if len(word) <= _LONGEST_REMEMBERED else word_case(word)


def _end_with_word(word_ids: list[int | None], offsets: list[tuple[int, int]], rest: list[Encoding]) -> None:
    """Let the last piece reach to the end of its word, which may lie in the rest of the text."""
    last = next((token for token in reversed(range(len(word_ids))) if word_ids[token] is not None), None)
    if last is None:
        return
    for part in rest:
        of_word = [end for word, (_, end) in zip(part.word_ids, part.offsets, strict=True) if word == word_ids[last]]
        if not of_word:
            return
        offsets[last] = offsets[last][0], of_word[-1]


def _head(text: str, limit: int) -> str:
    """At most ``limit`` characters, ending before a space where there is one, so that no word is split."""
    end = max(text.rfind(" ", 0, limit), text.rfind("\n", 0, limit))
    return text[: end if end > 0 else limit]


def _pad_id(tokenizer: Tokenizer) -> int:
    padding = tokenizer.padding
    if padding is not None:
        return int(padding["pad_id"])
    known = (tokenizer.token_to_id(token) for token in _PAD_TOKENS)
    return next((number for number in known if number is not None), 0)

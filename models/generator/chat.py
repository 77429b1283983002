"""Turns of a conversation as tokens, in the form that a chat model was trained on.

Nothing that a person wrote can become a control token: text is encoded with the special tokens switched off, so that a
customer's ``<|im_end|>`` is ten characters of text and ends nothing. The control tokens are put between the texts by
their ids.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

Form = Literal["chatml", "llama3"]
Role = Literal["system", "user", "assistant"]

# A lone surrogate is no Unicode scalar value and cannot be handed to the tokenizer.
_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class _Turn(NamedTuple):
    """A turn's control tokens, and the text between them; ``{role}`` and ``{text}`` are filled in."""

    begin: str
    role: str
    between: str | None
    """A control token between the role and the text, where there is one."""
    text: str
    end: str
    after: str


_FORMS: dict[Form, _Turn] = {
    # OpenAI's ChatML: SmolLM2, Qwen.
    "chatml": _Turn("<|im_start|>", "{role}\n", None, "{text}", "<|im_end|>", "\n"),
    "llama3": _Turn("<|start_header_id|>", "{role}", "<|end_header_id|>", "\n\n{text}", "<|eot_id|>", ""),
}
_BEGINS_TEXT: dict[Form, str | None] = {"chatml": None, "llama3": "<|begin_of_text|>"}


def form_of(tokenizer: Tokenizer) -> Form | None:
    """The form whose control tokens a vocabulary has; None where it has those of no form that is known."""
    for form, turn in _FORMS.items():
        needed = [turn.begin, turn.between, turn.end, _BEGINS_TEXT[form]]
        if all(token is None or tokenizer.token_to_id(token) is not None for token in needed):
            return form
    return None


class Chat:
    """Encodes and decodes for one model. Any thread may use it.

    Args:
        tokenizer: The model's; it is changed, and must not be used by anybody else.
        form: Form of its turns.
    """

    def __init__(self, tokenizer: Tokenizer, form: Form) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._turn = _FORMS[form]
        self._begins_text = [self._control(token)] if (token := _BEGINS_TEXT[form]) is not None else []
        self.end = self._control(self._turn.end)
        """Id of the token that ends a turn."""
        self.stops = frozenset(
            number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special
        ) | {self.end}
        """Ids of every control token: none is part of a text, so whichever is written ends it."""

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text; control tokens in it are plain text as well."""
        ids: list[int] = self._tokenizer.encode(_SURROGATE.sub(_REPLACEMENT, text), add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text of tokens, without control tokens."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def turn(self, role: Role, text: str) -> list[int]:
        """A whole turn of a conversation."""
        return [*self._opening(role, text), self.end, *self.encode(self._turn.after)]

    def prompt(self, system: str, user: str) -> list[int]:
        """A conversation up to where the assistant begins to write."""
        return [*self._begins_text, *self.turn("system", system), *self.turn("user", user), *self._opening("assistant")]

    def answer(self, text: str) -> list[int]:
        """What the assistant writes, with the token that ends it: what a model learns after a prompt."""
        return [*self.encode(text.strip()), self.end]

    def _opening(self, role: Role, text: str = "") -> list[int]:
        turn = self._turn
        named, filled = turn.role.format(role=role), turn.text.replace("{text}", text)
        if turn.between is None:
            return [self._control(turn.begin), *self.encode(named + filled)]
        return [self._control(turn.begin), *self.encode(named), self._control(turn.between), *self.encode(filled)]

    def _control(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise ValueError(f"the tokenizer lacks {token}")
        return int(number)

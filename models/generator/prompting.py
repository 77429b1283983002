"""What the generator is asked, in words; fine-tuning and serving share this file.

The company's facts stand in the system's turn and what the customer wrote stands in the customer's, alone: the model
was taught that the one instructs and the other is answered. That is no protection by itself (``streams.logic.replies``
checks whatever is written), but it is where a model looks for it.

A prompt that is too long loses evidence from its end, and never a word of the customer's, nor a fact of a brief.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.generator.chat import Chat

_REPLY = (
    "You are the customer service{of}. Answer the customer's question in a {tone} tone, in one to three sentences, "
    "with the approved answers below and nothing else."
)
_BRIEF = (
    "You work at the desk of a news agency. Write two or three short sentences in plain news style from the facts that "
    "you are given. Add nothing. Quote word for word."
)
_TONE = "polite"
# A piece of evidence that is cut to less says nothing.
_FEWEST_TOKENS = 16
# English takes four to five characters a token; what is longer than so many is cut before it is tokenised.
_CHARACTERS_PER_TOKEN = 16


class Prompt(NamedTuple):
    """A task for the generator, before it is made of tokens."""

    instructions: str
    heading: str
    """Of the evidence."""
    evidence: tuple[str, ...]
    """Best first."""
    asked: str
    """What the customer wrote, or the facts of a brief: never cut."""


def reply_prompt(
    message: str,
    evidence: Sequence[str],
    *,
    topic: str | None = None,
    sentiment: str | None = None,
    tone: str | None = None,
    company: str | None = None,
) -> Prompt:
    """Ask for a reply to a customer.

    Args:
        message: What the customer wrote, without personal data.
        evidence: Approved answers and passages, best first.
        topic: What the message is about.
        sentiment: The customer's.
        tone: Of the reply, as an adjective or two: ``friendly``.
        company: Whose customer it is.
    """
    of = f" of {company}" if company else ""
    told = [f"Topic: {topic}." if topic else "", f"The customer's mood: {sentiment}." if sentiment else ""]
    instructions = " ".join([_REPLY.format(of=of, tone=tone or _TONE), *filter(None, told)])
    return Prompt(instructions, "Approved answers:", tuple(evidence), message)


def brief_prompt(facts: Sequence[str], quotes: Sequence[str]) -> Prompt:
    """Ask for the story of an alert.

    Args:
        facts: What is known, a sentence each.
        quotes: What people say, without personal data, most telling first.
    """
    asked = "Facts:\n" + "\n".join(f"- {_line(fact)}" for fact in facts)
    return Prompt(_BRIEF, "What people say:", tuple(f'"{_line(quote)}"' for quote in quotes), asked)


def encode(chat: Chat, prompt: Prompt, max_tokens: int) -> list[int]:
    """Tokens of a prompt, with as much of its evidence as there is room for.

    Args:
        chat: The model's.
        prompt: What is asked.
        max_tokens: Most tokens; more come out only where the prompt without any evidence has more.
    """
    # Pieces are encoded alone: where they are joined a token more or less may come out, which the loop makes good.
    left = max_tokens - len(chat.prompt(_system(prompt, [""]), prompt.asked))
    kept: list[str] = []
    for piece in prompt.evidence:
        line = _line(piece)[: _CHARACTERS_PER_TOKEN * max(0, left)]
        ids = chat.encode(f"\n- {line}")
        if len(ids) > left:
            cut = _cut(chat, ids[:left]) if left >= _FEWEST_TOKENS else ""
            kept += [cut] if cut else []
            break
        kept.append(line)
        left -= len(ids)
    while True:
        ids = chat.prompt(_system(prompt, kept), prompt.asked)
        if len(ids) <= max_tokens or not kept:
            return ids
        kept.pop()


def _system(prompt: Prompt, evidence: Sequence[str]) -> str:
    if not evidence:
        return prompt.instructions
    return f"{prompt.instructions}\n\n{prompt.heading}" + "".join(f"\n- {piece}" for piece in evidence)


def _cut(chat: Chat, ids: Sequence[int]) -> str:
    """Text of tokens up to its last whole word."""
    text = chat.decode(ids).removeprefix("\n- ")
    return text.rpartition(" ")[0].rstrip()


def _line(text: str) -> str:
    """A text in one line."""
    return " ".join(text.split())

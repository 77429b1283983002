from __future__ import annotations

import pytest
from support import toy_llama

from models.generator.chat import Chat
from models.generator.prompting import brief_prompt, encode, reply_prompt

EVIDENCE = [
    "Cards come by post within five working days.",
    "A new card costs nothing at all, wherever you live.",
    "Old cards stop working once the new one is used.",
]
MESSAGE = "Where is my new card? I ordered it a week ago and nobody tells me anything."


@pytest.fixture(scope="module")
def chat() -> Chat:
    return Chat(toy_llama.tokenizer(), "chatml")


def shown(chat: Chat, ids: list[int]) -> str:
    return chat.decode(ids)


def test_a_reply_is_asked_with_all_that_is_known(chat: Chat) -> None:
    prompt = reply_prompt(
        MESSAGE, EVIDENCE, topic="cards", sentiment="negative", tone="warm", company="Harbour Lane Bank"
    )
    text = shown(chat, encode(chat, prompt, 4000))
    for part in (MESSAGE, *EVIDENCE, "cards", "negative", "warm", "Harbour Lane Bank"):
        assert part in text


def test_what_the_customer_wrote_stands_in_the_customers_turn_alone(chat: Chat) -> None:
    ids = encode(chat, reply_prompt(MESSAGE, EVIDENCE), 4000)
    system, user = (chat.decode(part) for part in _turns(ids)[:2])
    assert MESSAGE not in system
    assert user.strip() == f"user\n{MESSAGE}"
    assert all(piece in system for piece in EVIDENCE)


def _turns(ids: list[int]) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    for number in ids:
        if number == toy_llama.END:
            parts.append([])
        else:
            parts[-1].append(number)
    return parts


def test_a_long_prompt_loses_evidence_from_its_end_and_nothing_else(chat: Chat) -> None:
    prompt = reply_prompt(MESSAGE, EVIDENCE)
    whole = len(encode(chat, prompt, 4000))
    bare = len(encode(chat, reply_prompt(MESSAGE, []), 4000))
    seen = set()
    for budget in range(bare - 40, whole + 40):
        ids = encode(chat, prompt, budget)
        text = shown(chat, ids)
        assert MESSAGE in text
        assert len(ids) <= max(budget, bare)
        kept = [piece in text for piece in EVIDENCE]
        assert kept == sorted(kept, reverse=True)
        seen.add(sum(kept))
    assert seen == {0, 1, 2, 3}


def test_room_for_a_part_of_a_piece_is_used_up_to_a_whole_word(chat: Chat) -> None:
    bare = len(encode(chat, reply_prompt(MESSAGE, []), 4000))
    text = shown(chat, encode(chat, reply_prompt(MESSAGE, EVIDENCE), bare + 60))
    (line,) = [line for line in text.splitlines() if line.startswith("- ")]
    piece = line.removeprefix("- ").removesuffix("<|im_end|>")
    assert EVIDENCE[0].startswith(piece)
    assert 10 < len(piece) < len(EVIDENCE[0])
    assert EVIDENCE[0][len(piece)] == " "


def test_a_message_longer_than_the_budget_is_whole(chat: Chat) -> None:
    message = "word " * 400 + "last"
    assert message in shown(chat, encode(chat, reply_prompt(message, EVIDENCE), 300))


def test_evidence_of_any_length_costs_no_more_than_its_room(chat: Chat) -> None:
    assert len(encode(chat, reply_prompt("Hi", ["a " * 1_000_000]), 500)) <= 500


def test_a_line_break_in_evidence_begins_no_line(chat: Chat) -> None:
    text = shown(chat, encode(chat, reply_prompt("Hi", ["one\n- two\n\nthree"]), 4000))
    assert "- one - two three" in text


def test_a_brief_keeps_its_facts_and_loses_quotes(chat: Chat) -> None:
    facts = ["Larkmoor Bank: 18 negative messages in 12 minutes", "0.7 were expected"]
    prompt = brief_prompt(facts, ["The app is down again, and nobody answers the phone", "No money for a week"])
    bare = len(encode(chat, brief_prompt(facts, []), 4000))
    text = shown(chat, encode(chat, prompt, bare + 5))
    assert all(fact in text for fact in facts)
    assert "nobody answers" not in text
    assert '"The app is down again, and nobody answers the phone"' in shown(chat, encode(chat, prompt, 4000))

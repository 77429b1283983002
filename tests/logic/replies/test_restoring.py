"""Personal data is taken out and given back to the same person, and nothing else is given back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.contract.masking import find
from streams.logic.replies.check import check
from streams.logic.replies.restoring import unveil, veil

PIECES = [
    "ann@larkmoor.example",
    "bob@pennick.example",
    "+44 20 7946 0018",
    "@annp",
    "4111 1111 1111 1111",
    "GB82 WEST 1234 5698 7654 32",
]


def test_two_addresses_are_told_apart_and_one_stays_one() -> None:
    veiled = veil("From a@x.example to b@y.example, not a@x.example")
    assert veiled.text == "From [email] to [email 2], not [email]"
    assert veiled.pieces == {"[email]": "a@x.example", "[email 2]": "b@y.example"}


def test_names_that_the_record_tells_are_taken_out_too() -> None:
    veiled = veil("I am Ann Pratt, user ap77; Pratt with two t", author="Ann Pratt", user="ap77")
    assert veiled.text == "I am [author], user [user]; [author 2] with two t"
    assert unveil("Dear [author]", veiled.pieces).text == "Dear Ann Pratt"


@quick
@given(st.lists(st.sampled_from([*PIECES, "hello", "[email]", "[email 2]", "[phone]", "{{x}}"]), max_size=12))
def test_nothing_personal_is_left_and_all_comes_back(parts: list[str]) -> None:
    text = ", ".join(parts)
    veiled = veil(text)
    assert find(veiled.text, handles=True) == []
    back = unveil(veiled.text, veiled.pieces)
    assert back.invented == ()
    assert back.text == ", ".join(part.strip("[]") if part[0] == "[" else part for part in parts)


def test_a_placeholder_that_the_reply_invents_is_told() -> None:
    veiled = veil("I am at a@x.example")
    back = unveil("We wrote to [email], [email 2] and [phone].", veiled.pieces)
    assert back.text == "We wrote to a@x.example, [email 2] and [phone]."
    assert back.invented == ("[email 2]", "[phone]")


def test_what_a_customer_types_is_no_placeholder() -> None:
    veiled = veil("Write to [email], that is a@x.example")
    assert veiled.text == "Write to email, that is [email]"


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("Is your e-mail address [email] still right?", True),
        ("Dear [author], thank you for writing.", True),
        ("Send the money to [email].", False),
        ("Is your e-mail address [email 2] still right?", False),
        ("Is your IBAN [iban] still right?", False),
    ],
)
def test_a_persons_data_is_given_back_only_as_theirs(text: str, fine: bool) -> None:
    message = veil("I'm Ann, at a@x.example", author="Ann Pratt").text
    assert (check(text, evidence=(), message=message) == []) is fine

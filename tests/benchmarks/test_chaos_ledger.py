"""The sums of a stream under a fault: what is missing, what came twice, and what nobody can account for."""

from __future__ import annotations

from benchmarks.support.chaos.ledger import balance
from streams.contract.ids import output_id

PLACES = [("news", partition, offset) for partition in range(2) for offset in range(3)]
ANSWERS = [output_id(*place, "prediction") for place in PLACES]
LETTERS = [output_id(*place, "dead-letter") for place in PLACES]


def test_sums_that_meet() -> None:
    ledger = balance(PLACES, ANSWERS[:4], LETTERS[4:])
    assert (ledger.inputs, ledger.outputs, ledger.dead_letters) == (6, 4, 2)
    assert (ledger.missing, ledger.told_by_id, ledger.untold) == (0, 0, 0)
    assert ledger.meets


def test_an_input_with_neither_output_is_missing() -> None:
    ledger = balance(PLACES, ANSWERS[1:5], [])
    assert ledger.missing == 2
    assert not ledger.meets


def test_copies_of_one_id_are_told() -> None:
    ledger = balance(PLACES, [*ANSWERS[:5], *ANSWERS[:2]], [LETTERS[5], LETTERS[5], LETTERS[5]])
    assert ledger.told_by_id == 4
    assert ledger.meets


def test_what_cannot_be_told_by_id_is_counted() -> None:
    of_no_input = output_id("news", 0, 99, "prediction")
    ledger = balance(PLACES, [*ANSWERS, of_no_input], LETTERS[:1])
    assert ledger.untold == 2
    assert not ledger.meets

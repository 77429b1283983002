"""Whatever lies in two parts is found, and told without its text."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from support.labelled import kept_id, learnt_id, row, texts

from retrain.leakage import THRESHOLD, LeakageError, check
from retrain.near_duplicates import jaccard, shingles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.rows import Row
    from retrain.snapshot import Part

pytestmark = pytest.mark.train

A, B, C, D = texts(4)
FIRST = learnt_id()
SECOND = learnt_id(but=frozenset([FIRST]))
# Of twelve words the last is another.
NEAR_A = f"{A.rsplit(' ', 1)[0]} else"


def parts(**rows: Row) -> dict[Part, list[Row]]:
    """A row in each part, with a text, a group and an id of its own unless one is given."""
    usual: Mapping[Part, Row] = {
        "train": row(FIRST, A, group="1"),
        "validation": row(SECOND, B, group="2"),
        "frozen": row(kept_id(), C, group="3"),
        "recent": row("r", D, group="4"),
    }
    return {part: [rows.get(part, one)] for part, one in usual.items()}


def test_parts_that_share_nothing_pass() -> None:
    check(parts(), [row(FIRST, A), row("gone", texts(1, seed=9)[0])])


@pytest.mark.parametrize(
    ("leak", "told"),
    [
        ({"recent": row(FIRST, D, group="4")}, f"the message of label {FIRST!r} in train"),
        ({"recent": row("r", A.upper(), group="4")}, f"the text of label {FIRST!r} in train"),
        (
            {"frozen": row(kept_id(), NEAR_A, group="3")},
            f"label {FIRST!r} in train is nearly the text of label {kept_id()!r}",
        ),
        ({"validation": row(SECOND, NEAR_A, group="2")}, f"is nearly the text of label {SECOND!r} in validation"),
        ({"recent": row("r", D, group="1")}, f"the group of label {FIRST!r} in train"),
        ({"train": row(kept_id(), A, group="1")}, f"label '{kept_id()}' is kept for testing by its hash"),
    ],
)
def test_what_is_shared_is_told_without_its_text(leak: dict[str, Row], told: str) -> None:
    with pytest.raises(LeakageError) as caught:
        check(parts(**leak), [])
    message = str(caught.value)
    assert told in message
    assert not any(word in message for text in (A, B, C, D) for word in text.split())


@pytest.mark.parametrize(
    "before", [row(kept_id(), B), row("other", C.upper()), row("other", f"{D.rsplit(' ', 1)[0]} else")]
)
def test_what_is_tested_must_not_have_been_learnt_before(before: Row) -> None:
    with pytest.raises(LeakageError, match="learnt before"):
        check(parts(), [before])


def test_what_is_learnt_again_may_have_been_learnt_before() -> None:
    check(parts(), [row(FIRST, B), row(SECOND, NEAR_A)])


def test_a_pair_is_found_just_where_it_is_alike_enough() -> None:
    rng = random.Random(11)
    found = 0
    for text in texts(40, seed=4):
        words = text.split()
        words[rng.randrange(len(words))] = "else"
        other = " ".join(words)
        leaking = parts(train=row(FIRST, text, group="1"), recent=row("r", other, group="4"))
        if jaccard(shingles(text), shingles(other)) >= THRESHOLD:
            found += 1
            with pytest.raises(LeakageError, match="is nearly the text"):
                check(leaking, [])
        else:
            check(leaking, [])
    assert 0 < found < 40


def test_texts_of_one_part_may_be_alike() -> None:
    alike = parts()
    alike["frozen"].append(row("x", f"{C.rsplit(' ', 1)[0]} else", group="5"))
    check(alike, [])

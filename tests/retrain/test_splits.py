"""Hashes alone say which part a row is in; near-duplicates go together, and what was learnt is never tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from support.labelled import NOW, an_id, days_ago, kept_id, learnt_id, row, texts

from retrain.sides import is_frozen, is_recent_test, is_validation
from retrain.snapshot import PARTS
from retrain.splits import Hours, Split, latest_hours, split
from streams.contract.ids import text_fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from retrain.rows import Row
    from retrain.snapshot import Part

pytestmark = pytest.mark.train

A, B, C = texts(3)
WEEK = days_ago(7)


def near(text: str) -> str:
    return f"RT @desk: {text}"


def seed(text: str) -> Row:
    return row(text_fingerprint(text), text, origin="seed", source="seed")


def a_seed(*, held_out: bool) -> Row:
    return next(one for one in map(seed, texts(200, seed=5)) if is_frozen(one) is held_out)


def parts_of(made: Split) -> dict[str, Part]:
    """The part of each row by its id."""
    return {one.id: part for part in PARTS for one in made.parts[part]}


def is_learnt(part: Part) -> bool:
    return part in ("train", "validation")


def of(rows: Sequence[Row], learnt: Sequence[Row] = (), since: datetime = WEEK) -> dict[str, Part]:
    return parts_of(split(rows, learnt, latest=Hours(since, NOW)))


def test_a_fifth_is_frozen_and_an_eighth_of_the_rest_validates() -> None:
    made = split([row(f"m{number}", text) for number, text in enumerate(texts(2000))], (), latest=None)
    sizes = {part: len(made.parts[part]) for part in PARTS}
    assert sizes["recent"] == made.copies == made.set_aside == 0
    assert sizes["frozen"] == pytest.approx(400, abs=60)
    assert sizes["validation"] == pytest.approx(200, abs=45)
    assert sum(sizes.values()) == 2000


def test_seed_examples_are_held_out_as_for_the_first_model() -> None:
    kept, learnt = a_seed(held_out=True), a_seed(held_out=False)
    parts = of([kept, learnt])
    assert parts[kept.id] == "frozen"
    assert is_learnt(parts[learnt.id])


def test_a_group_with_a_frozen_row_is_frozen_wholly() -> None:
    parts = of([row(kept_id(), A), row(learnt_id(), near(A))])
    assert set(parts.values()) == {"frozen"}


def test_rows_have_the_name_of_their_group() -> None:
    made = split([row("b", A), row("a", near(A)), row("c", B)], (), latest=None)
    groups = {one.id: one.group for part in PARTS for one in made.parts[part]}
    assert groups == {"a": "label:a", "b": "label:a", "c": "label:c"}


def test_what_a_model_has_learnt_is_never_tested_and_what_is_near_it_is_set_aside() -> None:
    learnt, kept = row(learnt_id(), A), row(kept_id(), near(A))
    made = split([learnt, kept], [learnt], latest=Hours(WEEK, NOW))
    assert made.set_aside == 1
    assert parts_of(made).keys() == {learnt.id}
    assert is_learnt(parts_of(made)[learnt.id])


def test_it_is_set_aside_even_when_what_was_learnt_is_gone() -> None:
    made = split([row(kept_id(), near(A))], [row(learnt_id(), A)], latest=Hours(WEEK, NOW))
    assert (made.set_aside, parts_of(made)) == (1, {})


def test_what_was_learnt_is_known_by_its_id_after_its_text_has_changed() -> None:
    id_ = an_id(lambda one: not is_frozen(one) and is_recent_test(f"label:{one.id}"))
    new = row(id_, B, time=days_ago(1), control=True)
    assert of([new]) == {id_: "recent"}
    assert is_learnt(of([new], [row(id_, A)])[id_])


def test_a_seed_example_that_is_learnt_counts_as_learnt_before() -> None:
    example = a_seed(held_out=False)
    made = split([example, row(kept_id(), near(example.text))], (), latest=Hours(WEEK, NOW))
    assert (made.set_aside, *parts_of(made)) == (1, example.id)


def test_a_correction_of_what_is_learnt_is_learnt_whatever_its_id() -> None:
    example = a_seed(held_out=False)
    correction = replace(row(kept_id(), example.text), sentiment="negative")
    made = split([example, correction], (), latest=Hours(WEEK, NOW))
    (one,) = [*made.parts["train"], *made.parts["validation"]]
    assert (one.id, one.sentiment, made.copies, made.set_aside) == (example.id, "negative", 1, 0)


def test_texts_that_differ_in_a_sign_are_rows_of_their_own_in_one_part() -> None:
    rise, fall = "Harlow Bank +3.2% today on volume", "Harlow Bank -3.2% today on volume"
    made = split([row("a", rise, sentiment="positive"), row("b", fall, sentiment="negative")], (), latest=None)
    (kept,) = filter(None, made.parts.values())
    assert [(one.id, one.text, one.sentiment, one.group) for one in kept] == [
        ("a", rise, "positive", "label:a"),
        ("b", fall, "negative", "label:a"),
    ]
    assert made.copies == 0


def test_what_differs_in_a_sign_from_what_is_learnt_is_no_copy_of_it() -> None:
    example = seed(f"{a_seed(held_out=False).text} \U0001f44d")
    assert not is_frozen(example)
    made = split([example, row(kept_id(), example.text[:-1] + "\U0001f44e")], (), latest=None)
    assert (made.set_aside, made.copies, *parts_of(made)) == (1, 0, example.id)


def test_of_the_latest_hours_the_control_and_half_of_the_rest_are_tested() -> None:
    rows = [
        row(f"m{number}", text, time=days_ago(1), control=number % 4 == 0) for number, text in enumerate(texts(600))
    ]
    parts = of(rows)
    assert all(parts[one.id] == "recent" for one in rows if one.control or is_frozen(one))
    others = [parts[one.id] for one in rows if not one.control and not is_frozen(one)]
    assert others.count("recent") / len(others) == pytest.approx(0.5, abs=0.1)
    assert "frozen" not in others


def test_what_is_older_or_of_no_known_time_is_not_recent() -> None:
    old, timeless, mixed = (
        row(f"{name}-{learnt_id()}", text, control=True) for name, text in zip("abc", (A, B, C), strict=True)
    )
    rows = [replace(old, time=days_ago(8)), timeless, replace(mixed, time=days_ago(1)), row("d", near(C))]
    assert "recent" not in of(rows).values()


def test_what_claims_to_come_from_the_future_is_not_recent() -> None:
    rows = [row(f"m{number}", text, time=days_ago(-300), control=True) for number, text in enumerate(texts(50))]
    rows[7] = replace(rows[7], id="now", time=days_ago(0))
    parts = parts_of(split(rows, (), latest=latest_hours(rows, 24 * 7, NOW)))
    assert [name for name, part in parts.items() if part == "recent"] == ["now"]


def test_what_was_recent_and_is_old_now_goes_where_its_hash_says() -> None:
    kept, other = kept_id(), an_id(lambda one: not is_frozen(one))
    rows = [row(kept, A, time=days_ago(1), control=True), row(other, B, time=days_ago(1), control=True)]
    assert set(of(rows).values()) == {"recent"}
    later = of(rows, since=days_ago(0.5))
    assert later[kept] == "frozen"
    assert is_learnt(later[other])


def test_nothing_that_is_tested_next_week_was_learnt_this_week() -> None:
    stories = texts(400, seed=3)
    # Every third story is told again a week later, in other words.
    now = [row(f"n{number}", text, time=days_ago(number % 14)) for number, text in enumerate(stories)]
    again = [
        row(f"a{number}", near(text), time=NOW, control=number % 2 == 0) for number, text in enumerate(stories[::3])
    ]
    first = split(now, (), latest=Hours(WEEK, NOW))
    learnt = [*first.parts["train"], *first.parts["validation"]]
    second = split([*now, *again], learnt, latest=Hours(days_ago(3), NOW))
    parts = parts_of(second)
    assert all(is_learnt(parts[one.id]) for one in learnt)
    tested = {one.group for part in ("frozen", "recent") for one in second.parts[part]}
    assert tested
    assert not tested & {one.group for one in (*second.parts["train"], *second.parts["validation"])}
    # What was frozen is compared on again.
    assert all(parts[one.id] == "frozen" for one in first.parts["frozen"])


def test_purposes_have_hashes_of_their_own() -> None:
    names = [f"m{number}" for number in range(4000)]
    frozen = [name for name in names if is_frozen(row(name, "x"))]
    assert sum(map(is_validation, frozen)) / len(frozen) == pytest.approx(1 / 8, abs=0.04)
    assert sum(map(is_recent_test, frozen)) / len(frozen) == pytest.approx(1 / 2, abs=0.06)


def test_sides_stay_the_same_over_versions() -> None:
    # Whoever learnt a row under one version must not test on it under the next.
    assert [number for number in range(40) if is_frozen(row(f"m{number}", "x"))] == [0, 2, 4, 5, 8, 13, 19, 36, 38]
    assert [number for number in range(40) if is_validation(f"label:m{number}")] == [2, 5, 8, 9]
    assert [number for number in range(12) if is_recent_test(f"label:m{number}")] == [1, 2, 4, 6, 7, 9, 11]


def test_the_latest_hours_end_with_the_newest_message_that_can_be() -> None:
    rows = [
        row("a", A, time=days_ago(30)),
        row("b", B, time=days_ago(40)),
        row("c", C, time=days_ago(-365)),
        row("d", A),
    ]
    assert latest_hours(rows, 24, NOW) == Hours(days_ago(31), days_ago(30))
    assert latest_hours([row("a", A)], 24, NOW) is None

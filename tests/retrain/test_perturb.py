"""Perturbed texts: what their labels say stays true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support import toy_rows

from retrain.perturb import Edit, edited, perturbations
from retrain.robustness import MOST_ROWS, drawn
from retrain.rows import Row  # noqa: TC001  hypothesis reads annotations
from streams.contract.labels import LabelledEntity

WORDS = st.text(alphabet="abcdefghißŉİ 张三.-'É", min_size=1, max_size=12)


@st.composite
def labelled(draw: st.DrawFn) -> Row:
    """A row of names and what stands between them."""
    text, entities = "", []
    for _ in range(draw(st.integers(0, 4))):
        text += draw(WORDS)
        start = len(text)
        text += draw(WORDS)
        if draw(st.booleans()):
            type_ = draw(st.sampled_from(["ORG", "PER"]))
            entities.append(LabelledEntity(start=start, end=len(text), type=type_, sentiment="positive"))
    return replace(toy_rows.rows(1)[0], id=draw(WORDS), text=text + draw(WORDS), entities=tuple(entities))


def names(row: Row) -> list[str]:
    return [row.text[entity.start : entity.end] for entity in row.entities or ()]


@given(st.lists(labelled(), min_size=1, max_size=4, unique_by=lambda row: row.id))
def test_entities_move_with_their_text(rows: list[Row]) -> None:
    by_id = {row.id: row for row in rows}
    known = {name for row in rows for name in names(row)}
    for kind, changed in perturbations(rows).items():
        for row in changed:
            before = by_id[row.id]
            assert row.text != before.text
            assert [entity.type for entity in row.entities or ()] == [entity.type for entity in before.entities or ()]
            assert all(0 <= entity.start < entity.end <= len(row.text) for entity in row.entities or ())
            match kind:
                case "lower case" | "upper case":
                    assert len(row.text) == len(before.text)
                    assert [name.casefold() for name in names(row)] == [name.casefold() for name in names(before)]
                case "other names":
                    assert set(names(row)) <= known
                case "a distracting sentence":
                    assert names(row) == names(before)
                    assert before.text in row.text


@given(st.lists(labelled(), min_size=1, max_size=4, unique_by=lambda row: row.id))
def test_a_row_is_perturbed_alike_whenever_it_is_asked(rows: list[Row]) -> None:
    assert perturbations(rows) == perturbations(list(rows))


def row(text: str, *entities: tuple[int, int]) -> Row:
    marked = tuple(LabelledEntity(start=start, end=end, type="ORG", sentiment="negative") for start, end in entities)
    return replace(toy_rows.rows(1)[0], text=text, entities=marked)


def test_edits_move_what_stands_behind_them() -> None:
    before = row("Acme sues Beta", (0, 4), (10, 14))
    after = edited(before, [Edit(0, 0, "Oh. "), Edit(0, 4, "Globex"), Edit(11, 13, "x"), Edit(14, 14, " Bye.")])
    assert after.text == "Oh. Globex sues Bxa Bye."
    assert names(after) == ["Globex", "Bxa"]
    assert before.text == "Acme sues Beta"


def test_a_name_is_changed_for_another_of_its_class_the_same_each_time() -> None:
    rows = [row("Acme and Acme", (0, 4), (9, 13)), replace(row("Beta", (0, 4)), id="other")]
    changed = {one.id: one.text for one in perturbations(rows)["other names"]}
    assert changed == {rows[0].id: "Beta and Beta", "other": "Acme"}


def test_a_text_that_a_perturbation_leaves_as_it_is_is_not_asked_again() -> None:
    kinds = perturbations([row("42!")])
    assert {kind for kind, changed in kinds.items() if changed} == {"a distracting sentence"}


def test_typos_are_few_and_are_not_made_over_the_border_of_a_name() -> None:
    text = "abcdefgh " * 20
    (changed,) = perturbations([row(text.strip())])["typos"]
    words = zip(text.split(), changed.text.split(), strict=True)
    assert sum(old != new for old, new in words) == 2
    # The only pairs of letters of one side are those of the name's own.
    for number in range(50):
        for one in perturbations([replace(row("abcd", (1, 3)), id=str(number))])["typos"]:
            assert one.text.startswith("a")
            assert one.text.endswith("d")


@pytest.mark.parametrize(("text", "ending"), [("利润上升", "。"), ("profit rises", ".")])
def test_the_distracting_sentence_is_in_the_texts_own_script(text: str, ending: str) -> None:
    rows = [replace(row(text), id=str(number)) for number in range(20)]
    changed = [one.text for one in perturbations(rows)["a distracting sentence"]]
    assert {one.startswith(text) for one in changed} == {True, False}
    assert all(one.replace(text, "").strip().endswith(ending) for one in changed)


def test_of_many_rows_the_same_ones_are_drawn_in_whatever_order_they_come() -> None:
    rows = toy_rows.rows(MOST_ROWS + 50)
    chosen = drawn(rows)
    assert len(chosen) == MOST_ROWS
    assert chosen == drawn(rows[::-1])
    assert set(chosen[:10]) != set(rows[:10])

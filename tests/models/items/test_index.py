"""The live items."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick
from support.recommend import HOUR, NOON, NOW, WIDTH, an_item, noise, unit

from models.items.index import ItemIndex, title_of

if TYPE_CHECKING:
    from streams.contract.recommendations import Item


def filled(count: int, **options: float) -> ItemIndex:
    index = ItemIndex(WIDTH, int(options.get("max_items", 1000)), options.get("ttl_hours", 1000.0))
    for number in range(count):
        index.put(an_item(f"i{number}", hours=number), noise(number))
    return index


def test_the_nearest_are_found_first_and_each_once() -> None:
    index = filled(200)
    vectors = np.array([noise(number) for number in range(200)])
    queries = np.array([noise(1000), noise(1001)])
    expected = np.argsort(-(vectors @ queries[0]))[:10]
    assert index.search(queries[:1], 10, NOW) == [f"i{number}" for number in expected]
    both = index.search(queries, 10, NOW)
    assert len(both) == len(set(both)) > 10
    best = (vectors @ queries.T).max(axis=1).argmax()
    assert both[0] == f"i{best}"


def test_vectors_come_back_as_they_were_but_for_half_precision() -> None:
    index = filled(300)
    assert index.vector("i7") == pytest.approx(noise(7), abs=1e-3)
    items, vectors = index.take(["i3", "gone", "i250"], NOW)
    assert [item.id for item in items] == ["i3", "i250"]
    assert vectors[1] == pytest.approx(noise(250), abs=1e-3)
    assert index.take([], NOW).vectors.shape == (0, WIDTH)


def test_an_item_that_ended_is_neither_found_nor_taken_and_then_let_go() -> None:
    index = ItemIndex(WIDTH, 10, ttl_hours=10.0)
    index.put(an_item("by-age", hours=8), unit(1))
    index.put(an_item("by-date", expires=NOON + timedelta(hours=1)), unit(1, 0.1))
    index.put(an_item("stays"), unit(1, 0.2))
    later = NOW + 3 * HOUR
    assert index.search(unit(1)[None], 3, later) == ["stays"]
    assert [item.id for item in index.take(["by-age", "by-date", "stays"], later).items] == ["stays"]
    assert index.newest(5, later) == ["stays"]
    assert index.expire(later) == 2
    assert index.expire(later) == 0
    assert len(index) == 1


def test_beyond_the_bound_the_items_that_appeared_first_go() -> None:
    index = filled(20, max_items=5)
    assert sorted(index.newest(10, NOW)) == ["i0", "i1", "i2", "i3", "i4"]
    assert len(index) == 5


def test_an_item_too_old_for_a_full_index_does_not_enter() -> None:
    index = filled(5, max_items=5)
    index.put(an_item("ancient", hours=999), unit(1))
    assert "ancient" not in index
    assert len(index) == 5


def test_an_item_told_anew_takes_its_old_place() -> None:
    index = filled(5)
    index.put(an_item("i3", hours=-1, title="Another"), unit(0, 0, 0, 0, 1))
    assert len(index) == 5
    assert index.newest(1, NOW) == ["i3"]
    assert index.item("i3").title == "Another"
    assert index.search(unit(0, 0, 0, 0, 1)[None], 1, NOW) == ["i3"]
    assert index.search(noise(3)[None], 5, NOW).count("i3") == 1


def test_what_was_removed_is_gone_and_may_come_back() -> None:
    index = filled(5)
    assert index.remove("i2")
    assert not index.remove("i2")
    assert index.item("i2") is index.vector("i2") is None
    assert "i2" not in index.search(noise(2)[None], 5, NOW)
    index.put(an_item("i2"), noise(2))
    assert index.search(noise(2)[None], 1, NOW) == ["i2"]


@quick
@given(st.lists(st.tuples(st.sampled_from(["put", "remove", "expire"]), st.integers(0, 12)), max_size=80))
def test_whatever_comes_and_goes_it_holds_what_it_should(steps: list[tuple[str, int]]) -> None:
    index, model = ItemIndex(WIDTH, 6, ttl_hours=8.0), {}
    for step, number in steps:
        name = f"i{number}"
        if step == "put":
            index.put(an_item(name, hours=number), noise(number))
            model[name] = number
            if len(model) > 6:
                del model[max(model, key=model.__getitem__)]
        elif step == "remove":
            assert index.remove(name) == (model.pop(name, None) is not None)
        else:
            index.expire(NOW)
            model = {name: age for name, age in model.items() if age < 8}
        assert len(index) == len(model)
    live = {name for name, age in model.items() if age < 8}
    assert set(index.newest(100, NOW)) == live
    assert set(index.search(unit(1)[None], 100, NOW)) == live
    assert len(index._rows.keys) <= 256


def test_neither_rows_nor_orders_grow_with_what_comes_and_goes() -> None:
    index = ItemIndex(WIDTH, 50, 1000.0)
    for number in range(3000):
        index.put(an_item(f"i{number}", hours=-number), noise(number % 7))
    assert len(index._at_row) <= 51
    assert len(index._by_time) <= 400
    assert len(index._ends) <= 400


def test_a_text_is_not_kept_and_a_title_is_made_of_its_beginning() -> None:
    index = ItemIndex(WIDTH, 5, 1.0)
    index.put(an_item("a", text="word " * 1000), unit(1))
    kept = index.item("a")
    assert kept.title == kept.text == title_of(an_item("a", text="word " * 1000))
    assert len(kept.title) <= 120
    assert kept.title.endswith("word…")


@pytest.mark.parametrize("title", ["word " * 30_000, "x" * 150_000, " \n" + "a\tb " * 99])
def test_a_title_is_cut_as_a_text_is(title: str) -> None:
    index = ItemIndex(WIDTH, 5, 1.0)
    index.put(an_item("a", title=title), unit(1))
    kept = index.item("a")
    assert kept.title == kept.text == title_of(an_item("a", text=title))
    assert 100 < len(kept.title) <= 120


def test_a_title_of_nothing_is_none() -> None:
    assert title_of(an_item("a", text="Ferries are late", title=" \n")) == "Ferries are late"


def test_an_item_is_live_until_it_ends_or_is_removed() -> None:
    index = ItemIndex(WIDTH, 5, ttl_hours=1.0)
    index.put(an_item("a"), unit(1))
    index.put(an_item("b"), unit(0, 1))
    index.remove("b")
    assert [index.is_live(item, NOW) for item in ("a", "b", "c")] == [True, False, False]
    assert not index.is_live("a", NOW + HOUR)


def test_an_item_is_never_gone_while_it_is_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    index, seen, until = filled(3), [], ItemIndex._until

    def watched(self: ItemIndex, item: Item) -> float:
        # The old form has been let go by now, and the new one is about to come.
        seen.append(self.is_live("i1", NOW))
        return until(self, item)

    monkeypatch.setattr(ItemIndex, "_until", watched)
    index.put(an_item("i1", title="Another"), noise(1))
    assert seen == [True]
    assert index.search(noise(1)[None], 1, NOW) == ["i1"]


def test_a_vector_of_another_width_is_refused_by_the_items_name() -> None:
    with pytest.raises(ValueError, match=r"item a: a vector of shape \(3,\)"):
        ItemIndex(WIDTH, 5, 1.0).put(an_item("a"), np.zeros(3, np.float32))


def test_one_thread_may_put_while_another_searches() -> None:
    index, failures = filled(50, max_items=80), []

    def search() -> None:
        try:
            for number in range(300):
                ids = index.search(noise(number)[None], 20, NOW)
                index.take(ids, NOW)
                index.newest(5, NOW)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told in the test's own thread
            failures.append(error)

    searching = Thread(target=search)
    searching.start()
    for number in range(600):
        index.put(an_item(f"n{number % 150}", hours=-number), noise(number))
        index.remove(f"n{(number * 7) % 150}")
    searching.join()
    assert failures == []


def test_what_a_search_leaves_empty_is_no_item() -> None:
    index = ItemIndex(WIDTH, 10, 1000.0)
    for number in range(3):
        index.put(an_item(f"i{number}"), noise(number))
    index.remove("i0")  # of the first row, as zeros are

    class Short:
        """Finds one where two are asked for, as the graph may among many that are removed."""

        def search(self, vectors: Any, _limit: int, threads: int) -> Any:  # noqa: ANN401  stands for usearch's
            assert threads == 1
            keys = np.zeros((len(vectors), 2), np.uint64)
            keys[:, 0] = index._entries["i1"].key
            return SimpleNamespace(keys=keys, distances=np.full(keys.shape, [0.1, np.nan], np.float32))

    index._graph = Short()  # type: ignore[assignment]
    assert index.search(noise(1)[None], 2, NOW) == ["i1"]

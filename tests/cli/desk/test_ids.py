"""An id is meant where it is given whole, or by a beginning that no other has."""

from __future__ import annotations

import pytest

from streams.cli import common, desk

STANDING = {"faq-1": "one", "faq-10": "ten", "guide": "guide"}


@pytest.mark.parametrize(("given", "meant"), [("faq-1", "one"), ("faq-10", "ten"), ("g", "guide")])
def test_an_id_is_meant_by_all_of_it_though_it_begins_another_and_by_a_beginning_of_its_own(
    given: str, meant: str
) -> None:
    assert desk.unique(given, STANDING, "answer", "tocsin answers list") == meant


@pytest.mark.parametrize(("given", "told"), [("faq", "begins the ids of 2"), ("none", "no answer none")])
def test_what_means_several_or_none_is_refused(given: str, told: str) -> None:
    with pytest.raises(common.CommandError, match=told):
        desk.unique(given, STANDING, "answer", "tocsin answers list")

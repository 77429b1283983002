"""An import changes what is to be changed, and nothing by being repeated."""

from __future__ import annotations

from support.labels import make_label

from retrain.formats.items import Said
from retrain.importing import plan

EARLY = make_label("m-1", "ann", minutes=0, sentiment="negative")
LATE = make_label("m-1", "ann", minutes=9, sentiment="positive")
BOB = make_label("m-1", "bob", minutes=5, sentiment="neutral")


def test_what_is_new_is_sent_and_what_changed_replaces() -> None:
    found = plan([EARLY], [Said("line 1", LATE), Said("line 2", BOB)])
    assert [said.place for said in found.changed] == ["line 1"]
    assert [said.place for said in found.new] == ["line 2"]
    assert {said.place for said in found.to_send} == {"line 1", "line 2"}


def test_what_stands_already_is_not_sent_again_whenever_it_was_said() -> None:
    again = make_label("m-1", "ann", minutes=60, sentiment="negative")
    found = plan([EARLY, BOB], [Said("line 1", again), Said("line 2", BOB)])
    assert (found.unchanged, found.to_send) == (2, [])


def test_an_old_file_does_not_undo_a_later_word() -> None:
    found = plan([LATE], [Said("line 1", EARLY)])
    assert (found.older, found.to_send) == (1, [])


def test_of_one_labeller_on_one_message_the_latest_counts_then_the_last() -> None:
    twin = make_label("m-1", "ann", minutes=9, sentiment="neutral")
    found = plan([], [Said("line 1", LATE), Said("line 2", EARLY), Said("line 3", twin)])
    assert (found.repeated, [said.place for said in found.new]) == (2, ["line 3"])

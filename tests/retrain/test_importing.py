"""An import changes what is to be changed, and nothing by being repeated."""

from __future__ import annotations

from support.labels import make_label

from retrain.formats.items import Said
from retrain.importing import plan
from streams.contract.labels import LabelledEntity

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


def test_a_file_of_one_head_takes_no_other_head_away() -> None:
    standing = make_label("m-1", "ann", sentiment="negative", reply="We are sorry.", reason="random", source="wire")
    topics = make_label("m-1", "ann", minutes=9, sentiment=None, topics=["fees"])
    (changed,) = plan([standing], [Said("line 1", topics)]).changed
    label = changed.label
    assert (label.topics, label.sentiment, label.reply) == (["fees"], "negative", "We are sorry.")
    assert (label.time, label.source, label.reason) == (topics.time, "wire", "random")


def test_two_rows_of_one_message_make_one_label() -> None:
    later = make_label("m-1", "ann", minutes=9, sentiment=None, topics=["fees"])
    for given in ([EARLY, later], [later, EARLY]):
        found = plan([], [Said(f"line {place}", label) for place, label in enumerate(given)])
        assert found.repeated == 1
        assert [(said.label.topics, said.label.sentiment) for said in found.new] == [(["fees"], "negative")]


def test_an_old_file_adds_what_nobody_has_said_since() -> None:
    topics = make_label("m-1", "ann", minutes=0, sentiment="negative", topics=["fees"])
    (changed,) = plan([LATE], [Said("line 1", topics)]).changed
    assert (changed.label.topics, changed.label.sentiment, changed.label.time) == (["fees"], "positive", LATE.time)


def test_places_stand_with_the_text_that_they_are_places_in() -> None:
    entities = [LabelledEntity(start=0, end=4, type="ORG")]
    standing = make_label("m-1", "ann", text="Acme, says [email]", entities=entities, sentiment=None)
    said = make_label("m-1", "ann", minutes=9, text="Acme, says ann@example.org", sentiment="negative")
    (changed,) = plan([standing], [Said("line 1", said)]).changed
    label = changed.label
    assert (label.text, label.entities, label.sentiment) == ("Acme, says [email]", entities, "negative")


def test_a_backup_is_put_back_as_it_was() -> None:
    topics = make_label("m-1", "ann", minutes=9, sentiment=None, topics=["fees"])
    (changed,) = plan([EARLY], [Said("line 1", topics)], as_they_were=True).changed
    assert changed.label == topics

"""A model's reference: what it is used to, measured as the stream will be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import pytest
from support import toy_model

from models.manifest import VersionError, decode
from models.registry import Registry
from models.runtime import Encoder
from models.training_reference import REFERENCE, TrainingReference, describe, encode
from models.yardstick import Yardstick, script

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.records import SourceKind


class Text(NamedTuple):
    text: str
    kind: SourceKind = "news"


FITTED = [Text(text) for text in ("acme profit wins", "acme shares", "beta cola merger loses", "paris profit wins")]
UNSEEN = [
    Text("acme profit loses"),
    Text("beta merger wins"),
    Text("beta merger wins!"),
    Text("why is it broken", "customer"),
]


@pytest.fixture(scope="module")
def reference(encoder: Encoder) -> TrainingReference:
    return describe(encoder, FITTED, UNSEEN)


def measure(encoder: Encoder, reference: TrainingReference, row: Text) -> dict[str, float | str]:
    numbers, categories = reference.yardstick.measure(
        row.text, row.kind, encoder.read([row.text])[0], encoder.embed([row.text])[0], encoder.piece_ids([row.text])[0]
    )
    return {**numbers, **categories}


def test_kinds_are_told_apart_and_copies_once(reference: TrainingReference) -> None:
    assert {kind: known.size for kind, known in reference.kinds.items()} == {"customer": 1, "news": 2}
    news = reference.kinds["news"]
    assert news.categories["topic"] == {"deals": 1, "earnings": 1}
    assert news.categories["sentiment"] == {"negative": 1, "positive": 1}
    assert news.categories["script"] == {"LATIN": 2}
    assert news.numbers["length"] == [16.0, 17.0]
    assert all(values == sorted(values) for values in news.numbers.values())


def test_customers_intents_are_measured_and_nobody_elses(reference: TrainingReference) -> None:
    assert "intent" in reference.kinds["customer"].categories
    assert "intent" not in reference.kinds["news"].categories


def test_the_stream_is_measured_as_the_unseen_texts_were(encoder: Encoder, reference: TrainingReference) -> None:
    measured = measure(encoder, reference, UNSEEN[0])
    for name, values in reference.kinds["news"].numbers.items():
        assert measured[name] in [pytest.approx(value, rel=1e-3, abs=1e-4) for value in values], name


def test_unknown_words_make_a_text_surprising_and_far(encoder: Encoder, reference: TrainingReference) -> None:
    known = measure(encoder, reference, Text("acme profit wins"))
    unknown = measure(encoder, reference, Text("zzz qqq"))
    assert unknown["vocabulary"] > known["vocabulary"]
    assert unknown["novelty"] > known["novelty"]
    assert known["confidence"] > 0.9 > unknown["confidence"]


def test_a_share_is_told_of_texts_as_far_and_is_never_nothing(reference: TrainingReference) -> None:
    nearer, farther = reference.kinds["news"].numbers["novelty"]
    assert reference.share_as_far("news", farther + 1.0) == pytest.approx(1 / 3)
    assert reference.share_as_far("news", farther) == pytest.approx(2 / 3)
    assert reference.share_as_far("news", nearer) == 1.0
    assert reference.share_as_far("social", 2.0) == 1.0


def test_the_same_texts_give_the_same_bytes_and_the_file_gives_it_back(
    encoder: Encoder, reference: TrainingReference
) -> None:
    content = encode(reference)
    assert encode(describe(encoder, FITTED, UNSEEN)) == content
    assert decode(content, TrainingReference, REFERENCE) == reference


def test_no_text_can_be_read_in_the_file(reference: TrainingReference) -> None:
    content = encode(reference)
    assert not any(word.encode() in content for word in ("profit", "shares", "merger", "broken"))


def test_texts_are_masked_whether_a_label_request_did_it_or_nobody(encoder: Encoder) -> None:
    def named(who: str, mail: str) -> list[Text]:
        return [Text(f"{who} {row.text}, ask {mail}", row.kind) for row in (*FITTED, *UNSEEN)]

    raw, asked = named("@profit", "ann@example.com"), named("[user]", "[email]")
    reference = describe(encoder, raw[:4], raw[4:])
    assert reference == describe(encoder, asked[:4], asked[4:])
    assert reference.is_of_masked_texts


def test_texts_that_differ_in_whom_they_name_are_copies(encoder: Encoder) -> None:
    unseen = [Text("@ann why is it broken"), Text("@ben why is it broken")]
    assert describe(encoder, FITTED, unseen).kinds["news"].size == 1


def test_a_file_of_the_older_make_is_read_and_says_so(reference: TrainingReference) -> None:
    content = encode(reference).replace(b'{"schema":2,', b'{"schema":1,', 1)
    assert not decode(content, TrainingReference, REFERENCE).is_of_masked_texts


def test_progress_is_told_to_the_end(encoder: Encoder) -> None:
    told: list[tuple[int, int]] = []
    describe(encoder, FITTED, UNSEEN, lambda done, total: told.append((done, total)))
    assert told[-1] == (7, 7)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_few_texts_have_few_directions() -> None:
    vector = np.eye(3, dtype=np.float32)[:1]
    alone = Yardstick.laid_down(vector, [[1]], "single")
    assert len(alone.directions) == 4 * 3
    two = Yardstick.laid_down(np.eye(3, dtype=np.float32)[:2], [[1], [2]], "single")
    assert len(two.directions) == 4 * 3


def test_a_text_without_pieces_or_letters_is_measured(encoder: Encoder, reference: TrainingReference) -> None:
    measured = measure(encoder, reference, Text("👍 42"))
    assert measured["script"] == "NONE"
    answer = encoder.read(["x"])[0]
    numbers, _ = reference.yardstick.measure("x", "news", answer, encoder.embed(["x"])[0], [])
    assert numbers["vocabulary"] == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Shares fell 3%", "LATIN"), ("銀行的服務 ok", "CJK"), ("Банк закрыт", "CYRILLIC"), ("البنك", "ARABIC")],
)
def test_scripts_are_told_apart(text: str, expected: str) -> None:
    assert script(text) == expected


def test_of_several_topics_each_is_a_question_of_its_own(encoder: Encoder, reference: TrainingReference) -> None:
    answer = msgspec.structs.replace(
        encoder.read(["acme profit wins"])[0],
        topics=["deals", "earnings"],
        topic_scores={"deals": 0.95, "earnings": 0.9, "markets": 0.2},
    )
    yardstick = msgspec.structs.replace(reference.yardstick, topic_mode="multi")
    measures = yardstick.measure("x", "news", answer, encoder.embed(["x"])[0], [1])
    assert measures.numbers["confidence"] == pytest.approx(0.8)
    assert measures.categories["topic"] == "deals"
    none = msgspec.structs.replace(answer, topics=[])
    assert yardstick.measure("x", "news", none, encoder.embed(["x"])[0], [1]).categories["topic"] == "none"


def test_a_version_gives_its_reference_and_one_made_before_gives_none(
    encoder: Encoder, reference: TrainingReference, toy_files: Path, tmp_path: Path
) -> None:
    assert encoder.training_reference() is None
    files = toy_model.write_files(tmp_path / "files")
    (files / REFERENCE).write_bytes(encode(reference))
    registry = Registry(str(tmp_path / "registry"))
    number = registry.register(files, "encoder", **toy_model.facts())
    folder = registry.fetch("encoder", number, tmp_path)
    assert Encoder.load(folder, threads=1, sub_batch=4).training_reference() == reference


def test_a_reference_that_was_cut_is_refused(reference: TrainingReference) -> None:
    broken = msgspec.to_builtins(reference)
    broken["yardstick"]["mean"] = "AAAA"
    with pytest.raises(VersionError, match=r"reference\.json: mean has 3 bytes"):
        decode(msgspec.json.encode(broken), TrainingReference, REFERENCE)

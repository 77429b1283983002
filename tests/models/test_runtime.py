from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import toy_model

from models.batching import sub_batches
from models.manifest import Labels, Parity, ParityError, VersionError, encode, read
from models.registry import Registry
from models.runtime import Encoder, OutOfMemoryError, native_faults
from models.sessions import open_session
from models.training_reference import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXTS = ["Acme Corp wins: profit!", "why, Beta-Cola loses the merger", "", "shares in Paris " * 30, "broken"]


def test_a_reading(encoder: Encoder) -> None:
    reading = encoder.read(["Acme Corp wins in Paris: profit, why"])[0]
    assert reading.topics == ["earnings"]
    assert (reading.sentiment, reading.intent) == ("positive", "question")
    assert [(entity.text, entity.type, entity.start, entity.end) for entity in reading.entities] == [
        ("Acme Corp", "ORG", 0, 9),
        ("Paris", "LOC", 18, 23),
    ]
    assert {entity.sentiment for entity in reading.entities} == {"positive"}
    assert not reading.truncated


def test_scores_are_rounded_probabilities(encoder: Encoder) -> None:
    reading = encoder.read(["acme wins its profit"])[0]
    entity_scores = [entity.sentiment_scores for entity in reading.entities]
    for scores in (reading.topic_scores, reading.sentiment_scores, reading.intent_scores or {}, *entity_scores):
        assert sum(scores.values()) == pytest.approx(1.0, abs=1e-3)
        assert all(score == round(score, 4) for score in scores.values())
    assert max(reading.topic_scores, key=reading.topic_scores.__getitem__) == reading.topics[0]


def test_entity_score_and_sentiment_are_those_of_the_logits(encoder: Encoder) -> None:
    text = "zoe wins"
    entity = encoder.read([text])[0].entities[0]
    # By hand: [CLS] zoe wins [SEP]; zoe's tag logits are 8 for B-PER and 1 for O, and the mean holds a quarter of wins.
    exponentials = np.exp([8.0, 1.0, *[0.0] * 7])
    assert entity.score == pytest.approx(exponentials[0] / exponentials.sum(), abs=1e-4)
    towards = np.exp([-25.0, -25.0, 0.0])
    assert list(entity.sentiment_scores.values()) == pytest.approx((towards / towards.sum()).tolist(), abs=1e-4)


def test_sentiment_towards_an_entity_is_that_of_its_own_pieces(encoder: Encoder) -> None:
    entities = encoder.read(["zoe lone wins as beta wins"])[0].entities
    assert [(entity.text, entity.sentiment) for entity in entities] == [("zoe lone", "negative"), ("beta", "positive")]


def test_a_name_in_which_a_text_is_cut_is_told_whole(encoder: Encoder) -> None:
    text = "profit " * 29 + "acmexyz wins"
    reading = encoder.read([text])[0]
    assert reading.truncated
    assert [(entity.text, entity.start, entity.end) for entity in reading.entities] == [("acmexyz", 203, 210)]


def test_order_and_company_of_texts_do_not_matter(encoder: Encoder) -> None:
    alone = [encoder.read([text])[0] for text in TEXTS]
    assert encoder.read(TEXTS) == alone
    assert encoder.read(TEXTS[::-1]) == alone[::-1]
    assert encoder.read([]) == []


def test_truncation_is_told(encoder: Encoder) -> None:
    assert [reading.truncated for reading in encoder.read(TEXTS)] == [False, False, False, True, False]


any_text = st.lists(
    st.text(st.characters(exclude_categories=()), max_size=5) | st.sampled_from(["acme", "U.S.", "@beta", "-", " "])
).map("".join)


@settings(deadline=None)
@given(texts=st.lists(any_text))
def test_any_unicode(encoder: Encoder, texts: list[str]) -> None:
    for text, reading in zip(texts, encoder.read(texts), strict=True):
        for entity in reading.entities:
            assert text[entity.start : entity.end] == entity.text != ""


def test_a_reading_fits_the_contract(encoder: Encoder) -> None:
    reading = encoder.read(["Acme Corp wins in Paris"])[0]
    for entity in reading.entities:
        assert msgspec.json.decode(msgspec.json.encode(entity), type=type(entity)) == entity


def test_multi_label_topics_without_intents(tmp_path: Path) -> None:
    labels = msgspec.structs.replace(toy_model.LABELS, topic_mode="multi", intents=())
    registry = Registry(str(tmp_path / "registry"))
    files = toy_model.write_files(tmp_path / "files", labels)
    number = registry.register(files, "encoder", **toy_model.facts())
    encoder = Encoder.load(registry.fetch("encoder", number, tmp_path), threads=1, sub_batch=4)
    both, _ = encoder.read(["profit and merger", "acme"])
    # A logit of 0 is a probability of one half, which counts.
    assert both.topics == ["earnings", "markets", "deals"]
    assert both.topic_scores["earnings"] > 0.99
    assert both.topic_scores["markets"] == 0.5
    assert (both.intent, both.intent_scores) == (None, None)


def test_embeddings(encoder: Encoder) -> None:
    vectors = encoder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.manifest.width)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(vectors[1], encoder.embed([TEXTS[1]])[0], atol=1e-6)
    assert encoder.embed([]).shape == (0, encoder.manifest.width)


def test_an_fp32_version_embeds_with_its_own_graph(tmp_path: Path, encoder: Encoder) -> None:
    registry = Registry(str(tmp_path / "registry"))
    files = toy_model.write_files(tmp_path / "files", precision="fp32")
    number = registry.register(files, "encoder", **toy_model.facts("fp32"))
    fp32 = Encoder.load(registry.fetch("encoder", number, tmp_path), threads=1, sub_batch=4)
    np.testing.assert_array_equal(fp32.embed(TEXTS), encoder.embed(TEXTS))


def test_two_encoders_side_by_side(toy_version: Path, encoder: Encoder) -> None:
    other = Encoder.load(toy_version, threads=1, sub_batch=2)
    other.warm_up(embedder=True)
    assert other.read(TEXTS) == encoder.read(TEXTS)
    assert other.model == "encoder:1"


@given(lengths=st.lists(st.integers(2, 128)), most=st.integers(1, 20))
def test_sub_batches_are_every_text_once(lengths: list[int], most: int) -> None:
    runs = list(sub_batches(lengths, most))
    assert sorted(place for run in runs for place in run) == list(range(len(lengths)))
    assert all(1 <= len(run) <= most for run in runs)


def test_a_long_text_does_not_lengthen_many_short_ones() -> None:
    assert [len(run) for run in sub_batches([10, 128, 10, 10, 11], 16)] == [4, 1]


class TestRefusals:
    @pytest.fixture
    def copy(self, toy_version: Path, tmp_path: Path) -> Path:
        return shutil.copytree(toy_version, tmp_path / "copy")

    def test_other_outputs_than_at_export(self, copy: Path) -> None:
        parity = read(copy / "parity.json", Parity)
        sample = parity.samples[0]
        changed = msgspec.structs.replace(
            sample, topic_logits=(sample.topic_logits[0] + 0.02, *sample.topic_logits[1:])
        )
        (copy / "parity.json").write_bytes(encode(msgspec.structs.replace(parity, samples=(changed,))))
        with pytest.raises(ParityError, match=r"topic_logits differs by 0\.0200"):
            Encoder.load(copy, threads=1, sub_batch=4)
        Encoder.load(copy, threads=1, sub_batch=4, check_parity=False)

    def test_another_label_within_the_tolerance(self, copy: Path) -> None:
        parity = read(copy / "parity.json", Parity)
        # Of this text the logits of both intents are 0, and the first is chosen.
        changed = msgspec.structs.replace(
            parity.samples[0],
            text="acme",
            topic_logits=(0.0,) * 3,
            sentiment_logits=(0.0,) * 3,
            intent_logits=(0, 1e-3),
        )
        (copy / "parity.json").write_bytes(encode(msgspec.structs.replace(parity, samples=(changed,))))
        with pytest.raises(ParityError, match="intent_logits chooses another label"):
            Encoder.load(copy, threads=1, sub_batch=4)

    def test_other_labels_than_the_graph_has(self, copy: Path) -> None:
        labels = msgspec.structs.replace(toy_model.LABELS, topics=("one", "two"))
        (copy / "labels.json").write_bytes(encode(labels))
        with pytest.raises(VersionError, match="output topic_logits has width 3, its labels are 2"):
            Encoder.load(copy, threads=1, sub_batch=4)

    def test_tags_that_are_no_tags(self, copy: Path) -> None:
        labels = json.loads((copy / "labels.json").read_text())
        labels["entity_tags"][1] = "B-THING"
        (copy / "labels.json").write_text(json.dumps(labels))
        with pytest.raises(VersionError, match=r"labels\.json.*entity_tags"):
            Encoder.load(copy, threads=1, sub_batch=4)

    @pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "labels.json", "parity.json", "manifest.json"])
    def test_a_file_of_noise(self, copy: Path, name: str) -> None:
        (copy / name).write_bytes(b"\x07noise")
        with pytest.raises(VersionError, match=name.replace(".", r"\.")):
            Encoder.load(copy, threads=1, sub_batch=4)

    def test_a_file_that_the_manifest_does_not_name(self, copy: Path) -> None:
        manifest = json.loads((copy / "manifest.json").read_text())
        del manifest["files"]["embedder.onnx"]
        (copy / "manifest.json").write_text(json.dumps(manifest))
        encoder = Encoder.load(copy, threads=1, sub_batch=4)
        assert not encoder.embedder_sha256
        with pytest.raises(VersionError, match=r"names no embedder\.onnx"):
            encoder.embed(["acme"])

    @pytest.mark.parametrize("damage", [np.nan, np.inf])
    def test_what_is_no_number_is_no_reading(self, copy: Path, damage: float) -> None:
        for name in ("model.onnx", "embedder.onnx"):
            model = onnx.load(copy / name)
            (table,) = (constant for constant in model.graph.initializer if constant.name == "table")
            rows = onnx.numpy_helper.to_array(table).copy()
            rows[toy_model.vocabulary()["cola"]] = damage
            table.CopyFrom(onnx.numpy_helper.from_array(rows, "table"))
            onnx.save(model, copy / name)
        encoder = Encoder.load(copy, threads=1, sub_batch=4)
        assert encoder.read(["acme wins"])[0].topics
        with pytest.raises(VersionError, match=r"encoder:1: output .* is no number"):
            encoder.read(["acme wins", "cola"])
        with pytest.raises(VersionError, match="output embedding is no number"):
            encoder.embed(["cola"])

    def test_an_output_that_is_wanted_is_a_single_number(self, copy: Path) -> None:
        model = onnx.load(copy / "model.onnx")
        (node,) = (node for node in model.graph.node if node.output[0] == "topic_logits")
        node.output[0] = "topics"
        model.graph.node.append(onnx.helper.make_node("ReduceSum", ["topics"], ["topic_logits"], keepdims=0))
        (output,) = (output for output in model.graph.output if output.name == "topic_logits")
        output.CopyFrom(onnx.helper.make_tensor_value_info("topic_logits", onnx.TensorProto.FLOAT, []))
        onnx.save(model, copy / "model.onnx")
        with pytest.raises(VersionError, match="output topic_logits has width None"):
            Encoder.load(copy, threads=1, sub_batch=4)


@contextmanager
def no_further_file() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestTheMachine:
    """What it lacks is no version's fault."""

    @pytest.mark.parametrize(
        "opening",
        [
            lambda encoder: read(encoder._folder / "labels.json", Labels),
            lambda encoder: encoder._open("model.onnx"),
            lambda encoder: encoder._open_tokenizer(),
            lambda encoder: Encoder.load(encoder._folder, threads=1, sub_batch=4),
        ],
    )
    def test_a_file_too_many(self, encoder: Encoder, opening: Callable[[Encoder], object]) -> None:
        with no_further_file(), pytest.raises(OSError, match=r"Too many open files|system error|os error") as refused:
            opening(encoder)
        assert refused.value.errno == errno.EMFILE
        opening(encoder)

    def test_memory_for_a_run(self) -> None:
        # 256 TiB, which no process can address.
        shape = onnx.numpy_helper.from_array(np.array([2**46], np.int64), "shape")
        node = onnx.helper.make_node("ConstantOfShape", ["shape"], ["zeros"])
        zeros = onnx.helper.make_tensor_value_info("zeros", onnx.TensorProto.FLOAT, [None])
        graph = onnx.helper.make_graph([node], "huge", [], [zeros], [shape])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
        with pytest.raises(OutOfMemoryError, match=r"^huge cannot be run: "), native_faults("huge cannot be run"):
            open_session(model.SerializeToString()).run(None, {})

    @pytest.mark.parametrize(
        ("said", "raised"),
        [
            ("[ONNXRuntimeError] : 6 : Exception during initialization: std::bad_alloc", MemoryError),
            ("bad allocation", MemoryError),
            ("Cannot allocate memory (os error 12)", MemoryError),
            ("env.cc:327 pthread_create failed, error code: 11 error msg: Resource temporarily unavailable", OSError),
            ("Load model from model.onnx failed:system error number 13", PermissionError),
            ("No such file or directory (os error 2)", VersionError),
            ("Protobuf parsing failed.", VersionError),
        ],
    )
    def test_what_is_said_decides(self, said: str, raised: type[Exception]) -> None:
        with pytest.raises(raised, match=r"model\.onnx"), native_faults("model.onnx"):
            raise RuntimeError(said)

    def test_memory_is_short_like_a_registry_that_is_away(self) -> None:
        assert issubclass(OutOfMemoryError, OSError)
        assert not issubclass(OutOfMemoryError, VersionError)

    @pytest.mark.parametrize("error", [ParityError("another label"), MemoryError(), PermissionError("closed")])
    def test_what_is_told_already_stays(self, error: Exception) -> None:
        with pytest.raises(type(error)) as told, native_faults("model.onnx"):
            raise error
        assert told.value is error

    def test_a_training_reference_that_cannot_be_read_is_told_as_none(self, toy_version: Path, tmp_path: Path) -> None:
        folder = shutil.copytree(toy_version, tmp_path / "copy")
        (folder / REFERENCE).mkdir()
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][REFERENCE] = manifest["files"]["labels.json"]
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(VersionError, match="Is a directory"):
            Encoder.load(folder, threads=1, sub_batch=4).training_reference()


def test_serving_imports_no_training_library() -> None:
    code = (
        "import sys, models.runtime, models.registry, models.tokens;"
        "print(sorted({'torch', 'transformers', 'onnx', 'sklearn', 'safetensors', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"

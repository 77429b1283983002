from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from support import toy_bert

from models import bootstrap as bootstrapping
from models.bootstrap import BootstrapResult, make
from models.evaluation import Answers, score
from models.fitting import fit_heads
from models.manifest import Labels
from models.quantize import STEPS, Step, Trial, try_steps
from models.registry import Registry
from models.report import Report
from models.runtime import Encoder
from models.tagging import entity_tags, overlapping, tag_first_pieces
from models.tokens import EncodedText
from streams.contract.domain import Domain, DomainError, load_domain
from streams.contract.examples import Example, Span, load_seed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from models.evaluation import Evaluation
    from models.heads import Heads

# Every so many of the seed's examples, which come file by file: some of each kind.
EVERY = 6
FILES = (
    "embedder.onnx",
    "labels.json",
    "model.onnx",
    "parity.json",
    "reference.json",
    "report.json",
    "report.md",
    "tokenizer.json",
)


@pytest.fixture(scope="module")
def domain() -> Domain:
    return load_domain("finance")


@pytest.fixture(scope="module")
def examples(domain: Domain) -> list[Example]:
    return load_seed(domain)[::EVERY]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bert.write(tmp_path_factory.mktemp("base"))


@pytest.fixture
def int8_at_any_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights read next to nothing, so that what int8 costs them is chance: take it anyway."""
    allow(monkeypatch, 2.0)


def allow(monkeypatch: pytest.MonkeyPatch, loss: float) -> None:
    monkeypatch.setattr("models.quantize.ALLOWED_LOSS", loss)
    monkeypatch.setattr("models.quantize.ALLOWED_HEAD_LOSS", loss)


@pytest.fixture(scope="module")
def made(
    domain: Domain, examples: list[Example], base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, BootstrapResult]:
    out = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        allow(patch, 2.0)
        return out, run(examples, domain, base, out)


def run(examples: list[Example], domain: Domain, base: Path, out: Path, seed: int = 13) -> BootstrapResult:
    return make(examples, base=str(base), domain=domain, out=out, cache=out, max_tokens=48, seed=seed)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_version_is_made_that_can_be_registered_and_served(
    made: tuple[Path, BootstrapResult], examples: list[Example], tmp_path: Path
) -> None:
    out, result = made
    assert sorted(path.name for path in out.iterdir()) == list(FILES)
    registry = Registry(str(tmp_path / "registry"))
    registry.register(
        out,
        "encoder",
        precision=result.precision,
        max_tokens=48,
        width=result.width,
        metrics=result.metrics,
        lineage=result.lineage,
    )
    _, folder = registry.resolve_and_fetch("encoder", "1", tmp_path / "cache")
    encoder = Encoder.load(folder, threads=1, sub_batch=8)
    readings = encoder.read([example.text for example in examples[:3]])
    assert [len(reading.topic_scores) for reading in readings] == [12, 12, 12]
    assert np.allclose(np.linalg.norm(encoder.embed(["one", "another text"]), axis=1), 1.0, atol=1e-5)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    made: tuple[Path, BootstrapResult],
    examples: list[Example],
    domain: Domain,
    base: Path,
    tmp_path: Path,
    int8_at_any_price: None,
) -> None:
    for name in ("same", "other"):
        (tmp_path / name).mkdir()
    run(examples, domain, base, tmp_path / "same")
    run(examples, domain, base, tmp_path / "other", seed=14)
    assert sha256(tmp_path / "same" / "model.onnx") == sha256(made[0] / "model.onnx")
    assert sha256(tmp_path / "same" / "embedder.onnx") == sha256(made[0] / "embedder.onnx")
    assert sha256(tmp_path / "same" / "reference.json") == sha256(made[0] / "reference.json")
    assert sha256(tmp_path / "other" / "model.onnx") != sha256(made[0] / "model.onnx")


def test_nothing_is_learnt_and_nothing_decided_from_what_is_held_out(
    made: tuple[Path, BootstrapResult],
    examples: list[Example],
    domain: Domain,
    base: Path,
    tmp_path: Path,
    int8_at_any_price: None,
) -> None:
    spoilt = [
        msgspec.structs.replace(example, sentiment="positive", topics=("fraud",), entities=())
        if example.held_out
        else example
        for example in examples
    ]
    report = run(spoilt, domain, base, tmp_path).report
    assert sha256(tmp_path / "model.onnx") == sha256(made[0] / "model.onnx")
    assert report.quantization == made[1].report.quantization
    assert report.served != made[1].report.served


def test_the_report_tells_of_each_head_beside_the_majority(
    made: tuple[Path, BootstrapResult], examples: list[Example]
) -> None:
    out, result = made
    report = msgspec.json.decode((out / "report.json").read_bytes(), type=Report)
    assert report == result.report
    held_out = [example for example in examples if example.held_out]
    assert report.held_out_examples == report.served.topic.examples == len(held_out)
    assert sum(row.support for row in report.served.sentiment.classes) == len(held_out)
    assert report.served.entities.entities == sum(len(example.entities) for example in held_out)
    text = (out / "report.md").read_text(encoding="utf-8")
    for head in ("topic", "sentiment", "intent", "sentiment towards entities"):
        assert f"| {head} |" in text


@pytest.mark.train
def test_the_fp32_graph_answers_as_torch_and_the_fitted_heads_do(made: tuple[Path, BootstrapResult]) -> None:
    difference = made[1].report.torch_difference
    assert difference is not None
    assert difference < 1e-3


def test_progress_is_told_to_the_end_of_each_stage(
    examples: list[Example], domain: Domain, base: Path, tmp_path: Path
) -> None:
    last: dict[str, tuple[int, int]] = {}

    def tell(stage: str, done: int, total: int) -> None:
        assert last.get(stage, (0, total)) <= (done, total)
        last[stage] = (done, total)

    make(
        examples,
        base=str(base),
        domain=domain,
        out=tmp_path,
        cache=tmp_path,
        max_tokens=48,
        seed=1,
        on_progress=tell,
    )
    assert {"base weights", "features", "heads"} <= set(last)
    assert all(done == total for done, total in last.values())


def test_int8_that_costs_too_much_on_examples_that_were_not_fitted_on_is_not_served(
    examples: list[Example], domain: Domain, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[list[Example]] = []
    judged: list[list[Example]] = []

    def fit(features: object, part: list[Example], *rest: object, **options: Any) -> Heads:  # noqa: ANN401
        fitted.append(list(part))
        return fit_heads(features, part, *rest, **options)

    def judge(answers: Answers, part: list[Example], *rest: Any) -> Evaluation:  # noqa: ANN401
        judged.append(list(part))
        return score(answers, part, *rest)

    monkeypatch.setattr("models.workshop.fit_heads", fit)
    monkeypatch.setattr("models.workshop.score", judge)
    allow(monkeypatch, -2.0)
    result = run(examples, domain, base, tmp_path)
    assert result.precision == "fp32"
    assert not [trial for trial in result.report.quantization if trial.accepted]
    # An fp32 graph gives the embedding itself.
    assert not (tmp_path / "embedder.onnx").exists()
    assert sorted(path.suffix for path in tmp_path.iterdir()).count(".onnx") == 1

    training = [example for example in examples if not example.held_out]
    held_out = [example for example in examples if example.held_out]
    (for_trial, served), validation = fitted, judged[0]
    assert [example for example in training if example not in for_trial] == validation
    assert len(for_trial) + len(validation) == len(training) == len(served)
    assert result.report.validation_examples == len(validation) == len(training) // 5
    # Once in fp32 and once for each way to quantise; then the held-out part, once.
    assert judged == [validation] * (1 + len(STEPS)) + [held_out]


def test_a_domain_of_many_labels_and_no_intents(
    examples: list[Example], domain: Domain, base: Path, tmp_path: Path, int8_at_any_price: None
) -> None:
    several = domain.model_copy(update={"topic_mode": "multi", "intents": ()})
    two = [
        msgspec.structs.replace(
            example, topics=(*example.topics, "fraud") if "bank" in example.text else example.topics
        )
        for example in examples
    ]
    result = run([msgspec.structs.replace(example, intent=None) for example in two], several, base, tmp_path)
    assert result.report.served.intent is None
    assert "intent" not in result.metrics
    labels = msgspec.json.decode((tmp_path / "labels.json").read_bytes(), type=Labels)
    assert (labels.topic_mode, labels.intents) == ("multi", ())


def test_nothing_held_out_is_told(examples: list[Example], domain: Domain, base: Path, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="0 held out"):
        run([example for example in examples if not example.held_out], domain, base, tmp_path)
    few = [next(example for example in examples if example.held_out is held_out) for held_out in (False, True)]
    with pytest.raises(DomainError, match="1 examples to learn from"):
        run(few, domain, base, tmp_path)


def test_more_tokens_than_the_trunk_reads_are_refused(
    examples: list[Example], domain: Domain, base: Path, tmp_path: Path
) -> None:
    with pytest.raises(bootstrapping.WeightsError, match=r"model\.max_tokens = 65"):
        make(examples, base=str(base), domain=domain, out=tmp_path, cache=tmp_path, max_tokens=65, seed=1)


@pytest.mark.parametrize(
    ("sentiment", "accepted"),
    [
        ((0.7, 0.796), [False, True]),  # one head loses too much, whatever another gains; then next to nothing
        ((0.7, 0.7, 0.7), [False, False]),
        ((0.775, 0.7), [True]),  # what is chance in one head is made up for by another
    ],
)
def test_the_boldest_step_that_costs_little_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentiment: tuple[float, ...], accepted: list[bool]
) -> None:
    def quantize(source: Path, target: Path, step: Step) -> None:
        assert source.read_text() == "fp32"
        target.write_text(step.name)

    def measure(path: Path) -> Mapping[str, float]:
        if path.read_text() == "fp32":
            return {"topic": 0.8, "sentiment": 0.8}
        step = [one.name for one in STEPS].index(path.read_text())
        return {"topic": 0.9, "sentiment": sentiment[step]}

    monkeypatch.setattr("models.quantize.quantize", quantize)
    (tmp_path / "fp32.onnx").write_text("fp32")
    trials = try_steps(tmp_path / "fp32.onnx", tmp_path / "model.onnx", measure)
    assert [trial.accepted for trial in trials] == accepted
    assert [trial.step for trial in trials] == list(STEPS[: len(accepted)])


def test_a_loss_that_is_small_in_each_head_but_not_in_the_mean_is_too_much() -> None:
    heads = ("topic", "sentiment", "intent", "entities", "towards")
    assert Trial(STEPS[0], dict.fromkeys(heads, 0.0049)).accepted
    assert not Trial(STEPS[0], dict.fromkeys(heads, 0.0051)).accepted


def test_scores_are_over_the_labels_that_the_examples_hold() -> None:
    labels = Labels(
        topics=("a", "b", "c"),
        topic_mode="single",
        sentiments=("negative", "neutral", "positive"),
        intents=(),
        entity_tags=entity_tags(("ORG", "LOC")),
    )
    span = Span(0, 4, "ORG", "negative")
    examples = [
        Example(text=text, kind="news", topics=(topic,), sentiment="neutral", intent=None, entities=entities)
        for text, topic, entities in (("Acme", "a", (span,)), ("x", "a", ()), ("y", "b", ()), ("z", "b", ()))
    ]
    answers = Answers(
        topics=[["a"], ["a"], ["b"], ["c"]],
        sentiments=["neutral"] * 4,
        intents=[None] * 4,
        entities=[{("ORG", 0, 4)}, {("LOC", 0, 1)}, set(), set()],
        towards=[["positive"], [], [], []],
    )
    scored = score(answers, examples, examples[:3], labels)
    assert (scored.topic.accuracy, scored.topic.majority_accuracy) == (0.75, 0.5)
    assert scored.topic.macro_f1 == pytest.approx((1 + 2 / 3) / 2)
    assert scored.topic.majority_macro_f1 == pytest.approx((2 / 3) / 2)
    assert (scored.sentiment.macro_f1, scored.intent) == (1.0, None)
    assert (scored.entities.precision, scored.entities.recall) == (0.5, 1.0)
    assert (scored.towards.accuracy, scored.towards.majority_accuracy) == (0.0, 1.0)


def test_examples_without_a_topic_are_scored_in_numbers() -> None:
    labels = Labels(
        topics=("a", "b"),
        topic_mode="multi",
        sentiments=("negative", "neutral", "positive"),
        intents=(),
        entity_tags=entity_tags(()),
    )
    examples = [
        Example(text=text, kind="news", topics=topics, sentiment="neutral", intent=None, entities=())
        for text, topics in (("x", ()), ("y", ()), ("z", ("a",)))
    ]
    answers = Answers([[], ["a"]], ["neutral"] * 2, [None] * 2, [set(), set()], [[], []])
    scored = score(answers, examples[:2], examples, labels)
    assert (scored.topic.accuracy, scored.topic.majority_accuracy, scored.topic.classes) == (0.5, 1.0, [])
    assert np.isfinite(list(scored.headline().values())).all(), "int8 would not be taken, whatever it costs"


def test_spans_are_laid_on_the_first_pieces_of_words() -> None:
    # "Halden Bank, Acme": the first word is two pieces, the second entity follows at once.
    encoded = EncodedText(
        ids=[2, 5, 6, 7, 8, 9, 3],
        case_ids=[0, 3, 3, 3, 1, 3, 0],
        word_ids=[None, 0, 0, 1, 2, 3, None],
        offsets=[(0, 0), (0, 3), (3, 6), (7, 11), (11, 12), (13, 17), (0, 0)],
        truncated=False,
    )
    spans = (Span(0, 11, "ORG", "neutral"), Span(13, 17, "ORG", "neutral"))
    assert tag_first_pieces(encoded, spans) == {1: "B-ORG", 3: "I-ORG", 4: "O", 5: "B-ORG"}
    assert overlapping(encoded, spans[0]) == [1, 2, 3]
    assert overlapping(encoded, Span(40, 44, "ORG", "neutral")) == []

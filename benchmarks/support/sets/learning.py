"""Learning a set and being judged on it, by the very code that the retraining job runs; and what others would do."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from torch import nn

from benchmarks.support.sets.perturbed import Perturbed, perturbed
from models.export import DRAFT, as_served, draft
from models.manifest import encode
from models.runtime import LABELS, MODEL, TOKENIZER
from models.temperature import fold
from retrain.answers import answer
from retrain.calibration import calibration, fit_temperatures
from retrain.class_weights import class_weights
from retrain.dataset import Dataset
from retrain.evaluate import evaluate, headline
from retrain.finetune import finetune
from retrain.heads_alone import fit_heads_alone
from retrain.network import Network
from retrain.warm_start import warm_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.support.sets.corpora import Corpus
    from models.base_files import BaseWeights
    from models.bert import Trunk
    from models.heads import Heads
    from models.runtime import Encoder
    from models.tokens import TextTokenizer
    from retrain.rows import Row
    from retrain.tuned import Tuned
    from streams.contract.model_settings import RetrainSettings

    Tell = Callable[[str, int, int], None]

# The plain recipe: what the library's own guide to text classification does.
_PLAIN_EPOCHS = 3
_PLAIN_RATE = 5e-5
_PLAIN_BATCH = 32
_PLAIN_WARM_UP = 0.1


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a test part was answered.

    Attributes:
        accuracy: Share of right answers; of entities, of words' tags (micro, O among them).
        macro_f1: Over the labels of the test part; of entities over B-, I- tags and O.
        entity_f1: Of whole entities, CoNLL's measure; None for other sets.
        seconds: That learning took.
        ece: Expected calibration error of the answers, the temperature fitted on the validation part; None where the
            way gives no probabilities.
        perturbed: What it loses on changed texts of the test part, by name of the perturbation.
    """

    accuracy: float
    macro_f1: float
    entity_f1: float | None
    seconds: float
    ece: float | None = None
    perturbed: dict[str, Perturbed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Base:
    """What every model begins from."""

    weights: BaseWeights
    trunk: Trunk
    tokenizer: TextTokenizer


def tocsin(corpus: Corpus, base: Base, settings: RetrainSettings, tell: Tell) -> Figures:
    """Learn as the retraining job does, export, and answer the test part with the served graph in fp32."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tuned = _tuned(corpus, base, settings, Path(folder), tell)
    seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        return _judged(corpus, base, tuned, Path(folder), seconds)


def _tuned(corpus: Corpus, base: Base, settings: RetrainSettings, folder: Path, tell: Tell) -> Tuned:
    train = corpus.learnt
    dataset = Dataset(
        train=train,
        validation=corpus.validation,
        frozen=[],
        recent=[],
        labels=corpus.labels,
        class_weights=class_weights(train, corpus.labels),
        offsets={},
    )
    if settings.method == "heads":
        return fit_heads_alone(dataset, base.trunk, base.tokenizer, settings, tell)
    return finetune(dataset, base.trunk, base.tokenizer, None, settings, folder, tell)


def _judged(corpus: Corpus, base: Base, tuned: Tuned, folder: Path, seconds: float) -> Figures:
    raw = _served(corpus, base, tuned.trunk, tuned.heads, folder)
    temperatures = fit_temperatures(corpus.validation, answer(raw, corpus.validation), corpus.labels)
    model = _served(
        corpus, base, tuned.trunk, fold(tuned.heads, {str(head): one for head, one in temperatures.items()}), folder
    )
    report = evaluate(corpus.test, answer(model, corpus.test), corpus.learnt, corpus.labels)
    changed = perturbed(corpus.test, lambda rows: headline(rows, answer(model, rows), corpus.labels)[corpus.task])
    if corpus.task == "entities":
        if report.entities is None:
            raise ValueError(f"{corpus.name}: no entity was judged")
        found = report.entities
        return Figures(
            found.tokens.micro.f1, found.tokens.macro.f1, found.words.f1, seconds, found.calibration.ece, changed
        )
    head = report.heads[corpus.task]
    return Figures(head.accuracy, head.macro_f1, None, seconds, head.calibration.ece, changed)


def _served(corpus: Corpus, base: Base, trunk: Trunk, heads: Heads, folder: Path) -> Encoder:
    draft(trunk, heads, folder)
    (folder / DRAFT).replace(folder / MODEL)
    (folder / TOKENIZER).write_bytes((base.weights.folder / TOKENIZER).read_bytes())
    (folder / LABELS).write_bytes(encode(corpus.labels))
    return as_served(folder, precision="fp32", max_tokens=128, width=trunk.width)


def words_alone(corpus: Corpus) -> Figures:
    """TF-IDF of words and pairs (Chinese: of characters) and a linear SVM: what costs nothing."""
    began = time.perf_counter()
    chinese = corpus.name == "finfe"
    features = TfidfVectorizer(
        analyzer="char" if chinese else "word", ngram_range=(1, 3) if chinese else (1, 2), min_df=2
    )
    model = make_pipeline(features, LinearSVC(C=0.5, class_weight="balanced", random_state=0))
    model.fit([row.text for row in corpus.train], [corpus.label(row) for row in corpus.train])
    seconds = time.perf_counter() - began
    return _scored(corpus, lambda texts: list(model.predict(texts)), seconds)


def plain_recipe(corpus: Corpus, base: Base, seed: int, tell: Tell) -> Figures:
    """The same trunk, a linear map on its first token, three epochs of AdamW: what one would write oneself."""
    began = time.perf_counter()
    torch.manual_seed(seed)
    names = sorted({corpus.label(row) for row in corpus.train})
    # Any heads serve to get at the trunk in torch.
    heads = warm_start(corpus.train[:64], corpus.labels, base.trunk, base.tokenizer, None, seed=seed, tell=tell)
    trunk = Network(base.trunk, heads, 0.1).trunk
    top = nn.Sequential(nn.Dropout(0.1), nn.Linear(base.trunk.width, len(names)))
    optimizer = torch.optim.AdamW([*trunk.parameters(), *top.parameters()], lr=_PLAIN_RATE, weight_decay=0.01)
    steps = math.ceil(len(corpus.train) / _PLAIN_BATCH) * _PLAIN_EPOCHS
    warm = _PLAIN_WARM_UP * steps
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(step / warm, (steps - step) / (steps - warm))
    )
    random = np.random.default_rng(seed)

    def logits(texts: Sequence[str]) -> torch.Tensor:
        tokens = base.tokenizer.pad(base.tokenizer.encode(texts))
        states = trunk(
            input_ids=torch.from_numpy(tokens.input_ids), attention_mask=torch.from_numpy(tokens.attention_mask)
        ).last_hidden_state
        found: torch.Tensor = top(states[:, 0])
        return found

    trunk.train()
    done = 0
    for _ in range(_PLAIN_EPOCHS):
        order = random.permutation(len(corpus.train))
        for start in range(0, len(order), _PLAIN_BATCH):
            rows = [corpus.train[place] for place in order[start : start + _PLAIN_BATCH].tolist()]
            targets = torch.tensor([names.index(corpus.label(row)) for row in rows])
            loss = nn.functional.cross_entropy(logits([row.text for row in rows]), targets)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([*trunk.parameters(), *top.parameters()], 1.0)
            optimizer.step()
            schedule.step()
            done += 1
            tell("plain recipe", done, steps)
    seconds = time.perf_counter() - began
    trunk.eval()
    top.eval()

    def chances(texts: Sequence[str]) -> NDArray[np.float64]:
        with torch.inference_mode():
            runs = [logits(texts[start : start + 64]).softmax(dim=1) for start in range(0, len(texts), 64)]
        found: NDArray[np.float64] = torch.cat(runs).double().numpy()
        return found

    of_test = chances([row.text for row in corpus.test])
    right = np.array([names[place] for place in of_test.argmax(axis=1)]) == [corpus.label(row) for row in corpus.test]
    figures = _scored(corpus, lambda texts: [names[place] for place in chances(texts).argmax(axis=1)], seconds)
    return replace(figures, ece=calibration(of_test.max(axis=1), right).ece)


def _scored(corpus: Corpus, predict: Callable[[Sequence[str]], Sequence[str]], seconds: float) -> Figures:
    def macro_f1(rows: Sequence[Row]) -> float:
        return _macro_f1([corpus.label(row) for row in rows], predict([row.text for row in rows]))

    expected, given = [corpus.label(row) for row in corpus.test], predict([row.text for row in corpus.test])
    return Figures(
        float(accuracy_score(expected, given)),
        _macro_f1(expected, given),
        None,
        seconds,
        perturbed=perturbed(corpus.test, macro_f1),
    )


def _macro_f1(expected: Sequence[str], given: Sequence[str]) -> float:
    return float(f1_score(expected, given, labels=sorted(set(expected)), average="macro", zero_division=0))

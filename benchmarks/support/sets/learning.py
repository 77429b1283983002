"""Learning a set and being judged on it, by the very code that the retraining job runs; and what others would do."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from torch import nn

from benchmarks.support.sets.judging import judged, scored
from models.runtime import TOKENIZER
from retrain.calibration import calibration
from retrain.class_weights import class_weights
from retrain.dataset import Dataset
from retrain.finetune import finetune
from retrain.heads_alone import fit_heads_alone
from retrain.network import Network
from retrain.warm_start import warm_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.support.sets.corpora import Corpus
    from benchmarks.support.sets.judging import Figures
    from models.base_files import BaseWeights
    from models.bert import Trunk
    from models.manifest import Labels
    from models.tokens import TextTokenizer
    from streams.contract.model_settings import RetrainSettings

    Tell = Callable[[str, int, int], None]

# The plain recipe: what the library's own guide to text classification does.
_PLAIN_EPOCHS = 3
_PLAIN_RATE = 5e-5
_PLAIN_BATCH = 32
_PLAIN_WARM_UP = 0.1


@dataclass(frozen=True, slots=True)
class Base:
    """What every model begins from."""

    weights: BaseWeights
    trunk: Trunk
    tokenizer: TextTokenizer


def tocsin(corpus: Corpus, base: Base, settings: RetrainSettings, tell: Tell) -> Figures:
    """Learn a set as the retraining job does, export, and answer the test part with the served graph in fp32."""
    return tocsin_of_several([corpus], corpus.labels, base, settings, tell)[corpus.name]


def tocsin_of_several(
    corpora: Sequence[Corpus], labels: Labels, base: Base, settings: RetrainSettings, tell: Tell
) -> dict[str, Figures]:
    """Learn sets together, as one model of several heads; no row that any of them tests is learnt.

    Args:
        corpora: The sets; each teaches the head that is its task.
        labels: Names of the outputs, those of all sets.
        base: What the model begins from.
        settings: Method, rates and the rest.
        tell: Told of a stage's name, and how much of it is done, of how much.

    Returns:
        By name of the set; the seconds are those of the whole run.
    """
    tested = {row.group for corpus in corpora for row in corpus.test}
    train = [row for corpus in corpora for row in corpus.learnt if row.group not in tested]
    dataset = Dataset(
        train=train,
        validation=[row for corpus in corpora for row in corpus.validation if row.group not in tested],
        frozen=[],
        recent=[],
        labels=labels,
        class_weights=class_weights(train, labels),
        offsets={},
    )
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        if settings.method == "heads":
            tuned = fit_heads_alone(dataset, base.trunk, base.tokenizer, settings, tell)
        else:
            tuned = finetune(dataset, base.trunk, base.tokenizer, None, settings, Path(folder), tell)
    seconds = time.perf_counter() - began
    tokenizer = (base.weights.folder / TOKENIZER).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        return {
            corpus.name: judged(replace(corpus, labels=labels), tuned, tokenizer, Path(folder), seconds)
            for corpus in corpora
        }


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
    return scored(corpus, lambda texts: list(model.predict(texts)), seconds)


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
    figures = scored(corpus, lambda texts: [names[place] for place in chances(texts).argmax(axis=1)], seconds)
    return replace(figures, ece=calibration(of_test.max(axis=1), right).ece)

"""Where graphs of one trunk are made and judged: heads fitted, precision chosen, examples answered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import onnx

from models.encoder_graph import encoder_model
from models.evaluation import Evaluation, answer, score
from models.features import sentence_row
from models.fitting import choose_strengths, fit_heads
from models.quantize import Trial, try_steps
from models.sessions import open_session
from models.temperature import LabelledLogits, fit_temperature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from models.bert import Trunk
    from models.features import TextFeatures
    from models.heads import Heads, Linear, Plan, Pooled
    from models.manifest import Labels
    from models.temperature import Temperature
    from models.tokens import TextTokenizer
    from streams.contract.examples import Example

_VALIDATION_EVERY = 5


@dataclass(frozen=True, slots=True)
class Training:
    """The training part, and the trunk's features of its texts, in one order."""

    examples: Sequence[Example]
    features: Sequence[TextFeatures]

    def parted(self, seed: int) -> tuple[Training, Training]:
        """All but a fifth, and that fifth (one example at least), drawn by the seed."""
        count = len(self.examples)
        drawn = np.random.default_rng(seed).permutation(count)[: max(1, count // _VALIDATION_EVERY)]
        apart = set(drawn.tolist())
        places = range(count)
        return self._part([place for place in places if place not in apart]), self._part(sorted(apart))

    def _part(self, places: Sequence[int]) -> Training:
        return Training([self.examples[place] for place in places], [self.features[place] for place in places])


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes and judges graphs of one trunk.

    Args:
        trunk: The encoder, as it stays.
        plan: Which layers each head reads.
        tokenizer: Its tokenizer.
        labels: Names of the outputs.
        seed: Of all that is drawn.
        tell: Told of a stage's name, and how much of it is done, of how much.
    """

    trunk: Trunk
    plan: Plan
    tokenizer: TextTokenizer
    labels: Labels
    seed: int
    tell: Callable[[str, int, int], None]
    _judged: Counter[str] = field(default_factory=Counter)

    def strengths(self, training: Training) -> dict[str, float]:
        """How freely each head may fit, by cross-validation."""
        return choose_strengths(training.features, training.examples, self.labels, self.plan, seed=self.seed)

    def fit(self, training: Training, strengths: Mapping[str, float], stage: str) -> Heads:
        """Fit every head."""
        return fit_heads(
            training.features,
            training.examples,
            self.labels,
            self.plan,
            strengths,
            seed=self.seed,
            on_progress=lambda done, total: self.tell(stage, done, total),
        )

    def judge(self, path: Path, examples: Sequence[Example], training: Training, stage: str) -> Evaluation:
        """Evaluate a graph on examples; majorities are those of the training part."""
        self._judged[stage] += 1
        name = f"{stage} {self._judged[stage]}"
        answers = answer(
            open_session(path),
            self.tokenizer,
            self.labels,
            examples,
            lambda done, total: self.tell(name, done, total),
        )
        return score(answers, examples, training.examples, self.labels)

    def temperatures(self, heads: Heads, validation: Training) -> dict[str, Temperature]:
        """The temperature of each head that reads a whole text, by examples that it was not fitted on.

        As what int8 costs, it is the same for heads that are then fitted on these too.
        """
        asked: dict[str, tuple[Linear | None, Pooled, Sequence[str], list[str | None]]] = {
            "sentiment": (
                heads.sentiment,
                self.plan.sentiment,
                self.labels.sentiments,
                [one.sentiment for one in validation.examples],
            ),
            "intent": (
                heads.intent,
                self.plan.intent,
                self.labels.intents,
                [one.intent for one in validation.examples],
            ),
        }
        if self.labels.topic_mode == "single":
            topics = [next(iter(one.topics), None) for one in validation.examples]
            asked["topic"] = (heads.topic, self.plan.topic, self.labels.topics, topics)
        found = {}
        for name, (head, pooled, names, said) in asked.items():
            known = [place for place, label in enumerate(said) if label in names]
            if head is not None and known:
                rows = np.stack([sentence_row(validation.features[place], pooled) for place in known])
                right = np.array([names.index(str(said[place])) for place in known])
                found[name] = fit_temperature(LabelledLogits(head(rows).astype(np.float64), right))
        return found

    def try_int8(self, heads: Heads, fitted: Training, validation: Training, folder: Path) -> list[Trial]:
        """Find out what int8 costs, by heads that are fitted on one part and judged on the other.

        What it costs is a matter of the trunk: it is the same for heads that are then fitted on both parts.

        Args:
            heads: Fitted on ``fitted``.
            fitted: Its majorities are what answers are compared with.
            validation: What they are judged on.
            folder: Where graphs may be written.

        Returns:
            What was tried; the last one is accepted, or none is.
        """
        graph = folder / "trial-fp32.onnx"
        scratch = folder / "trial-int8.onnx"
        try:
            onnx.save(encoder_model(self.trunk, heads), graph)
            return try_steps(
                graph, scratch, lambda path: self.judge(path, validation.examples, fitted, "trial").headline()
            )
        finally:
            graph.unlink(missing_ok=True)
            scratch.unlink(missing_ok=True)

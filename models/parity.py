"""Whether a graph answers here as it did where it was exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.manifest import Labels, Parity, ParityError, ParitySample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from models.tokens import TextTokenizer

_HEADS = ("topic_logits", "sentiment_logits", "intent_logits")
_DIGITS = 6


def record(session: InferenceSession, tokenizer: TextTokenizer, texts: Sequence[str]) -> tuple[ParitySample, ...]:
    """Run texts, each alone, through a served graph and keep its logits, rounded to six digits.

    Alone, since the activations' scale of an int8 graph depends on what else is in the batch.
    """
    heads = [output.name for output in session.get_outputs() if output.name in _HEADS]
    samples = []
    for text in texts:
        tokens = tokenizer.pad(tokenizer.encode([text]))
        outputs = session.run(heads, tokens._asdict())
        logits = {head: tuple(np.round(rows[0], _DIGITS).tolist()) for head, rows in zip(heads, outputs, strict=True)}
        samples.append(ParitySample(text=text, **logits))
    return tuple(samples)


def check(session: InferenceSession, tokenizer: TextTokenizer, parity: Parity, labels: Labels) -> float:
    """Compare a graph's outputs with those recorded at export.

    Returns:
        The largest absolute difference of any logit.

    Raises:
        ParityError: A logit differs by more than the stated tolerance, or a label differs.
    """
    answers = record(session, tokenizer, [sample.text for sample in parity.samples])
    worst = 0.0
    for number, (expected, answer) in enumerate(zip(parity.samples, answers, strict=True), 1):
        for head in _HEADS:
            wanted, got = np.asarray(getattr(expected, head)), np.asarray(getattr(answer, head))
            if wanted.shape != got.shape:
                raise ParityError(
                    f"parity sample {number}: {head} has {got.size} outputs where {wanted.size} were recorded"
                )
            if not wanted.size:
                continue
            difference = float(np.abs(wanted - got).max())
            # Not a plain "greater": a NaN must not pass.
            if not difference <= parity.tolerance:
                raise ParityError(
                    f"parity sample {number}: {head} differs by {difference:.4f} from the export, "
                    f"which is over the tolerance of {parity.tolerance}"
                )
            worst = max(worst, difference)
            several = head == "topic_logits" and labels.topic_mode == "multi"
            if not np.array_equal(_chosen(wanted, several=several), _chosen(got, several=several)):
                raise ParityError(f"parity sample {number}: {head} chooses another label than at the export")
    return worst


def _chosen(logits: NDArray[np.float64], *, several: bool) -> NDArray[np.bool_] | np.intp:
    return logits >= 0 if several else logits.argmax()

"""Heads to begin from: those that there are, or ones fitted on the trunk as it is.

Heads that know nothing would pull the trunk about before they have learnt anything, and what it knew would be lost:
Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution" (2022), who fit the
heads first, as is done here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.features import collect
from models.fitting import USUAL_STRENGTH, choose_strengths, fit_heads
from models.heads import Mlp, plan_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.bert import Trunk
    from models.features import TextFeatures
    from models.heads import Heads, Linear, Plan
    from models.manifest import Labels
    from models.tokens import TextTokenizer
    from retrain.rows import Row

    Tell = Callable[[str, int, int], None]

# Of texts with entities each token's states are kept, some 8 kB a token on MiniLM: so many are enough to begin from.
_MOST_ENTITY_TEXTS = 8000


def warm_start(
    rows: Sequence[Row],
    labels: Labels,
    trunk: Trunk,
    tokenizer: TextTokenizer,
    heads: Heads | None,
    *,
    seed: int,
    tell: Tell,
) -> Heads:
    """Heads that answer to the labels.

    Args:
        rows: The training part; one row at least.
        labels: Names of the outputs.
        trunk: The trunk that the heads are to read.
        tokenizer: Its tokenizer.
        heads: Those to go on with, or None. One whose label set has grown since is fitted anew, the others stay.
        seed: Of all that is drawn.
        tell: Told of a stage's name, and how much of it is done, of how much.
    """
    if heads is None:
        return fit(rows, labels, trunk, tokenizer, seed=seed, tell=tell)
    grown = _grown(heads, labels)
    if not grown:
        return heads
    fitted = fit(rows, labels, trunk, tokenizer, heads.plan, seed=seed, tell=tell)
    return replace(heads, **{name: getattr(fitted, name) for name in grown})


def fit(
    rows: Sequence[Row],
    labels: Labels,
    trunk: Trunk,
    tokenizer: TextTokenizer,
    plan: Plan | None = None,
    *,
    seed: int,
    tell: Tell,
    choose: bool = False,
) -> Heads:
    """Fit every head on the trunk as it is.

    Args:
        rows: The training part; one row at least.
        labels: Names of the outputs.
        trunk: The trunk that the heads are to read.
        tokenizer: Its tokenizer.
        plan: Which layers each head reads; the usual one for such a trunk where absent.
        seed: Of all that is drawn.
        tell: Told of a stage's name, and how much of it is done, of how much.
        choose: Choose by cross-validation how freely each head may fit, which takes longer than to fit them.
    """
    plan = plan or plan_for(trunk.layers)
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    marked = [rows[place] for place in order if rows[place].entities is not None]
    # One at least, so that the token heads' sizes are known where nobody marked any entity.
    by_token = marked[:_MOST_ENTITY_TEXTS] or [rows[order[0]]]
    taken = {id(row) for row in by_token}
    by_text = [msgspec.structs.replace(rows[place], entities=None) for place in order if id(rows[place]) not in taken]
    features = _features(by_token, trunk, plan, tokenizer, partial(tell, "texts with entities"))
    features += _features(by_text, trunk, replace(plan, entity=(), towards=()), tokenizer, partial(tell, "texts"))
    examples = [*by_token, *by_text]
    strengths = dict.fromkeys(("topic", "sentiment", "intent"), USUAL_STRENGTH)
    if choose:
        tell("strengths", 0, 1)
        strengths |= choose_strengths(features, examples, labels, plan, seed=seed)
        tell("strengths", 1, 1)
    return fit_heads(
        features,
        examples,
        labels,
        plan,
        strengths,
        seed=seed,
        on_progress=partial(tell, "first heads"),
    )


def _features(
    rows: Sequence[Row], trunk: Trunk, plan: Plan, tokenizer: TextTokenizer, on_progress: Callable[[int, int], None]
) -> list[TextFeatures]:
    return collect(trunk, plan, tokenizer, [row.text for row in rows], on_progress) if rows else []


def _grown(heads: Heads, labels: Labels) -> list[str]:
    """Heads that have another number of outputs than there are labels."""
    wanted = {
        "topic": len(labels.topics),
        "sentiment": len(labels.sentiments),
        "intent": len(labels.intents),
        "entity": len(labels.entity_tags),
        "towards": len(labels.sentiments),
    }
    return [name for name, size in wanted.items() if _outputs(getattr(heads, name)) != size]


def _outputs(head: Linear | Mlp | None) -> int:
    if head is None:
        return 0
    return (head.output if isinstance(head, Mlp) else head).bias.size

"""The method that needs no torch: the heads are fitted anew, the trunk stays as it is.

Every text runs through the trunk once, as for a first model (``models.bootstrap``). It learns new words for known
things and new topics; what the trunk does not tell apart it cannot learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.tuned import Tuned
from retrain.warm_start import fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.bert import Trunk
    from models.tokens import TextTokenizer
    from retrain.dataset import Dataset
    from streams.contract.model_settings import RetrainSettings


def fit_heads_alone(
    dataset: Dataset,
    trunk: Trunk,
    tokenizer: TextTokenizer,
    settings: RetrainSettings,
    tell: Callable[[str, int, int], None],
) -> Tuned:
    """Fit every head on the training part; how freely each may fit is chosen by cross-validation within it.

    Args:
        dataset: Its other parts are not looked at.
        trunk: The encoder, as it stays.
        tokenizer: Its tokenizer.
        settings: The seed; the rest is for the other methods.
        tell: Told of a stage's name, and how much of it is done, of how much.

    Raises:
        ValueError: The training part is empty.
    """
    if not dataset.train:
        raise ValueError("the data set has nothing to learn from: import labels, or add seed examples")
    heads = fit(dataset.train, dataset.labels, trunk, tokenizer, seed=settings.seed, tell=tell, choose=True)
    return Tuned(trunk, heads, [], settings)

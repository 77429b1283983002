"""What training gives, by whichever method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.bert import Trunk
    from models.heads import Heads
    from retrain.history import Epoch
    from streams.contract.model_settings import RetrainSettings


@dataclass(frozen=True, slots=True)
class Tuned:
    """A trained trunk and its heads: those of the best epoch."""

    trunk: Trunk
    heads: Heads
    history: list[Epoch]
    """Epoch by epoch; empty where the heads alone were fitted, which has none."""
    settings: RetrainSettings
    """Those that it was trained with: what a search chose stands in them."""

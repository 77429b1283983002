"""Pictures for the report: what is taken for what, and whether probabilities mean what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

    from retrain.calibration import Calibration
    from retrain.evaluate import Confusion

_DOTS = 110
_MOST_NUMBERED = 16
"""Labels above which a cell is too small to hold its count."""
_INK, _BAR, _LINE = "#222222", "#7a9cc6", "#c0504d"


def confusion_plot(path: Path, title: str, confusion: Confusion) -> None:
    """Draw a confusion matrix as PNG, each row as shares of what was labelled so."""
    counts = np.array(confusion.counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    count = len(confusion.labels)
    numbered = count <= _MOST_NUMBERED
    side = 2.2 + (0.5 if numbered else 0.16) * count
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    size = 8 if numbered else 5
    axes.set_xticks(range(count), confusion.labels, rotation=90 if count > 3 else 0, fontsize=size)  # noqa: PLR2004
    axes.set_yticks(range(count), confusion.labels, fontsize=size)
    axes.set_xlabel("answered")
    axes.set_ylabel("labelled")
    axes.set_title(title, fontsize=10)
    if numbered:
        for row, column in np.argwhere(counts):
            color = "white" if shares[row, column] > 0.5 else _INK  # noqa: PLR2004  on dark blue
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=7, color=color)
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of what was labelled so")
    _save(figure, path)


def reliability_plot(path: Path, title: str, heads: Mapping[str, Calibration]) -> None:
    """Draw each head's share of right answers against their probability as PNG, a panel a head.

    Args:
        path: Where to.
        title: Above all panels.
        heads: At least one.
    """
    figure = Figure(figsize=(2.6 * len(heads), 3.1), layout="constrained")
    panels = figure.subplots(1, len(heads), sharey=True, squeeze=False)[0]
    for axes, (head, measured) in zip(panels, heads.items(), strict=True):
        _reliability(axes, head, measured)
    panels[0].set_ylabel("share that is right", fontsize=9)
    figure.suptitle(title, fontsize=10)
    _save(figure, path)


def _reliability(axes: Axes, head: str, measured: Calibration) -> None:
    confidences = [one.confidence for one in measured.bins]
    shares = [one.accuracy for one in measured.bins]
    answers = np.array([one.answers for one in measured.bins])
    axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1, linestyle="--")
    axes.plot(confidences, shares, color=_BAR, linewidth=1)
    sizes = 8 + 120 * answers / max(answers.max(initial=0), 1)
    axes.scatter(confidences, shares, s=sizes, color=_BAR, zorder=3, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("probability", fontsize=9)
    axes.set_title(f"{head}: ECE {measured.ece:.3f} ({answers.sum()})", fontsize=9)
    axes.tick_params(labelsize=7)


def _save(figure: Figure, path: Path) -> None:
    # Without the date and the library's version, so that equal figures are equal bytes.
    figure.savefig(path, format="png", dpi=_DOTS, metadata={"Software": None})

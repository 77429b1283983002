"""What varies is standardised; what does not is not made noise of."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from models.scaling import Standardiser


def test_what_varies_is_scaled_as_ever() -> None:
    rows = np.random.default_rng(0).normal(3.0, [0.01, 1.0, 50.0], (200, 3))
    assert np.allclose(Standardiser().fit_transform(rows), StandardScaler().fit_transform(rows))


def test_a_dead_dimension_stays_dead() -> None:
    random = np.random.default_rng(0)
    rows = np.stack([random.normal(size=200), random.normal(size=200) * 1e-31], axis=1)
    scaled = clone(Standardiser()).fit_transform(rows)
    assert scaled[:, 0].std() > 0.9
    assert np.abs(scaled[:, 1]).max() < 1e-20

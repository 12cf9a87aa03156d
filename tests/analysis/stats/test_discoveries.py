"""False discoveries: by hand, and their rate."""

import numpy as np
import pytest

from analysis.stats.discoveries import discoveries


def test_discoveries_by_hand_and_what_has_no_p_does_not_count():
    p = np.array([0.01, np.nan, 0.02, 0.9])
    q = discoveries(p)
    assert np.isnan(q[1])
    assert q[[0, 2, 3]] == pytest.approx([0.03, 0.03, 0.9])
    assert np.isnan(discoveries(np.array([np.nan]))).all()


def test_discoveries_hold_their_rate():
    rng = np.random.default_rng(3)
    false = []
    for _ in range(300):
        p = np.concatenate([rng.uniform(size=40), rng.uniform(0, 1e-4, size=10)])
        found = discoveries(p) < 0.1
        false.append(found[:40].sum() / max(found.sum(), 1))
    assert np.mean(false) < 0.1

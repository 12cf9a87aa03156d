"""Agreement and kappa as tables print them."""

import numpy as np
import pandas as pd
import pytest

from analysis.records.agreement import both_of, means_of


@pytest.mark.parametrize(
    ("both", "text"),
    [((0.861, 0.32), "0.86/0.32"), ((1.0, np.nan), "1.00/–"), ((0.77, -0.004), "0.77/0.00")],
)
def test_what_is_not_defined_is_a_dash_and_nothing_has_no_sign(both, text):
    assert both_of(*both) == text


def test_means_are_of_pairs_whose_kappa_is_defined():
    rows = pd.DataFrame({"agreement": [0.8, 0.9, 1.0], "agreement_chance": [0.6, 0.6, 1.0]})
    assert means_of(rows) == pytest.approx((0.9, (0.5 + 0.75) / 2))
    assert np.isnan(means_of(rows[2:])[1])

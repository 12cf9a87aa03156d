"""Agreement and kappa as tables print them."""

import numpy as np
import pytest

from analysis.studies.similarity.agreement import both_of


@pytest.mark.parametrize(
    ("both", "text"),
    [((0.861, 0.32), "0.86/0.32"), ((1.0, np.nan), "1.00/–"), ((0.77, -0.004), "0.77/0.00")],
)
def test_what_is_not_defined_is_a_dash_and_nothing_has_no_sign(both, text):
    assert both_of(*both) == text

"""What is printed of pairs that do not all have a layer, by hand."""

import pandas as pd
import pytest

from analysis.studies.similarity.printed import agreement_in, mean_in, pairs_in

NAN = float("nan")
ROWS = pd.DataFrame(
    [("a", "b", "conv1", 0.4), ("a", "b", "hidden", 0.6), ("a", "c", "hidden", 0.8)],
    columns=["id_x", "id_y", "layer", "cka"],
).assign(low=0.3, high=0.9, agreement=[0.5, 0.5, 1.0], kappa=[0.0, 0.0, NAN])


def layer(name: str) -> pd.DataFrame:
    return ROWS[ROWS["layer"] == name]


def test_a_pair_counts_once_however_many_layers_it_shares():
    assert pairs_in(ROWS) == 2
    assert agreement_in(ROWS) == "0.75/0.00"


@pytest.mark.parametrize(
    ("rows", "pairs", "said"),
    [
        (layer("hidden"), 2, "0.70"),
        (layer("conv1"), 2, "0.40 [0.30, 0.90] (1 of 2)"),
        (layer("conv1"), 1, "0.40 [0.30, 0.90]"),
        (layer("conv1").assign(low=NAN), 1, "0.40"),
        (layer("hidden").assign(cka=[0.6, NAN]), 2, "0.60 [0.30, 0.90] (1 of 2)"),
        (layer("hidden").assign(cka=NAN), 2, "–"),
        (layer("conv2"), 2, ""),
    ],
)
def test_a_mean_says_of_how_many_it_is(rows, pairs, said):
    assert mean_in(rows, "cka", pairs) == said

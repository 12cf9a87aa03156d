"""What varies in each game: verdicts from known values, and real play of three games."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from checkpoints.console import UserError
from figures.plots import variation as figure
from probes.studies.variation import judge
from probes.variation import Settings, main
from tests.support import toy_tables


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 2.0, np.nan], (0.75, 2, 2 / 3, "varies")),
        ([5.0] * 19 + [1.0], (1.0, 2, 0.95, "varies")),
        ([5.0] * 39 + [1.0], (1.0, 2, 0.975, "low entropy")),
        ([3.0, 3.0], (1.0, 1, 1.0, "constant")),
        ([np.nan, np.nan], (0.0, 0, 0.0, "missing")),
    ],
)
def test_verdicts(values, expected):
    found = judge(np.array(values))
    assert found["verdict"] == expected[3] and found["values"] == expected[1]
    assert (found["present"], found["commonest"]) == pytest.approx((expected[0], expected[2]))


def test_pinned_and_single_backgrounds_are_flagged(tmp_path, capsys):
    games = ("bigfish", "chaser", "coinrun")
    main(Settings(games=games, states=40, output=tmp_path))
    rows = pd.read_csv(tmp_path / "variation.csv", skiprows=1)
    verdict = rows[rows["factor"] == "background"].set_index("game")["verdict"]
    assert dict(verdict) == {"bigfish": "varies", "chaser": "constant", "coinrun": "constant"}
    assert capsys.readouterr().out.strip().endswith("variation.csv")
    with pytest.raises(UserError, match=r"variation.csv exists.*--overwrite"):
        main(Settings(games=games, states=40, output=tmp_path))


def test_an_unknown_game_is_named(tmp_path):
    with pytest.raises(UserError, match="unknown game 'bigfsh'"):
        main(Settings(games=("bigfsh",), output=tmp_path))


def test_the_figure_shows_every_factor_once_and_rings_what_does_not_vary():
    table = figure.counts(pd.DataFrame(toy_tables.variation(np.random.default_rng(0))))
    assert list(table["background"]) == ["constant", "varies"]
    assert list(table["wall_theme"]) == ["none", "none"]
    bars = figure.plot_task(Figure().subplots(), table).patches
    assert sum(bar.get_width() for bar in bars) == 8
    discs = figure.plot_nuisances(Figure().subplots(), table).lines
    assert [disc.get_markerfacecolor() for disc in discs] == ["white", "#0072B2"]

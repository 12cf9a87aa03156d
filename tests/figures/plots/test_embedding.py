"""Pages of joint pictures: axes only where they mean something, a score under each panel."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.studies.embedding.study import SCHEMA, SCORES
from checkpoints.console import UserError
from figures.plots.embedding import MAPS, draw, plot_map, say, short, tie
from tests.support.toy_tables import embedding, embedding_scores, write


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """The synthetic tables: coinrun with twins, jumper without."""
    write(embedding(np.random.default_rng(0)), tmp_path, SCHEMA.name)
    write(embedding_scores(np.random.default_rng(0)), tmp_path, SCORES.name)
    return tmp_path


def points() -> pd.DataFrame:
    return pd.DataFrame(embedding(np.random.default_rng(0))).query("game == 'coinrun'")


def test_a_page_a_game_with_a_score_under_each_panel(tables):
    first, second = draw(tables)
    assert (first.name, second.name) == ("embedding-coinrun", "embedding-jumper")
    for drawing, panels in ((first, 3 + 3 + 3), (second, 3 + 3)):
        shown = [ax for ax in drawing.figure.axes if ax.get_visible()]
        assert len(shown) == panels
        assert all(" ." in ax.get_xlabel() for ax in shown)
    labels = {ax.get_title(): ax.get_xlabel() for ax in first.figure.axes}
    assert "trustworthiness" in labels["UMAP, all policies"]
    assert "(chance .20)" in labels["mutual: twins"]
    assert "within ÷ between: collapsed" in labels["untrained: recoloured frames"]


def test_the_rows_are_those_of_both_tables(tables):
    first, _ = draw(tables)
    parts = first.rows[list(SCHEMA.names)].dropna(subset="state"), first.rows[list(SCORES.names)]
    assert len(parts[0]) == (points()["game"] == "coinrun").sum()
    assert len(parts[1].dropna(subset="measure")) == len(first.rows) - len(parts[0])


@pytest.mark.parametrize("kind", MAPS)
def test_only_pca_has_ticks(kind: str):
    rows = points()
    ax = plot_map(Figure().subplots(), rows, kind, ["k"] * len(rows))
    offsets = ax.collections[0].get_offsets()
    assert np.asarray(offsets) == pytest.approx(rows[[f"{kind}_x", f"{kind}_y"]].to_numpy())
    assert bool(len(ax.get_xticks())) == (kind == "pca")
    assert (ax.get_aspect() == 1) == (kind == "pca")


def test_threads_end_in_the_middle_of_a_state():
    rows = points().query("panel == 'twins' and method == 'untrained'")
    ax = tie(Figure().subplots(), rows, "tsne")
    assert len(ax.lines) == len(rows)
    state = rows["state"].iloc[0]
    middle = rows.loc[rows["state"] == state, ["tsne_x", "tsne_y"]].mean()
    assert ax.lines[0].get_xydata()[1] == pytest.approx(middle.to_numpy())
    assert ax.lines[0].get_xydata()[0] == pytest.approx(rows[["tsne_x", "tsne_y"]].to_numpy()[0])


def test_scores_in_words():
    row = dict(map="tsne", id="a", measure="purity by state", value=0.5, low=0.4, high=0.6)
    scores = pd.DataFrame([row | {"chance": 0.1, "verdict": "ok"}])
    assert say(scores, "tsne", "a", row["measure"]) == ("same state .50 [.40, .60] (chance .10)")
    assert say(scores, "umap", "a", row["measure"]) == ""
    scores[["low", "high", "chance"]] = [0.5, 0.501, np.nan]
    assert say(scores, "tsne", "a", row["measure"]) == "same state .50"


def test_a_missing_table_says_what_writes_it(tmp_path: Path):
    with pytest.raises(UserError, match=r"python -m analysis\.embedding"):
        list(draw(tmp_path))


def test_short_numbers():
    assert [short(x) for x in (0, 0.5, 0.999, 1, 1.08, 12.3)] == [
        *(".00", ".50", "1.00", "1.00", "1.08", "12.30")
    ]

"""The ledger: verdicts follow intervals, planted truths are told, the file follows the tables."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.studies.contrasts.rows import contrast_rows
from checkpoints.console import UserError
from checkpoints.runs.study import read_study
from figures.claims import Settings, main
from figures.kit.ledger import AGAINST, SUPPORTED, ledger, markdown, verdict, written
from tests.support import toy_tables
from tests.support.planted_runs import STEPS, planted, values_of
from tests.support.tree import ROOT

PLAN = read_study(ROOT / "study.yaml")
NAN = float("nan")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return toy_tables.write_all(tmp_path_factory.mktemp("synthetic"))


def tables(folder: Path, toy: Path, values: pd.DataFrame) -> Path:
    """Contrasts of planted runs, beside the other synthetic tables."""
    toy_tables.write(contrast_rows(values, PLAN).to_dict("records"), folder, "contrasts")
    for name in ("emergence_gap", "embedding_scores"):
        (folder / f"{name}.csv").symlink_to(toy / f"{name}.csv")
    return folder


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.5, 0.4, 0.6, 1.0, -1, 0.01), SUPPORTED),
        ((0.5, 0.4, 0.6, 1.0, 1, 0.01), AGAINST),
        ((0.5, 0.4, 0.6, 1.0, -1, NAN), SUPPORTED),
        ((0.5, 0.4, 0.6, 1.0, -1, 0.06), "q = 0.06"),
        ((0.5, 0.4, 1.1, 1.0, -1, 0.01), "the interval holds 1"),
        ((-0.5, -0.9, -0.1, 0.0, 1, NAN), AGAINST),
        ((0.5, NAN, NAN, 0.0, 1, NAN), "too few runs"),
        ((NAN, NAN, NAN, 0.0, 1, NAN), "not measured"),
    ],
)
def test_verdicts(numbers, words):
    assert verdict(*numbers).endswith(words)
    assert verdict(*numbers).startswith("not decidable here: ") == (
        words not in (SUPPORTED, AGAINST)
    )


def test_numbers_are_written_with_their_sign():
    assert written(0.5, 0.4, 0.6, factor=True) == "× 0.50 [0.40, 0.60]"
    assert written(0.5, -0.4, 0.6, factor=False) == "+0.50 [−0.40, 0.60]"
    assert written(NAN, NAN, NAN, factor=True) == ""


@pytest.mark.parametrize(("factor", "said"), [(0.4, SUPPORTED), (2.5, AGAINST)])
def test_a_planted_effect_is_told(tmp_path, toy, factor, said):
    title, rows, _ = ledger(tables(tmp_path, toy, planted(factor)))
    assert title == "starpilot, 9 training backgrounds"
    [declared] = rows[rows["equal"] == "frames, declared"].itertuples()
    assert declared.verdict == said
    assert declared.runs == "3 and 3"
    able = float(declared.detectable.removeprefix("× "))
    assert 0 < able < 1


def test_no_effect_is_not_decided(tmp_path, toy):
    _, rows, _ = ledger(tables(tmp_path, toy, planted(1.0)))
    [one] = rows.loc[rows["equal"] == "frames, declared", "verdict"]
    assert one == "not decidable here: the interval holds 1"


def test_what_was_not_measured_is_said(tmp_path, toy):
    _, rows, _ = ledger(tables(tmp_path, toy, planted(0.5)))
    probed = rows.loc[rows["decided by"].str.startswith("background probe"), "verdict"]
    assert set(probed) == {"not decidable here: not measured"}
    picture = rows[rows["decided by"].str.startswith("spread")].iloc[0]
    assert picture["verdict"].startswith("not decidable here")


def test_the_picture_is_a_mean_over_runs(tmp_path, toy):
    folder = tables(tmp_path, toy, planted(0.5))
    (folder / "embedding_scores.csv").unlink()
    spreads = {"mutual/0/peer0": 0.6, "mutual/0/peer1": 0.8, "ppo/0/peer0": 1.0, "ppo/1/peer0": 1.8}
    cells = {
        "game": "starpilot",
        "panel": "random-conv",
        "map": "layer",
        "measure": "spread within ÷ between states",
    }
    rows = [{**cells, "id": f"starpilot/{name}/step8", "value": v} for name, v in spreads.items()]
    toy_tables.write(rows, folder, "embedding_scores")
    last = ledger(folder)[1].iloc[-1]
    assert last["mutual to PPO"] == "× 0.50"
    assert (last["runs"], last["verdict"]) == ("1 and 2", "not decidable here: too few runs")


@pytest.mark.parametrize(("ratio", "apart"), [(0.5, "yes"), (1.02, "no"), (1.9, "no")])
def test_a_control_is_told_apart_where_it_is_less_bound(tmp_path, toy, ratio, apart):
    run = values_of("starpilot/drac-twins-bg9/0", STEPS, ratio_unseen=ratio, icc=0.9)
    values = pd.concat([planted(1.0), pd.DataFrame(run)])
    *_, rows = ledger(tables(tmp_path, toy, values))
    found = rows.set_index("measure")["drac-twins told apart"]
    assert found["TV twins, unseen backgrounds ÷ TV between states"] == apart
    assert found["ICC, last layer"] == "yes"
    assert found["background probe, last layer"] == ""
    assert set(rows["drac to PPO"]) == {"not measured"}
    assert not rows["measure"].str.contains("return").any()


def test_the_file_is_the_ledger(tmp_path, toy, capsys):
    folder, file = tables(tmp_path, toy, planted(0.5)), tmp_path / "new" / "claims.md"
    main(Settings(folder, file))
    assert file.read_text() == markdown(*ledger(folder))
    assert capsys.readouterr().out.endswith(f"written to {file}\n")


def test_the_committed_ledger_says_what_the_committed_tables_hold():
    text = (ROOT / "figures" / "out" / "claims.md").read_text()
    same = text == markdown(*ledger(ROOT / "analysis" / "tables"))
    assert same, "run: python -m figures.claims"


def test_without_the_declared_contrast_there_is_no_ledger(tmp_path, toy):
    rows = contrast_rows(planted(0.5), PLAN).assign(primary=False)
    folder = tables(tmp_path, toy, planted(0.5))
    toy_tables.write(rows.to_dict("records"), folder, "contrasts")
    with pytest.raises(UserError, match="expected a row of the declared contrast, got none"):
        ledger(folder)


def test_layers_are_those_of_the_encoder(tmp_path, toy):
    from figures.kit.ledger import BELOW, CLAIMS, LAST, layer_of

    [last, below] = [claim for claim in CLAIMS if claim.measure == "icc"]
    rows = pd.DataFrame({"measure": "icc", "layer": ["hidden", "block3", "block1"]})
    assert (last.layer, below.layer) == (LAST, BELOW)
    assert (layer_of(last, rows), layer_of(below, rows)) == ("hidden", "block3")
    assert layer_of(last, rows[:0]) == ""

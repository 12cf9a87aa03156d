"""The ledger: verdicts follow intervals, planted truths are told, the file follows the tables."""

import re
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from analysis.studies.contrasts.family import FAMILY
from analysis.studies.contrasts.rows import contrast_rows
from analysis.studies.contrasts.sides import Beside
from checkpoints.console import UserError
from checkpoints.doors.places import TABLES
from checkpoints.runs.study import read_study
from figures.claims import Settings, main
from figures.kit.claimed import CLAIMS
from figures.kit.ledger import in_short, ledger
from figures.kit.markdown import markdown
from figures.kit.other_claims import CANCEL, CONVERGE
from figures.kit.verdicts import AGAINST, SUPPORTED, verdict, written
from tests.support import toy_tables
from tests.support.planted_runs import STEPS, planted, values_of
from tests.support.tree import ROOT

PLAN = read_study(ROOT / "study.yaml")
NAN = float("nan")
OUTCOME = "TV between twins ÷ TV between states"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return toy_tables.write_all(tmp_path_factory.mktemp("synthetic"))


def tables(
    folder: Path, toy: Path, values: pd.DataFrame, peers: pd.DataFrame | None = None
) -> Path:
    """Contrasts of planted runs, beside the other synthetic tables."""
    rows = contrast_rows(values, PLAN, None, peers)
    toy_tables.write(rows.to_dict("records"), folder, "contrasts")
    for name in ("samples_peers", "samples_pairs", "embedding_scores", "looks", "curves"):
        (folder / f"{name}.csv").symlink_to(toy / f"{name}.csv")
    return folder


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.5, 0.4, 0.6, 1.0, -1, 0.01), SUPPORTED),
        ((0.5, 0.4, 0.6, 1.0, 1, 0.01), AGAINST),
        ((0.5, 0.4, 0.6, 1.0, -1, NAN), SUPPORTED),
        ((0.5, 0.4, 0.6, 1.0, -1, 0.06), "q = 0.060"),
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
    one = rows[rows["decided by"] == OUTCOME].iloc[0]
    assert one["verdict"] == said
    assert one["runs (that see)"] == "3 (?) and 3 (?)"
    able = [float(value) for value in re.findall(r"\d\.\d+", one["detectable"])]
    assert 0 < able[1] < able[0] < able[2] < 1


def test_no_effect_is_not_decided(tmp_path, toy):
    _, rows, _ = ledger(tables(tmp_path, toy, planted(1.0)))
    [one] = rows.loc[rows["decided by"] == OUTCOME, "verdict"]
    assert one == "not decidable here: the interval holds 1"


def test_no_relevant_effect_can_be_decided(tmp_path, toy):
    values = planted(1.0)
    # Runs that hardly differ, and methods that do by less than the margin.
    close = values["measure"].eq("ratio_unseen")
    values.loc[close, "value"] = 0.5 + values["seed"] / 100 + values["method"].eq("ppo-bg9") / 99
    _, rows, _ = ledger(tables(tmp_path, toy, values))
    [one] = rows.loc[rows["decided by"] == OUTCOME, "verdict"]
    assert one == "no relevant effect: within a factor of 1.25"


def test_other_poolings_say_the_same_or_otherwise(tmp_path, toy):
    values = planted(1.0)
    values.loc[values["measure"].str.startswith("icc"), "value"] += values["seed"] / 100
    whitened = values["measure"].eq("icc_whitened_unseen") & values["method"].eq("mutual-bg9")
    for shift, said in ((0.0, "says the same"), (0.4, "says otherwise")):
        moved = values.assign(value=values["value"] + shift * whitened)
        folder = tmp_path / said.split()[1]
        folder.mkdir()
        _, rows, _ = ledger(tables(folder, toy, moved))
        [one] = rows.loc[rows["decided by"] == "… its directions whitened", "verdict"]
        assert one == said


def test_fewer_movements_everywhere_are_no_invariance(tmp_path, toy):
    more = planted(0.5)
    more = more[more["measure"].eq("ratio_unseen") & more["layer"].eq("buttons")]
    both = [planted(0.5), more.assign(measure="tv_unseen")]
    _, rows, _ = ledger(tables(tmp_path, toy, pd.concat(both)))
    assert rows["verdict"].iloc[1] == SUPPORTED
    folder = tmp_path / "both"
    folder.mkdir()
    _, rows, _ = ledger(
        tables(folder, toy, pd.concat([*both, more.assign(measure="tv_between_unseen")]))
    )
    assert (
        rows["verdict"]
        .iloc[1]
        .startswith("supported, but other states on them move decisions less, too: ×")
    )


@pytest.mark.parametrize("seeing", [2, 3])
def test_runs_that_do_not_see_decide_nothing(tmp_path, toy, seeing):
    values = planted(0.4)
    ids = values.loc[values["method"] != "untrained", "id"].unique()
    sees = {name: seeing == 3 or "mutual-bg9/1/" not in name for name in ids}
    folder = tables(tmp_path, toy, values)
    rows = contrast_rows(values, PLAN, Beside(sees))
    (folder / "contrasts.csv").unlink()
    toy_tables.write(rows.to_dict("records"), folder, "contrasts")
    _, found, _ = ledger(folder)
    one = found[found["decided by"] == OUTCOME].iloc[0]
    assert one["runs (that see)"] == f"3 ({seeing}) and 3 (3)"
    blind = "not decidable here: 2 of 3 runs of mutual-bg9 see"
    assert one["verdict"] == (SUPPORTED if seeing == 3 else blind)


def test_a_gap_that_widens_says_what_a_return_that_falls_says(tmp_path, toy):
    values = planted()
    base = values[values["measure"].eq("icc_unseen")].assign(layer="episodes")
    treated, noise = base["method"].eq("mutual-bg9"), 1 + base["seed"] / 50
    fallen = base.assign(measure="return_played", value=(5.0 - 2 * treated) * noise)
    for said, more in {"says the same": 2.0, "says otherwise": -2.0}.items():
        widened = base.assign(measure="gap_played", value=(5.0 + more * treated) * noise)
        folder = tmp_path / said.split()[1]
        folder.mkdir()
        _, rows, _ = ledger(tables(folder, toy, pd.concat([values, fallen, widened])))
        [one] = rows.loc[rows["decided by"] == "… return on training levels less that", "verdict"]
        assert one == said


def test_what_was_not_measured_is_said(tmp_path, toy):
    _, rows, _ = ledger(tables(tmp_path, toy, planted(0.5)))
    probed = rows.loc[rows["decided by"].str.startswith("background probe"), "verdict"]
    assert set(probed) == {"not decidable here: not measured"}
    picture = rows[rows["decided by"].str.startswith("spread")].iloc[0]
    assert picture["verdict"].startswith("not decidable here")


@pytest.mark.parametrize("games", [("starpilot",), ("starpilot", "bigfish")])
def test_the_picture_is_a_mean_over_runs_and_of_its_own_game_where_there_are_any(
    tmp_path, toy, games
):
    folder = tables(tmp_path, toy, planted(0.5))
    (folder / "embedding_scores.csv").unlink()
    spreads = {"mutual/0/peer0": 0.6, "mutual/0/peer1": 0.8, "ppo/0/peer0": 1.0, "ppo/1/peer0": 1.8}
    cells = {"panel": "random-conv", "map": "layer", "measure": "spread within ÷ between states"}
    rows = [
        {**cells, "game": game, "id": f"{game}/{name}/step8", "value": value}
        for game in games
        for name, value in spreads.items()
    ]
    toy_tables.write(rows, folder, "embedding_scores")
    both = ledger(folder)[1].iloc[-2:].to_dict("records")
    assert both[1]["claim"].startswith("… on bigfish")
    for row in both[: len(games)]:
        assert row["mutual to PPO"] == ""
        assert row["runs (that see)"] == "1 and 2"
        assert row["verdict"].startswith("not decidable here: no interval over runs is tabled")
        assert "runs trained on all backgrounds, equal steps" in row["decided by"]
    if len(games) == 1:
        said = "not measured: embedding_scores.csv lacks mutual or PPO on bigfish"
        assert both[1]["verdict"] == f"not decidable here: {said}" and not both[1]["mutual to PPO"]


@pytest.mark.parametrize(("ratio", "apart"), [(0.5, True), (1.02, False), (1.9, False)])
def test_a_control_is_told_apart_over_runs_where_it_is_less_bound(tmp_path, toy, ratio, apart):
    runs = [
        row
        for seed, noise in enumerate((0.95, 1.0, 1.05))
        for row in values_of(
            f"starpilot/drac-twins-bg9/{seed}",
            STEPS,
            ratio_unseen=noise * ratio,
            icc_one_way=0.8 + noise / 9,
        )
    ]
    single = values_of("starpilot/drac-bg9/0", STEPS, ratio_unseen=0.1)
    values = pd.concat([planted(1.0), pd.DataFrame(runs + single)])
    *_, rows = ledger(tables(tmp_path, toy, values))
    found = rows.set_index("measure")["drac-twins told apart"]
    assert (found["TV between twins ÷ TV between states"] == "yes") == apart
    assert found["ICC(1,1), last layer, all backgrounds"] == "yes"
    assert found["background probe, last layer"] == "not measured"
    one = rows.set_index("measure").loc["TV between twins ÷ TV between states"]
    assert one["drac told apart"] == "not decidable here: one run on a side: nothing over runs"


def test_the_file_is_the_ledger(tmp_path, toy, capsys):
    folder, file = tables(tmp_path, toy, planted(0.5)), tmp_path / "new" / "claims.md"
    main(Settings(folder, file))
    assert file.read_text() == markdown(in_short(folder), *ledger(folder))
    assert capsys.readouterr().out.endswith(f"written to {file}\n")


def test_the_committed_ledger_says_what_the_committed_tables_hold():
    text = (ROOT / "figures" / "out" / "claims.md").read_text()
    same = text == markdown(in_short(TABLES), *ledger(TABLES))
    assert same, "run: python -m figures.claims"


def test_without_the_declared_contrast_there_is_no_ledger(tmp_path, toy):
    rows = contrast_rows(planted(0.5), PLAN).assign(primary=False)
    folder = tables(tmp_path, toy, planted(0.5))
    toy_tables.write(rows.to_dict("records"), folder, "contrasts")
    with pytest.raises(UserError, match="expected a row of the declared contrast, got none"):
        ledger(folder)


def test_the_second_sample_stands_first_and_as_far_as_it_is(tmp_path, toy):
    _, rows, _ = ledger(tables(tmp_path, toy, planted(0.5)))
    one = rows.iloc[0]
    assert one["claim"] == "Declared beforehand, on coinrun: less bound to the background"
    assert one["verdict"] == "look 1: not reached: waits for the pair of seed 102"
    assert one["runs (that see)"].startswith("2 of 6 pairs (0 and 0)")
    assert one["mutual to PPO"] == ""


def test_what_the_ledger_asks_is_the_declared_family():
    assert {(claim.measure, claim.layer) for claim in CLAIMS} == set(FAMILY)


@pytest.mark.parametrize(("peers", "said"), [(0.9, SUPPORTED), (0.5, AGAINST)])
def test_peers_that_are_alike_converge(tmp_path, toy, peers, said):
    rows = [
        {
            **{"game": "starpilot", "method": "mutual-bg9", "measure": measure, "runs": 3},
            **{"value_peers": peers, "value_apart": 0.7, "difference": peers - 0.7},
            **{"difference_low": peers - 0.75, "difference_high": peers - 0.65},
        }
        for measure in ("cka", "agreement", "agreement_chance", "shift")
    ]
    folder = tables(tmp_path, toy, planted(1.0), pd.DataFrame(rows))
    (folder / "samples_peers.csv").unlink()
    toy_tables.write(rows, folder, "samples_peers")
    found = ledger(folder)[1].set_index("claim")
    assert found.loc[CONVERGE, "verdict"].startswith(f"{said}; likeliest buttons agree in")
    # Student's t of 2 degrees of freedom: the half width is 4.3 standard errors. Of two tests.
    t = abs(peers - 0.7) / (0.05 / 4.302653)
    assert (
        0.0 < float(found.loc[CONVERGE, "q"]) == pytest.approx(2 * 2 * stats.t.sf(t, 2), abs=6e-4)
    )
    # Being alike after distillation is what both sides of the claim predict.
    assert found.loc[CANCEL, "verdict"].startswith("not decidable here: peers that have")
    assert found.loc[CANCEL, "q"] == ""

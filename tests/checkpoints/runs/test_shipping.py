"""Shipping policies and gathering their curves, on synthetic runs."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis import curves
from analysis.records.tables import read_table
from analysis.studies.training.curves import SCHEMA, curve_rows
from checkpoints import __main__ as listing
from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.policy.half_precision import TOLERANCE, half_precision_shift
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.shipped import SHIPPED, SURVEYED, usual_policies
from checkpoints.policy.store import Provenance, list_policies, policy_path, save_policy
from checkpoints.runs import shipping as zoo
from checkpoints.runs.study import read_study
from tests.support.queued import save

RECIPE = Recipe(encoder="nature", features=8, mode="easy")
BATCH = replace(RECIPE, num_envs=4, num_steps=8)
RUN = parse_id("leaper/ppo/0")


def kept(root: Path, step: int, offset: float = 0.0) -> Path:
    """``offset`` is common to all logits: it changes no decision, but costs half its digits."""
    torch.manual_seed(step)
    policy = Policy("nature", 8)
    torch.nn.init.normal_(policy.actor.weight)
    policy.actor.bias.data += offset + torch.linspace(0, 1, 15)
    name = PolicyId("leaper", "ppo", 0, 0, step)
    made = Provenance(str(name), asdict(RECIPE), step, {"train": 1.5}, {}, "code")
    path = policy_path(root, name)
    save_policy(policy, made, path)
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A run as training leaves it: three kept policies and a log."""
    root = tmp_path / "runs"
    for step in (64, 128, 256):
        kept(root, step)
    rows = [
        {"step": step, "peer": 0, "train_return": step / 64, "train_episodes": 100}
        for step in (64, 128, 192, 256)
    ]
    rows[3] |= {"unseen_return": 3.0, "unseen_error": 0.5, "unseen_episodes": 64}
    pd.DataFrame(rows).to_csv(root / str(RUN) / "progress.csv", index=False)
    return root


def settings(runs: Path, **changes) -> zoo.Settings:
    study = runs.parent / "study.yaml"
    lines = [f"  - {{id: leaper/ppo/{seed}, steps: 64}}" for seed in (0, 1, 2)]
    study.write_text("\n".join(["runs:", *lines]))
    return replace(zoo.Settings(study, runs, runs.parent / "zoo", train=False), **changes)


def test_the_steps_asked_for_are_shipped_in_half_precision(runs: Path):
    written = zoo.ship(RUN, (64, 256), settings(runs))
    assert [path.stem for path in written] == ["step64", "step256"]
    assert {k.step for k in list_policies(runs.parent / "zoo")} == {64, 256}
    assert (runs.parent / "zoo" / str(RUN) / "progress.csv").exists()
    source = policy_path(runs, PolicyId("leaper", "ppo", 0, 0, 64))
    assert 0 <= half_precision_shift(source, written[0]) < TOLERANCE


def test_the_shift_sees_another_policy(runs: Path, tmp_path: Path):
    assert half_precision_shift(kept(runs, 64), kept(tmp_path, 65)) > TOLERANCE


def test_a_policy_that_half_precision_changes_is_not_shipped(runs: Path):
    kept(runs, 512, offset=3000.2)
    with pytest.raises(UserError, match="ship it in full precision"):
        zoo.ship(RUN, (512,), settings(runs))
    assert not list_policies(runs.parent / "zoo")


def test_shipping_refuses_what_is_missing_or_there(runs: Path):
    with pytest.raises(UserError, match=r"\[1024\] are missing"):
        zoo.ship(RUN, (64, 1024), settings(runs))
    zoo.ship(RUN, (64,), settings(runs))
    with pytest.raises(UserError, match="exists; give --overwrite"):
        zoo.ship(RUN, (64,), settings(runs))
    zoo.ship(RUN, (64,), settings(runs, overwrite=True))


def test_without_training_unfinished_runs_are_named(runs: Path, monkeypatch, capsys):
    monkeypatch.setattr(zoo, "SHIPPED", {"leaper/ppo/0": (64,), "leaper/ppo/1": (64,)})
    zoo.main(settings(runs))
    assert "left out: expected leaper/ppo/1 to be trained" in capsys.readouterr().out
    before = (runs.parent / "zoo" / str(RUN) / "peer0" / "step64.safetensors").stat()
    zoo.main(settings(runs))
    assert str(RUN) not in capsys.readouterr().out.replace("leaper/ppo/1", "")
    after = (runs.parent / "zoo" / str(RUN) / "peer0" / "step64.safetensors").stat()
    assert before.st_mtime_ns == after.st_mtime_ns


def test_other_runs_that_are_done_leave_their_logs(runs: Path, monkeypatch):
    monkeypatch.setattr(zoo, "SHIPPED", {"leaper/ppo/0": (128,)})
    for seed, step in ((1, 32), (2, 64)):  # of which the study wants 64
        folder = runs / f"leaper/ppo/{seed}"
        save(folder, step // BATCH.batch, BATCH)
        (folder / "progress.csv").write_text(f"step\n{step}\n")
    zoo.main(settings(runs))
    shipped = runs.parent / "zoo"
    assert [str(one) for one in list_policies(shipped)] == ["leaper/ppo/0/peer0/step128"]
    logs = sorted(str(path.relative_to(shipped)) for path in shipped.rglob("*.csv"))
    assert logs == ["leaper/ppo/0/progress.csv", "leaper/ppo/2/progress.csv"]


def test_a_run_whose_log_alone_is_there_is_still_shipped(runs: Path, monkeypatch):
    (runs.parent / "zoo" / str(RUN)).mkdir(parents=True)
    (runs.parent / "zoo" / str(RUN) / "progress.csv").write_text("step\n64\n")
    monkeypatch.setattr(zoo, "SHIPPED", {"leaper/ppo/0": (64,)})
    zoo.main(settings(runs))
    assert [one.step for one in list_policies(runs.parent / "zoo")] == [64]


def test_what_is_shipped_must_be_planned(runs: Path, monkeypatch):
    monkeypatch.setattr(zoo, "SHIPPED", {"leaper/ppo/7": (64,)})
    with pytest.raises(UserError, match=r"expected leaper/ppo/7 among the runs of .*; add it"):
        zoo.main(settings(runs))


def test_what_is_missing_is_trained_as_the_study_says(runs: Path, monkeypatch):
    monkeypatch.setattr(zoo, "SHIPPED", {"leaper/ppo/1": (64,)})
    asked = []
    monkeypatch.setattr(zoo, "train", lambda wanted, _: asked.extend(wanted))
    with pytest.raises(UserError, match="expected leaper/ppo/1 to be trained"):
        zoo.main(settings(runs, train=True))
    assert [(str(run.id), run.steps) for run in asked] == [("leaper/ppo/1", 64)]


def test_every_shipped_run_is_planned_and_keeps_the_steps_it_ships():
    planned = {str(run.id): run for run in read_study(zoo.Settings().study)}
    for name, steps in SHIPPED.items():
        powers = {planned[name].recipe.batch * 2**k for k in range(12)}
        assert set(steps) <= powers
        assert max(steps) == planned[name].steps


def test_curves_say_return_interval_and_what_is_kept(runs: Path):
    curves.main(curves.Settings(root=runs, output=runs.parent / "tables"))
    rows = read_table(runs.parent / "tables" / "curves.csv", SCHEMA)
    assert len(rows) == 5 and set(rows["id"]) == {"leaper/ppo/0/peer0"}
    unseen = rows[rows["split"] == "unseen"].iloc[0]
    assert (unseen.low, unseen.high) == pytest.approx((3 - 0.98, 3 + 0.98))
    train = rows[rows["split"] == "train"]
    assert train["low"].isna().all()
    assert train.set_index("step")["kept"].to_dict() == {64: True, 128: True, 192: False, 256: True}
    assert np.unique(rows["blind_return"]) == [3.0]
    with pytest.raises(UserError, match=r"curves\.csv exists and is kept; give --overwrite"):
        curves.main(curves.Settings(root=runs, output=runs.parent / "tables"))


def test_curves_without_runs_or_logs(runs: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"expected runs under .*empty, found none; train one"):
        curve_rows(tmp_path / "empty")
    (runs / str(RUN) / "progress.csv").unlink()
    with pytest.raises(UserError, match="expected the log of leaper/ppo/0"):
        curve_rows(runs)


def test_the_list_of_policies(runs: Path, capsys):
    listing.main(listing.Settings(("leaper/ppo/0",), runs))
    printed = capsys.readouterr().out
    assert "leaper/ppo/0/peer0/step256" in printed and "3 policies" in printed
    with pytest.raises(UserError, match="no policy 'leaper/ppo/9'"):
        listing.main(listing.Settings(("leaper/ppo/9",), runs))


def test_one_list_names_all_that_is_shipped_and_what_is_meant_where_nothing_is_named():
    there = {(str(one.run), one.step) for one in list_policies()}
    assert there == {(name, step) for name, steps in SHIPPED.items() for step in steps}
    assert {str(one.run) for one in usual_policies()} == set(SURVEYED) < set(SHIPPED)


def test_another_folder_is_meant_whole(runs: Path):
    assert usual_policies(runs) == list_policies(runs) != []

"""Shipping policies and gathering their curves, on synthetic runs."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis import curves
from analysis.tables import read_table
from checkpoints import __main__ as listing
from checkpoints import zoo
from checkpoints.console import UserError
from checkpoints.encoders import Policy
from checkpoints.ids import PolicyId, parse_id
from checkpoints.recipes import Recipe
from checkpoints.store import Provenance, list_policies, policy_path, save_policy

RECIPE = Recipe(encoder="nature", features=8, mode="easy")
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
    return replace(zoo.Settings(runs=runs, zoo=runs.parent / "zoo", train=False), **changes)


def test_the_steps_asked_for_are_shipped_in_half_precision(runs: Path):
    written = zoo.ship(RUN, (64, 256), settings(runs))
    assert [path.stem for path in written] == ["step64", "step256"]
    assert {k.step for k in list_policies(runs.parent / "zoo")} == {64, 256}
    assert (runs.parent / "zoo" / str(RUN) / "progress.csv").exists()
    source = policy_path(runs, PolicyId("leaper", "ppo", 0, 0, 64))
    assert 0 <= zoo.half_precision_shift(source, written[0]) < zoo.TOLERANCE


def test_the_shift_sees_another_policy(runs: Path, tmp_path: Path):
    assert zoo.half_precision_shift(kept(runs, 64), kept(tmp_path, 65)) > zoo.TOLERANCE


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
    monkeypatch.setattr(zoo, "STUDY", {"leaper/ppo/0": (64,), "leaper/ppo/1": (64,)})
    zoo.main(settings(runs))
    assert "left out: expected leaper/ppo/1 to be trained" in capsys.readouterr().out
    zoo.main(settings(runs))
    assert "leaper/ppo/0 is in" in capsys.readouterr().out


def test_every_run_of_the_study_keeps_the_steps_it_ships():
    batch = Recipe().batch
    powers = {batch * 2**k for k in range(12)} | {zoo.STEPS}
    for name, steps in zoo.STUDY.items():
        assert str(parse_id(name)) == name
        assert set(steps) <= powers and max(steps) == zoo.STEPS


def test_curves_say_return_interval_and_what_is_kept(runs: Path):
    curves.main(curves.Settings(runs, runs.parent / "tables"))
    rows = read_table(runs.parent / "tables" / "curves.csv", curves.SCHEMA)
    assert len(rows) == 5 and set(rows["id"]) == {"leaper/ppo/0/peer0"}
    unseen = rows[rows["split"] == "unseen"].iloc[0]
    assert (unseen.low, unseen.high) == pytest.approx((3 - 0.98, 3 + 0.98))
    train = rows[rows["split"] == "train"]
    assert train["low"].isna().all()
    assert train.set_index("step")["kept"].to_dict() == {64: True, 128: True, 192: False, 256: True}
    assert np.unique(rows["blind_return"]) == [3.0]
    with pytest.raises(UserError, match="--overwrite"):
        curves.main(curves.Settings(runs, runs.parent / "tables"))


def test_curves_without_runs_or_logs(runs: Path, tmp_path: Path):
    with pytest.raises(UserError, match="expected runs under"):
        curves.rows(tmp_path / "empty")
    (runs / str(RUN) / "progress.csv").unlink()
    with pytest.raises(UserError, match="expected the log of leaper/ppo/0"):
        curves.rows(runs)


def test_the_list_of_policies(runs: Path, capsys):
    listing.main(listing.Settings(("leaper/ppo/0",), runs))
    printed = capsys.readouterr().out
    assert "leaper/ppo/0/peer0/step256" in printed and "3 policies" in printed
    with pytest.raises(UserError, match="no policy 'leaper/ppo/9'"):
        listing.main(listing.Settings(("leaper/ppo/9",), runs))

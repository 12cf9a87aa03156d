"""Returns on three splits: which levels, which backgrounds, one episode each, and the command."""

import dataclasses
import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from analysis import returns
from analysis.policies.subjects import Subject
from analysis.records import tables
from analysis.returns import Settings
from analysis.scenes.episodes import Stage
from analysis.studies.examination import ALL
from analysis.studies.returns.episodes import SCHEMA, SPLITS, play_splits, stages_of
from analysis.studies.returns.scores import PROFILES, SCORES
from analysis.studies.returns.swaps import SWAP_SCHEMA
from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.trained import Training
from checkpoints.world.environments import UNSEEN_START, Levels, ProcgenVectorEnv
from checkpoints.world.states import for_drawing

EPISODES = 12
GAME = "starpilot"


class Looking(nn.Module):
    """A policy of one linear layer on a coarse picture; ``blind`` ignores the picture."""

    def __init__(self, blind: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(3 * 16, 15)
        self.blind = blind

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        coarse = frames.float().reshape(-1, 4, 16, 4, 16, 3).mean((2, 4)).flatten(1) / 255
        logits = 4 * self.head(0 * coarse if self.blind else coarse)
        return logits, logits[:, 0]


def stranger(policy: nn.Module, recipe: Recipe | None = None, game: str = GAME) -> Subject:
    """A policy that no file holds."""
    made = recipe or Recipe(mode="easy", levels=30)
    training = Training(made.mode, made.backgrounds, made.levels)
    return Subject(parse_id(f"{game}/ppo/0/peer0/step9"), policy, training)


@cache
def stages(game: str = GAME) -> dict[str, Stage]:
    few, many = (stranger(Looking(True), Recipe(mode="easy", levels=n)) for n in (30, 90))
    return stages_of(game, [many, few], episodes=EPISODES, seed=0)


def rows_on(split: str, subject: Subject, backgrounds: str = "all") -> pd.DataFrame:
    names = dict.fromkeys(("unseen", split)) if split == "blind" else [split]
    there = {name: stages(subject.id.game)[name] for name in names}
    return pd.DataFrame(play_splits(there, subject, backgrounds=backgrounds)[split])


# -- which levels, which backgrounds ---------------------------------------------------------


def test_splits_are_what_they_are_called():
    parts = [rows_on(split, stranger(Looking(False))) for split in SPLITS]
    train, unseen, swapped, every_step, without = parts
    assert without[["level", "background"]].equals(unseen[["level", "background"]])
    # The levels that all policies were trained on: the fewest of them.
    assert train["level"].between(0, 29).all()
    assert (unseen["level"] >= UNSEEN_START).all()
    assert swapped["level"].tolist() == unseen["level"].tolist()
    assert (swapped["background"] != unseen["background"]).all()
    # It begins on the own background, which no step shows.
    assert every_step[["level", "background"]].equals(unseen[["level", "background"]])
    for rows in parts:
        assert rows["episode"].tolist() == list(range(EPISODES))
        assert rows["level"].nunique() > EPISODES / 2


def test_backgrounds_are_those_of_the_states_played():
    unseen = rows_on("unseen", stranger(Looking(True)))
    own = [for_drawing(state, GAME).own for state in stages()["unseen"].first]
    assert unseen["background"].tolist() == own


def test_a_blind_policy_earns_the_same_on_other_backgrounds_and_one_that_looks_does_not():
    for blind in (True, False):
        splits = "unseen", "swapped", "swapped-step"
        unseen, *others = (rows_on(split, stranger(Looking(blind))) for split in splits)
        for swapped in others:
            assert unseen["episode_steps"].equals(swapped["episode_steps"]) is blind


def test_each_first_state_is_played_once_to_its_end():
    from analysis.scenes.episodes import act

    policy, stage = Looking(False), stages()["train"]
    env = ProcgenVectorEnv(GAME, levels=Levels.train(30), num_envs=EPISODES, seed=0)
    frames, numbers = env.set_states(stage.first), np.random.default_rng([0, 0])
    total, steps = np.zeros((2, EPISODES))
    playing = np.ones(EPISODES, dtype=bool)
    while playing.any():
        frames, rewards, dones, _, _ = env.step(act(policy, frames, numbers.random(EPISODES)))
        total[playing] += rewards[playing]
        steps[playing] += 1
        playing &= ~dones
    rows = rows_on("train", stranger(policy))
    assert rows["episode_return"].tolist() == total.tolist()
    assert rows["episode_steps"].tolist() == steps.tolist()


def test_a_policy_of_few_backgrounds_meets_levels_as_in_training():
    chosen = (3, 7, 11)
    narrow = stranger(Looking(False), Recipe(mode="easy", levels=30, backgrounds=chosen))
    env = ProcgenVectorEnv(GAME, levels=Levels.train(30), num_envs=40, seed=5, backgrounds=chosen)
    rule = {
        level: for_drawing(state, GAME).own
        for level, state in zip(env.level_seeds().tolist(), env.get_states(), strict=True)
    }
    rows = rows_on("train", narrow)
    assert any(level in rule for level in rows["level"])
    assert all(rule.get(r.level, r.background) == r.background for r in rows.itertuples())
    assert set(rows_on("unseen", narrow)["background"]) <= set(chosen)
    for kind, inside in (("seen", True), ("unseen", False)):
        swapped = rows_on("swapped", narrow, kind)
        assert swapped["background"].isin(chosen).all() == inside
        assert (swapped["background"] != rows_on("unseen", narrow)["background"]).all()
    wide = rows_on("unseen", stranger(Looking(False)))
    assert not rows_on("unseen", narrow)["background"].equals(wide["background"])


def test_nothing_to_swap_to_gives_no_rows():
    chaser = stranger(Looking(True), game="chaser")
    for split in ("swapped", "swapped-step"):
        assert rows_on(split, stranger(Looking(True)), "unseen").empty
        assert rows_on(split, chaser).empty
    assert len(rows_on("unseen", chaser)) == EPISODES


# -- the command -----------------------------------------------------------------------------

FEW = 2
NAMES = ("coinrun/ppo/0", "starpilot/ppo/0", "starpilot/mutual/0")
COMMAND = Settings(ids=NAMES, episodes=FEW, replicates=50, untrained=0)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes of three shipped runs."""
    folder = tmp_path_factory.mktemp("returns")
    returns.main(dataclasses.replace(COMMAND, output=folder))
    return folder


def digest(folder: Path) -> str:
    files = sorted(folder.glob("*.csv"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def test_the_command_writes_its_tables(written):
    rows, scores, profiles = (
        tables.read_table(written / f"{one.name}.csv", one) for one in (SCHEMA, SCORES, PROFILES)
    )
    assert len(rows) == 4 * len(SPLITS) * FEW
    mean = rows.groupby(["game", "method", "split"])["episode_return"].mean()
    said = scores[scores["measure"] == "return"].set_index(["game", "method", "split"])["value"]
    np.testing.assert_allclose(said, mean[said.index], rtol=1e-5)
    # mutual has not played both games.
    assert set(scores[scores["game"] == ALL]["method"]) == {"ppo"}
    assert scores["low"].isna().all()  # one run of each
    assert scores["level_low"].notna().all()
    assert set(scores[scores["method"] == "mutual"]["episodes"]) == {2 * FEW, 3 * FEW}
    assert set(profiles["game"]) == {"coinrun", "starpilot", ALL}
    assert profiles.groupby("game")["threshold"].nunique().eq(51).all()


def test_swaps_are_paired_over_the_very_rows_of_the_episodes(written):
    rows = tables.read_table(written / "returns.csv", SCHEMA)
    swaps = tables.read_table(written / "returns_swaps.csv", SWAP_SCHEMA)
    assert len(swaps) == 4 * 4
    assert (swaps["episodes"] == FEW).all() and not swaps["vacuous"].any()
    wide = rows.pivot(index=["id", "episode"], columns="split", values="episode_return")
    found = swaps.set_index(["id", "swap"])["difference"].unstack()
    for swap, split in {"episode": "swapped", "step": "swapped-step", "blind": "blind"}.items():
        apart = (wide[split] - wide["unseen"]).groupby("id").mean()
        np.testing.assert_allclose(found[swap], apart[found.index], rtol=1e-5)
    assert found["none"].isna().all()


def test_the_same_seed_writes_the_same_and_another_writes_others(written, tmp_path, capsys):
    again = dataclasses.replace(COMMAND, ids=NAMES[::-1], output=tmp_path / "again")
    returns.main(again)
    printed = capsys.readouterr().out
    assert "P(mutual > ppo)" in printed and "another a step" in printed
    assert "all games: returns" in printed
    assert printed.splitlines()[-1] == str(tmp_path / "again" / "returns_profiles.csv")
    assert digest(tmp_path / "again") == digest(written)
    other = dataclasses.replace(again, ids=NAMES[1:2], seed=1, output=tmp_path / "other")
    returns.main(other)
    rows, others = (pd.read_csv(one / "returns.csv", skiprows=1) for one in (written, other.output))
    same = rows[rows["id"].isin(others["id"])].reset_index(drop=True)
    assert len(same) == len(others)
    assert (same["level"] != others["level"]).mean() > 0.9


def test_all_steps_give_rows_and_the_last_gives_the_scores(written, tmp_path):
    every = dataclasses.replace(COMMAND, ids=NAMES[1:2], steps="all", output=tmp_path)
    returns.main(every)
    rows = pd.read_csv(tmp_path / "returns.csv", skiprows=1)
    assert sorted(set(rows["step"])) == [131072, 524288, 2097152]
    kept = ["game", "split", "measure", "method", "value", "level_low", "level_high"]
    found, before = (
        pd.read_csv(one / "returns_scores.csv", skiprows=1)[kept] for one in (tmp_path, written)
    )
    before = before.query("game == 'starpilot' and method == 'ppo'").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, before)


def test_messages(written):
    with pytest.raises(UserError, match=r"returns\w*\.csv exists and is kept; give --overwrite"):
        returns.main(dataclasses.replace(COMMAND, output=written))
    with pytest.raises(UserError, match=r"--episodes: expected .* from 2 to .*, got 1"):
        returns.main(dataclasses.replace(COMMAND, episodes=1, output=written))

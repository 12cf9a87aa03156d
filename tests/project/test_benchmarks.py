"""Others' training code is run as it stands, in the sizes of a recipe."""

from pathlib import Path

import pytest

from checkpoints.console import UserError
from checkpoints.policy.recipes import Recipe
from tests.benchmarks.rivals import World, authors, cleanrl

TINY = Recipe(num_envs=2, num_steps=4, minibatches=1, epochs=1, mode="easy", levels=5)

# What CleanRL's script does with the world, and how it logs the end of an iteration.
SCRIPT = """
import argparse
import gym
from procgen import ProcgenEnv
from torch.utils.tensorboard import SummaryWriter

parser = argparse.ArgumentParser()
for name in ("total-timesteps", "num-envs", "num-steps", "num-minibatches", "update-epochs"):
    parser.add_argument(f"--{name}", type=int, required=True)
parser.add_argument("--no-cuda", action="store_true")
args = parser.parse_args()
assert __name__ == "__main__" and args.no_cuda and args.num_minibatches == args.update_epochs == 1
writer = SummaryWriter("runs/name")
envs = ProcgenEnv(num_envs=args.num_envs, env_name="starpilot", num_levels=0, start_level=0)
envs = gym.wrappers.TransformObservation(envs, lambda seen: seen["rgb"])
envs.single_action_space = envs.action_space
envs.single_observation_space = envs.observation_space["rgb"]
envs = gym.wrappers.NormalizeReward(gym.wrappers.RecordEpisodeStatistics(envs), gamma=0.9)
assert isinstance(envs.single_action_space, gym.spaces.Discrete)
assert envs.reset().shape == (args.num_envs, *envs.single_observation_space.shape)
import numpy as np
for _ in range(args.total_timesteps // (args.num_envs * args.num_steps)):
    for _ in range(args.num_steps):
        frames, rewards, ends, info = envs.step(np.zeros(args.num_envs, dtype=int))
    writer.add_scalar("losses/value_loss", 0.0, 1)
    writer.add_scalar("charts/SPS", 1, 1)
envs.close()
"""


def test_cleanrls_script_is_timed_on_our_world(tmp_path: Path, monkeypatch):
    script = tmp_path / "ppo_procgen.py"
    script.write_text(SCRIPT)
    taken = []
    step = World.step
    monkeypatch.setattr(World, "step", lambda self, a: (taken.append(len(a)), step(self, a))[1])
    iterate = cleanrl(script, "coinrun", TINY, "cpu")
    assert [iterate() > 0 for _ in range(2)] == [True, True]
    assert taken == [2] * 16


def test_wrong_paths_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"expected a checkout .* with trainer\.py, got"):
        authors(tmp_path, "coinrun", TINY, "cpu")
    with pytest.raises(UserError, match=r"expected CleanRL's ppo_procgen\.py, got"):
        cleanrl(tmp_path, "coinrun", TINY, "cpu")

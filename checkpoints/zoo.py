"""The shipped policies: train the study and keep what the figures need (``make zoo``).

``python -m checkpoints.zoo`` trains every run of :data:`STUDY` that is not finished, then copies
its policies into the zoo in half precision. It goes on where it was stopped.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from checkpoints.console import UserError, run_command
from checkpoints.ids import PolicyId, parse_id
from checkpoints.store import ZOO, list_policies, load_policy, policy_path, save_policy

STEPS = 2_097_152
KEPT = (131_072, 524_288, STEPS)
"""Steps at which a policy is shipped: a sixteenth, a quarter and all of its training."""

STUDY: dict[str, tuple[int, ...]] = {
    "starpilot/mutual/0": KEPT,
    "starpilot/ppo/0": KEPT,
    "starpilot/ppo/1": KEPT[1:],
    "coinrun/mutual/0": KEPT,
    "coinrun/ppo/0": KEPT,
    "coinrun/ppo/1": KEPT[1:],
}
"""Runs of the zoo with the steps shipped of each; the second PPO seeds are the null."""

RECIPE = (
    *("--recipe.encoder", "nature", "--recipe.precision", "bfloat16"),
    *("--recipe.mode", "easy", "--recipe.levels", "500", "--threads", "1"),
)
"""What a laptop can train: the Nature encoder, easy mode. All else as in the reference."""

TOLERANCE = 0.005
"""Largest total variation between the action distributions before and after half precision."""


@dataclass(frozen=True)
class Settings:
    """Train the shipped policies anew and put them into the zoo.

    About 25 minutes of one core for each PPO run, 75 for each mutual run.
    """

    runs: Path = Path("runs")
    """folder where runs train and are kept whole"""
    zoo: Path = ZOO
    """folder that receives the shipped policies"""
    train: bool = True
    """train what is missing; --no-train only copies what is finished"""
    overwrite: bool = False
    """replace policies that are already in the zoo"""


def half_precision_shift(policy_file: Path, shipped_file: Path) -> float:
    """Largest total variation (0 to 1) over 256 frames of noise and of the policy's own game."""
    import numpy as np
    import torch

    from checkpoints.worlds import Levels, ProcgenVectorEnv

    (before, made), (after, _) = load_policy(policy_file), load_policy(shipped_file)
    env = ProcgenVectorEnv(
        made.policy_id.game, levels=Levels.unseen(), mode=made.settings().mode, num_envs=128
    )
    noise = np.random.default_rng(0).integers(0, 256, (128, 64, 64, 3), dtype=np.uint8)
    frames = torch.from_numpy(np.concatenate([env.reset()[0], noise]))
    with torch.no_grad():
        p, q = (policy(frames)[0].softmax(-1) for policy in (before, after))
    return float(0.5 * (p - q).abs().sum(-1).max())


def ship(run: PolicyId, steps: tuple[int, ...], settings: Settings) -> list[Path]:
    """Copy the policies of one run at ``steps``, and its progress, into the zoo.

    Raises:
        UserError: a step is not there, a file exists, or half precision changes decisions.
    """
    kept = [k for k in list_policies(settings.runs) if run.covers(k) and k.step in steps]
    missing = set(steps) - {k.step for k in kept}
    if missing:
        raise UserError(
            f"expected {run} to be trained to {max(steps):,} steps, but under {settings.runs} "
            f"{sorted(missing)} are missing; go on with: python -m checkpoints.zoo"
        )
    written = []
    for policy_id in kept:
        source, target = (policy_path(root, policy_id) for root in (settings.runs, settings.zoo))
        if target.exists() and not settings.overwrite:
            raise UserError(f"{target} exists; give --overwrite or another --zoo")
        policy, provenance = load_policy(source)
        save_policy(policy, provenance, target, half=True)
        shift = half_precision_shift(source, target)
        if shift > TOLERANCE:
            target.unlink()
            raise UserError(
                f"half precision moves {policy_id} by a total variation of {shift:.4f}, more "
                f"than {TOLERANCE}: ship it in full precision"
            )
        print(f"{target}  (total variation {shift:.1e} from full precision)")
        written.append(target)
    shutil.copyfile(
        settings.runs / str(run) / "progress.csv", settings.zoo / str(run) / "progress.csv"
    )
    return written


def main(settings: Settings) -> None:
    """Train and ship every run of the study."""
    import subprocess
    import sys

    for name, steps in STUDY.items():
        if not settings.overwrite and (settings.zoo / name / "progress.csv").exists():
            print(f"{name} is in {settings.zoo}")
            continue
        command = [sys.executable, "-m", "checkpoints.train", name, "--steps", str(STEPS)]
        command += [*RECIPE, "--output", str(settings.runs)]
        if settings.train and subprocess.run(command, check=False).returncode:
            raise UserError(f"training {name} stopped; see above, then run this again to go on")
        try:
            ship(parse_id(name), steps, settings)
        except UserError as error:
            if settings.train:
                raise
            print(f"left out: {error}")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m checkpoints.zoo")

"""What takes the place of training in tests of the queue; processes import it by name.

``python tests/support/queued.py STUDY OUTPUT`` works on a study with short training.
"""

import json
import os
import signal
import sys
import time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.runs.folder import RUN_KEY, STATE, only_process, standing
from checkpoints.runs.train import Settings

STUDY = """
recipe: {encoder: nature, features: 8, num_envs: 4, num_steps: 16, minibatches: 2, epochs: 1,
         mode: easy, levels: 20}
runs:
  - {id: coinrun/ppo/0, steps: 128}
  - {id: coinrun/mutual/0, steps: 128}
  - {id: coinrun/ppo/1, steps: 128}
"""


def save(folder: Path, iteration: int, recipe: Recipe) -> None:
    """A save that holds nothing but how far it is."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"iteration": iteration, "recipe": asdict(recipe), "extra": {}}
    save_file({"x": np.zeros(1)}, folder / STATE, {RUN_KEY: json.dumps(content)})


RECIPE = Recipe(encoder="nature", features=8, num_envs=4, num_steps=16)
"""Of the run that :func:`packed` pretends."""


@cache
def _group():
    """Untrained, with Adam's moments as after a step without gradients."""
    import torch

    from checkpoints.training.group import Group
    from checkpoints.training.peer import training_levels

    group = Group(training_levels("coinrun"), RECIPE, 3)
    for weight in group.optimiser.param_groups[0]["params"]:
        weight.grad = torch.zeros_like(weight)
    group.optimiser.step()
    return group


def full_save(folder: Path, iteration: int) -> None:
    """A complete save of coinrun that says it is so far."""
    from checkpoints.runs.resume import save_state

    group = _group()
    for moments in group.optimiser.state.values():
        moments["step"].fill_(iteration * RECIPE.epochs * RECIPE.minibatches)
    folder.mkdir(parents=True, exist_ok=True)
    save_state(group, iteration, folder, {"rows": [], "recent": [[]]})


def packed(root: Path, iteration: int) -> Path:
    """The archive of a pretended coinrun/mutual/3 in a folder of its own."""
    from checkpoints.runs.pack import archive_name, pack

    run, target = parse_id("coinrun/mutual/3"), root / "packs"
    full_save(root / "runs" / str(run), iteration)
    pack(run, root / "runs", target / archive_name(run))
    return target / archive_name(run)


def pretend(settings: Settings, behind: float) -> None:
    """Jump to the end that is asked for; a file named after the seed says what goes wrong."""
    folder = settings.output / settings.id
    seed = parse_id(settings.id).seed
    with only_process(folder):
        if standing(folder, int(settings.steps)).step >= settings.steps:
            return
        with open(settings.output / "began", "a") as file:
            file.write(f"{settings.id} {behind}\n")
        if (settings.output / f"refuse{seed}").exists():
            raise UserError("peer 0 diverged at step 64: loss not finite")
        if (settings.output / f"break{seed}").exists():
            raise RuntimeError("a bug")
        if (settings.output / f"kill{seed}").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        if (settings.output / f"leave{seed}").exists():
            os._exit(3)
        if (settings.output / "slow").exists():
            time.sleep(0.5)
        most = min(settings.steps, settings.pause)
        save(folder, -(-int(most) // settings.recipe.batch), settings.recipe)


def short(settings: Settings, behind: float) -> None:
    """Train for real, without evaluations, saving after every iteration."""
    from checkpoints.runs.train import main

    main(replace(settings, evaluate_episodes=0, save_seconds=0.0), behind)


if __name__ == "__main__":
    from checkpoints.runs.queue import Settings as QueueSettings
    from checkpoints.runs.queue import Worker
    from checkpoints.runs.study import read_study

    study, output = map(Path, sys.argv[1:])
    Worker(read_study(study), QueueSettings(study, output), short).work()
    print("the queue ended")

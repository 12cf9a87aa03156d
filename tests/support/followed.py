"""A study whose runs were never trained: random weights under their names, with logs."""

from collections.abc import Sequence
from pathlib import Path

import torch

from analysis.studies.training.plan import read_plans
from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.store import Provenance, policy_path, save_policy
from checkpoints.runs.study import read_study
from tests.support.logged import log

STUDY = """
recipe: {encoder: nature, features: 8, mode: easy}
runs:
  - {id: leaper/ppo/1, steps: 128, recipe: {encoder: impala}}
  - {id: leaper/mutual/0, steps: 64}
  - {id: leaper/ppo-bg4/0, steps: 64}
  - {id: chaser/ppo/0, steps: 64}
"""
"""Two games, two encoders, two peers, two sets of backgrounds; not in the order of ids."""


def study_file(folder: Path, text: str = STUDY) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def part_names(study: Path) -> list[str]:
    """Every part of a study, as the workflow counts them."""
    return [name for plan in read_plans(study).values() for name in plan.parts]


def pretend_runs(study: Path, root: Path, but: Sequence[str] = ()) -> Path:
    """Runs of the study that are done, but for some of which there is nothing."""
    for number, run in enumerate(read_study(study)):
        if str(run.id) not in but:
            pretend_run(root, run.id, run.recipe, run.steps, seed=number)
    return root


def pretend_run(root: Path, run: PolicyId, recipe, steps: int, seed: int = 0) -> None:
    """A run that kept every 64 steps."""
    kept = tuple(range(64, steps + 1, 64))
    for peer in range(recipe.peers):
        for step in kept:
            torch.manual_seed(1000 * seed + 100 * peer + step)
            name = PolicyId(run.game, run.method, run.seed, peer, step)
            made = Provenance(str(name), recipe.__dict__, step, {}, {}, "code")
            save_policy(Policy.of(recipe), made, policy_path(root, name))
    log(root, str(run), kept, tuple(range(recipe.peers)))

"""Shipped policies: trained where they are missing, and put into the tree.

Beside them stand the logs of all other runs of ``study.yaml``. It goes on where it was stopped.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from checkpoints.console import UserError
from checkpoints.doors.places import STUDY
from checkpoints.policy.half_precision import TOLERANCE, half_precision_shift
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.shipped import SHIPPED
from checkpoints.policy.store import ZOO, list_policies, load_policy, policy_path, save_policy
from checkpoints.runs.folder import PROGRESS, standing
from checkpoints.runs.study import Planned, read_study


@dataclass(frozen=True)
class Settings:
    """Train the shipped policies anew and put them into the zoo.

    About 25 minutes of one core for each 2.1 M steps of a PPO run, 75 for a mutual run.
    """

    study: Path = STUDY
    """how each run is trained, and for how long"""
    runs: Path = Path("runs")
    """folder where runs train and are kept whole"""
    output: Path = ZOO
    """folder that receives them"""
    train: bool = True
    """train what is missing; --no-train only copies what is finished"""
    overwrite: bool = False
    """replace policies that are shipped already"""


def ship(run: PolicyId, steps: tuple[int, ...], settings: Settings) -> list[Path]:
    """Copy the policies of one run at ``steps``, and its log, into a folder of shipped ones.

    Raises:
        UserError: a step is not there, a file exists, or half precision changes decisions.
    """
    kept = [k for k in list_policies(settings.runs) if run.covers(k) and k.step in steps]
    missing = set(steps) - {k.step for k in kept}
    if missing:
        raise UserError(
            f"expected {run} to be trained to {max(steps):,} steps, but under {settings.runs} "
            f"{sorted(missing)} are missing; go on with: python -m checkpoints.ship"
        )
    written, shipped = [], settings.output
    for policy_id in kept:
        source, target = (policy_path(root, policy_id) for root in (settings.runs, shipped))
        if target.exists() and not settings.overwrite:
            raise UserError(f"{target} exists; give --overwrite or another --output")
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
    copy_log(run, settings.runs, shipped)
    return written


def shipped_already(run: PolicyId, folder: Path) -> bool:
    """Whether policies of a run are in a folder of shipped ones; its log alone may be, too."""
    return any(run.covers(policy) for policy in list_policies(folder))


def copy_log(run: PolicyId, source: Path, target: Path) -> None:
    """Copy what training wrote about a run."""
    (target / str(run)).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / str(run) / PROGRESS, target / str(run) / PROGRESS)


def train(wanted: list[Planned], settings: Settings) -> None:
    """Train runs that are not finished, as the queue does."""
    from checkpoints.runs.queue import Settings as QueueSettings
    from checkpoints.runs.queue import Worker

    Worker(tuple(wanted), QueueSettings(settings.study, settings.runs)).work()


def main(settings: Settings) -> None:
    """Train and ship every run that is not there, then copy the logs of others that are done."""
    planned = {str(run.id): run for run in read_study(settings.study)}
    wanted = {
        name: steps
        for name, steps in SHIPPED.items()
        if settings.overwrite or not shipped_already(parse_id(name), settings.output)
    }
    for name in sorted(set(wanted) - set(planned)):
        raise UserError(f"expected {name} among the runs of {settings.study}; add it there")
    if settings.train:
        train([planned[name] for name in wanted], settings)
    for name, steps in wanted.items():
        try:
            ship(parse_id(name), steps, settings)
        except UserError as error:
            if settings.train:
                raise
            print(f"left out: {error}")
    for name, run in planned.items():
        if name not in SHIPPED and standing(settings.runs / name, run.steps).state == "done":
            copy_log(run.id, settings.runs, settings.output)
    print(f"policies and logs: {settings.output}")

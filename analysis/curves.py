"""Return against training steps, of what training logged: ``python -m analysis.curves``."""

from dataclasses import dataclass
from pathlib import Path

from analysis.records.command import Output, check_outputs, finish
from checkpoints.console import run_command
from checkpoints.policy.store import ZOO


@dataclass(frozen=True)
class Settings(Output):
    """Gather the return curves of runs into one table, on training and on unseen levels.

    They are what training logged: the mean return of the last 100 training episodes, and of 64
    episodes on levels that no training set contains, always the same ones. Intervals on unseen
    levels are normal, from the standard error over those 64 levels; training episodes carry none,
    because consecutive ones share a policy that is still moving. Beside them stand the bounds of
    Cobbe et al. 2020: blind_return is their R_min, of a policy trained with its observations
    masked, and no run's own actions played blind (python -m analysis.returns). Writes curves.csv.
    """

    root: Path = ZOO
    """folder of runs: the zoo, of which the surveyed ones are taken, or where training writes"""


def main(settings: Settings) -> None:
    """Gather, write curves.csv and print the last point of every curve."""
    from analysis.studies.training import curves as study

    check_outputs(settings, (study.SCHEMA,))
    frame = study.curve_rows(settings.root)
    runs = study.logs_of(settings.root, frame)
    finish(settings, (study.SCHEMA,), [frame], lambda: study.show(frame), runs=runs)


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.curves")

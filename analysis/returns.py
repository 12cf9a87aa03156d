"""Returns: ``python -m analysis.returns`` plays policies on training levels and beyond."""

from dataclasses import dataclass
from typing import Annotated, Literal

from analysis.scenes.episodes import Pool
from analysis.studies.examination import PLAYED, OnPolicies, Study, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(OnPolicies):
    """Play training levels, unseen levels, and unseen levels on other backgrounds.

    All policies of a game meet the same levels in the same first states, and draw their actions
    with the same random numbers. A background is re-drawn once an episode (swapped) or every step
    (swapped-step); differences to the same episodes on their own background are paired, with
    95 % bootstraps over levels. Blind: each policy's own mix of actions, drawn without looking; a
    policy that does not earn two standard errors more does not see. A method's score is a
    statistic of its runs (Agarwal et al. 2021, arXiv 2108.13264): peers of one run are averaged
    first, and of several steps of a policy the last counts. Returns are normalised with the
    constants of Cobbe et al. 2020, appendix C: 0 is R_min, what a policy reached that was trained
    with its observations masked, 1 is R_max, the most. A single run a side is no comparison of
    methods. Writes returns.csv, returns_swaps.csv, returns_scores.csv and returns_profiles.csv.
    """

    steps: Literal["last", "all"] = "last"
    """of a run named without a step: its last kept policies, or all; the last give the scores"""
    episodes: Annotated[int, whole(2, 10**4)] = 128
    """episodes of each policy and split, each from its own first state"""
    backgrounds: Pool = "all"
    """what is swapped to: all, or only what training showed, or only what it never showed"""
    replicates: Annotated[int, whole(20, 10**5)] = 2000
    untrained: Annotated[int, whole(0, 100)] = 1


def main(settings: Settings) -> None:
    """Play, write four tables and print scores and swaps."""
    from analysis.studies.returns import study

    measured = study.SCHEMAS, study.measure_game, study.show
    examine(
        settings,
        Study(*measured, summaries=study.SUMMARIES, summarise=study.summarise, steps=PLAYED),
    )


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.returns")

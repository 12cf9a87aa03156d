"""A declared sample at its looks: ``python -m analysis.looks``."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from analysis.records.command import check_outputs, finish, provenance_of
from analysis.scenes.cache import Cached
from checkpoints.console import run_command, say
from checkpoints.doors.numbers import Seed, whole
from checkpoints.doors.places import SECOND


@dataclass(frozen=True)
class Settings(Cached):
    """Measure the finished runs of a declared sample, and ask its rule at every look.

    Of each run the mean over its last kept steps and its peers of the logarithm of TV between
    twins on held-out backgrounds ÷ TV between states, actions merged that do the same; and whether
    each peer earns more than its own mix of actions, drawn without looking. The rule, its looks
    and its boundaries stand in the declaration; a run that was begun under another one, or with
    another recipe than the study's, is refused.
    Pairs of runs count in order of seed, up to the first that is missing. What was measured before
    stays as it stands in the tables of the output folder; --overwrite measures anew, but for runs
    that are gone. Writes looks_runs.csv and looks.csv.
    """

    study: Path = SECOND
    """file with the declaration"""
    root: Path = Path("runs")
    """folder of the runs"""
    states: Annotated[int, whole(2, 10**5)] = 600
    """states, from levels that no policy was trained on"""
    episodes: Annotated[int, whole(2, 10**5)] = 256
    """episodes of each policy at its last step, and as many blind"""
    seed: Seed = 0
    """of the states and the episodes"""


def main(settings: Settings) -> None:
    """Measure what is new, write two tables and print them."""
    from analysis.studies.looks import runs, study
    from checkpoints.runs.study import read_declaration, read_study

    settings.check()
    declaration = read_declaration(settings.study)
    recipes = {planned.id: planned.recipe for planned in read_study(settings.study)}
    say(f"looking for runs of {declaration.name} in {settings.root}")
    numbers, anew = provenance_of(settings), settings.overwrite
    digest = {"declaration": declaration.digest}
    known = runs.known_rows(settings.output, numbers | digest, settings.root, anew=anew)
    growing, schemas = replace(settings, overwrite=True), (runs.RUNS, study.LOOKS)
    check_outputs(growing, schemas)
    rows = runs.rows_of(settings.root, known, declaration, recipes, numbers, anew=anew)
    looks = study.looks_of(rows, declaration)
    finish(growing, schemas, [rows, looks], lambda: study.show(rows, looks), **digest)


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.looks")

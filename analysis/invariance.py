"""Invariance per layer: ``python -m analysis.invariance`` measures policies on twins."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.examination import OfLayers, OrArrays, SteppedExamination, Study, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(OrArrays, OfLayers, SteppedExamination):
    """Measure how invariant each layer is to the background, and whether it says anything at all.

    The intraclass correlation (ICC) of a layer over states and backgrounds is 1 where the
    background changes nothing and 0 where the state shows in nothing. A layer that is constant,
    dead or of one direction reads collapsed. Intervals are 95 % bootstraps over levels; those of
    the last layer speak of other backgrounds, too; none of other training seeds. Writes
    invariance.csv and invariance_last.csv, which pools the last layer in three ways and says how
    much it tells of the level (arXiv 2503.06343).

    Arrays in place of policies (a.npy, also .npz or .safetensors of one array, of states x variants
    x features) are measured as they are; writes invariance_arrays.csv.
    """

    backgrounds: Annotated[int, whole(2, 62)] = 13
    """backgrounds each state is drawn on, as many as in emergence.csv; more where seen or unseen
    ones would be missing"""
    replicates: Annotated[int, whole(20, 10**5)] = 1000


def main(settings: Settings) -> None:
    """Measure, write two tables and print the first."""
    from analysis.scenes.arrays import arrays_settings
    from analysis.studies.invariance import by_arrays, study

    if asked := arrays_settings(settings, by_arrays.Twinned):
        by_arrays.measure_arrays(asked, settings.ids)
        return
    examine(settings, Study(study.SCHEMAS, study.measure_game, study.show))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.invariance")

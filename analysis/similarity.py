"""A panel of similarities beside CKA, each with chance and controls: ``analysis.similarity``."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.examination import Examination, OfLayers, OrArrays, Study, examine
from analysis.studies.similarity.settings import OfPanel
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(OfPanel, OrArrays, OfLayers, Examination):
    """Compare policies by ten measures, and each measure with chance and with its controls.

    Values are comparable within a measure only. Intervals are 95 % bootstraps over levels; p is
    from permutations of whole levels, one for all layers. Both see the same pictures, so p below
    .05 is the least that can be asked: the pairs to beat are two seeds and two untrained encoders.
    Pairs agree equally where κ (Cohen), what of agreement remains above chance, is equal.

    The measure cka here is a cosine of profiles, as all others are, so that one set of permutations
    serves them all; analysis.cka has the unbiased estimator (they differed by .0012 at most).
    Writes similarity.csv, similarity_nulls.csv and similarity_outliers.csv.

    Arrays in place of policies (a.npy b.npy, also .npz or .safetensors of one array; rows are the
    same states) are compared in pairs by the eight measures that need no pictures; writes
    similarity_arrays.csv.
    """

    states: Annotated[int, whole(4, 10**5)] = 600


def main(settings: Settings) -> None:
    """Compare, write three tables and print two a game."""
    from analysis.scenes.arrays import arrays_settings
    from analysis.studies.similarity import panel_by_arrays, study

    if asked := arrays_settings(settings, panel_by_arrays.PanelSettings):
        panel_by_arrays.compare_arrays(asked, settings.ids)
        return
    examine(settings, Study(study.SCHEMAS, study.measure_game, study.show, check=study.check))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.similarity")

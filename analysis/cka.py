"""CKA of policies: ``python -m analysis.cka`` compares them in pairs, layer by layer.

Files of arrays, rows of the same states, are compared as they are.
"""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.examination import Examination, OfLayers, OrArrays, Study, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(OrArrays, OfLayers, Examination):
    """Compare policies layer by layer, on the same pictures and across twins.

    CKA is 1 for representations equal up to rotation and scale, about 0 for unrelated ones. Layers
    of two encoders are printed where they share a name; the table has every pair of layers.
    Intervals are 95 % bootstraps over levels; they do not speak of other training seeds. Agreement
    is the share of states with the same likeliest button, and κ (Cohen) what of it remains above
    chance: two policies that always press fire agree everywhere. Writes cka.csv and
    cka_contrast.csv.

    Arrays in place of policies (a.npy b.npy, also .npz or .safetensors of one array; rows are the
    same states) are compared in pairs, beside chance; writes cka_arrays.csv.
    """

    states: Annotated[int, whole(4, 10**5)] = 600


def main(settings: Settings) -> None:
    """Compare, write two tables and print one a game."""
    from analysis.scenes.arrays import ArraySettings, arrays_settings
    from analysis.studies.similarity import by_arrays
    from analysis.studies.similarity import by_cka as study

    if asked := arrays_settings(settings, ArraySettings):
        by_arrays.compare_arrays(asked, settings.ids)
        return
    examine(settings, Study(study.SCHEMAS, study.measure_game, study.show))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.cka")

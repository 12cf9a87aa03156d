"""What a linear reader finds in each layer: ``python -m probes``."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.examination import Examination, OfLayers, OrArrays, Study, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(OrArrays, OfLayers, Examination):
    """Probe policies for what is true of the game, layer by layer, and for its wallpaper.

    R² of ridge regression (numbers) and balanced accuracy of logistic regression (classes) on
    levels held out of the fit, beside chance, memory, time, pixels and an untrained encoder;
    intervals are 95 % bootstraps over levels. Writes probes.csv.

    Arrays in place of policies (a.npy, also .npz or .safetensors of one array) are read for
    --factor; writes probes_arrays.csv.
    """

    list: str = ""
    """only list this game's factors, with a picture of one state annotated"""
    factors: tuple[str, ...] = ()
    """only these factors, such as agent_x background; all if none is given"""
    factor: str = ""
    """of arrays: a file of what is to be read off each row"""
    states: Annotated[int, whole(2, 10**5)] = 1000
    untrained: Annotated[int, whole(0, 100)] = 1
    workers: Annotated[int, whole(0, 1024)] = 0
    """layers probed at once; 0 takes as many as there are cores"""


def main(settings: Settings) -> None:
    """Probe, write probes.csv and print it; or list a game's factors."""
    if settings.list:
        from probes.studies.listing import show

        print(show(settings.list, settings.output, overwrite=settings.overwrite))
        return
    from analysis.scenes.arrays import arrays_settings
    from probes.studies import by_arrays
    from probes.studies import layers as study
    from probes.studies.questions import limits

    if asked := arrays_settings(settings, by_arrays.ProbeSettings):
        by_arrays.probe_arrays(asked, settings.ids)
        return
    examine(settings, Study((study.SCHEMA,), study.measure_game, study.show, limits))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m probes")

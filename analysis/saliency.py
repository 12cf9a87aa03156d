"""Where decisions look: ``python -m analysis.saliency`` scores saliency maps on exact masks."""

from dataclasses import dataclass
from typing import Annotated

from analysis.studies.examination import Examination, examine
from checkpoints.console import run_command
from checkpoints.doors.numbers import whole


@dataclass(frozen=True)
class Settings(Examination):
    """Score saliency maps on exact masks of the background, and against twins.

    Explained are the likeliest button (actions that do the same are one) and the value. A ratio of
    1 says that a map knows nothing of the mask, 0 that it lies on sprites only. Intervals are 95 %
    bootstraps over levels; they do not speak of other training seeds. Writes saliency.csv,
    saliency_sheet.csv and saliency/*.png.
    """

    attributions: tuple[str, ...] = ()
    """only these, such as gradient ig-twin gradcam-conv3; all that apply if none is given"""
    states: Annotated[int, whole(2, 10**5)] = 48
    """states of each game, one a level, from levels that no policy was trained on"""
    backgrounds: Annotated[int, whole(4, 62)] = 6
    """backgrounds that each state is drawn on, at least 4"""
    sanity_states: Annotated[int, whole(0, 10**5)] = 6
    """states on which trained policies are made random, layer by layer; 0 leaves that out"""
    untrained: Annotated[int, whole(0, 100)] = 1


def main(settings: Settings) -> None:
    """Explain, score, write two tables and the tiles of a sheet, and print one a game."""
    from analysis.studies.saliency.study import saliency

    examine(settings, saliency())


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.saliency")

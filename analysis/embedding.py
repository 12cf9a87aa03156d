"""Joint pictures: ``python -m analysis.embedding`` lays policies out and scores each map."""

from dataclasses import dataclass
from typing import Annotated

from analysis.measures import joint_maps
from analysis.studies.examination import Examination, Study, examine
from checkpoints.console import UserError, run_command
from checkpoints.doors.numbers import real, whole


@dataclass(frozen=True)
class Settings(Examination):
    """Lay policies out in joint pictures, and print how far each picture can be believed.

    UMAP, t-SNE and PCA of what policies make of twins and, as the picture that arXiv 2501.02481
    shows for background invariance, of random-convolution views of single frames. One state a
    level is looked at. Purity is the share of neighbours with the same label, beside chance.
    Spread is the distance between two views of a state ÷ that between two states (0 to 1), with
    its 95 % interval. Writes embedding.csv and embedding_scores.csv.
    """

    layer: str = ""
    """layer to lay out; the encoder's last if none is given"""
    drawn: Annotated[int, whole(2, 1000)] = 12
    """of these are drawn as twins; others are the anchors that make policies comparable"""
    backgrounds: Annotated[int, whole(2, 62)] = 8
    """backgrounds of each"""
    frames: Annotated[int, whole(2, 1000)] = 3
    """of the drawn are drawn by random convolutions, too"""
    views: Annotated[int, whole(2, 10**4)] = 100
    """random convolutions of each frame"""
    seeds: Annotated[int, whole(1, 100)] = 3
    """seeds of UMAP and t-SNE behind the range of each score; the first is drawn"""
    neighbours: Annotated[int, whole(1, 1000)] = joint_maps.NEIGHBOURS
    """neighbours of UMAP, trustworthiness and purity"""
    perplexity: Annotated[float, real(1, 1000)] = joint_maps.PERPLEXITY
    """of t-SNE"""
    untrained: Annotated[int, whole(0, 100)] = 1

    def check(self) -> None:
        """Raise ``UserError`` on a number that nothing can be laid out with."""
        super().check()
        if self.frames > self.drawn:
            raise UserError(
                f"expected no more --frames than --drawn, got {self.frames} frames and "
                f"{self.drawn} drawn"
            )


def main(settings: Settings) -> None:
    """Lay out, write two tables and print the scores."""
    from analysis.studies.embedding import study

    schemas = study.SCHEMA, study.SCORES
    examine(settings, Study(schemas, study.embed_game, study.show, check=study.check))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.embedding")

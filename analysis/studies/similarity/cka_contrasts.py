"""How much more alike, by CKA, a method's policies are than those of the baseline."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.policies.relations import PEERS, SEEDS, SELF
from analysis.records.columns import GAME, filled, interval
from analysis.records.tables import Column, Schema
from analysis.studies.similarity.cka import Comparison
from checkpoints.console import show_tables
from checkpoints.policy.ids import UNTRAINED, PolicyId
from checkpoints.policy.recipes import BASELINE

CONTRAST_SCHEMA = Schema(
    "cka_contrast",
    (
        GAME,
        Column("rendering", "text", "same or twin, as in the table cka"),
        Column("layer", "text", "of both policies"),
        Column("contrast", "text", "what is subtracted from what"),
        Column("difference", "float", "of mean CKA"),
        *interval(),
        Column("runs", "int", "trainings on the first side; peers of one are one", low=1),
        Column("runs_other", "int", "on the side that is subtracted, likewise", low=1),
    ),
    key=("game", "rendering", "contrast", "layer"),
    command="analysis.cka",
)


def contrasts(
    comparisons: Sequence[Comparison], baseline: str = BASELINE
) -> Iterator[dict[str, object]]:
    """How much more alike a method's policies are than the baseline's, layer by layer.

    ``METHOD peers - BASELINE seeds``: two peers against two independent runs. ``METHOD self -
    BASELINE self``: a policy with itself across twins, which is its independence of the
    background. Differences are taken within each replicate, so both sides share their levels.

    Args:
        comparisons: of the policies of one game.
        baseline: the method that is subtracted.

    Yields:
        Rows of :data:`CONTRAST_SCHEMA`; none where a side is missing. Layers are matched by name,
        and each is averaged over the pairs that share it: where encoders are mixed, a difference
        may be one of encoders. The interval speaks of levels, not of seeds: how many there are of
        these stands in ``runs`` and ``runs_other``.
    """
    for kind in ("same", "twin"):
        here = [one for one in comparisons if one.rendering == kind]
        methods = {one.x.method for one in here} - {baseline, UNTRAINED}
        for method in sorted(methods):
            sides = {f"{method} {PEERS}": f"{baseline} {SEEDS}"}
            if kind == "twin":
                sides[SELF] = SELF
            for one, other in sides.items():
                left = _sides([c for c in here if c.pair == one and c.x.method == method])
                right = _sides([c for c in here if c.pair == other and c.x.method == baseline])
                label = f"{one} - {other}"
                if one == SELF:
                    label = f"{method} self - {baseline} self"
                for layer in (name for name in left if name in right):
                    yield {
                        **{"game": here[0].x.game, "rendering": kind, "layer": layer},
                        "contrast": label,
                        **filled("difference", left[layer].cka - right[layer].cka, "low", "high"),
                        **{"runs": left[layer].runs, "runs_other": right[layer].runs},
                    }


class MeanCKA(NamedTuple):
    """What is compared of one layer."""

    cka: Float[np.ndarray, " r"]
    """mean over the pairs that share the layer"""
    runs: int
    """trained apart, behind these pairs"""


def _sides(some: Sequence[Comparison]) -> dict[str, MeanCKA]:
    """Layer -> one side of a difference."""
    cells: dict[str, list[np.ndarray]] = {}
    runs: dict[str, set[PolicyId]] = {}
    for one in some:
        for name, values in zip(one.shared, one.matched().T, strict=True):
            cells.setdefault(name, []).append(values)
            runs.setdefault(name, set()).update((one.x.run, one.y.run))
    return {name: MeanCKA(np.mean(cells[name], axis=0), len(runs[name])) for name in cells}


def show_contrasts(rows: pd.DataFrame, game: str) -> None:
    """Print the differences of one game, if there are any, with the fewest runs of a layer."""
    from rich.table import Table

    here = rows[rows["game"] == game]
    if here.empty:
        return
    layers = list(dict.fromkeys(here["layer"]))
    title = f"{game}: difference of mean CKA; intervals over levels, not over runs"
    table = Table("difference", "y sees", "runs", *layers, title=title)
    for (label, kind), group in here.groupby(["contrast", "rendering"], sort=False):
        of = {
            one.layer: f"{one.difference:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"
            for one in group.itertuples()
        }
        runs = f"{group['runs'].min()} and {group['runs_other'].min()}"
        sees = "the same" if kind == "same" else "a twin"
        table.add_row(str(label), sees, runs, *(of.get(layer, "") for layer in layers))
    show_tables(table, keys=2)

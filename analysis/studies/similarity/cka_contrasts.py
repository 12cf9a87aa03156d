"""How much more alike, by CKA, a method's policies are than those of the baseline."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from analysis.policies.relations import PEERS, SEEDS, SELF
from analysis.records.columns import GAME, filled, interval
from analysis.records.tables import Column, Schema
from analysis.studies.similarity.cka import Comparison
from checkpoints.policy.ids import UNTRAINED
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
        may be one of encoders. The interval speaks of levels, not of seeds.
    """
    for kind in ("same", "twin"):
        here = [one for one in comparisons if one.rendering == kind]
        methods = {one.x.method for one in here} - {baseline, UNTRAINED}
        for method in sorted(methods):
            sides = {f"{method} {PEERS}": f"{baseline} {SEEDS}"}
            if kind == "twin":
                sides[SELF] = SELF
            for one, other in sides.items():
                left = _means([c for c in here if c.pair == one and c.x.method == method])
                right = _means([c for c in here if c.pair == other and c.x.method == baseline])
                label = f"{one} - {other}"
                if one == SELF:
                    label = f"{method} self - {baseline} self"
                for layer in (name for name in left if name in right):
                    yield {
                        **{"game": here[0].x.game, "rendering": kind, "layer": layer},
                        "contrast": label,
                        **filled("difference", left[layer] - right[layer], "low", "high"),
                    }


def _means(some: Sequence[Comparison]) -> dict[str, Float[np.ndarray, " r"]]:
    """Layer -> mean over the pairs that share it."""
    cells: dict[str, list[np.ndarray]] = {}
    for one in some:
        for name, values in zip(one.shared, one.matched().T, strict=True):
            cells.setdefault(name, []).append(values)
    return {name: np.mean(values, axis=0) for name, values in cells.items()}

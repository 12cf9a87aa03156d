"""Claims that compare no two methods at equal frames: of peers, and of the paper's picture."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.studies.embedding.study import SCORES
from figures.kit.verdicts import OPEN, verdict, written

CONVERGE = "Representations of the peers converge (its title)"
CANCEL = "Peers learn different spurious features, which distillation cancels"
CKA = "CKA of the last layer, peers less mutual policies of other runs"
SHIFT = "correlation of how backgrounds move decisions, likewise"
PICTURE = "Other views of one frame stay together (its t-SNE picture)"
PICTURED = "bigfish"
"""The game of that picture."""
SPREAD = "spread within ÷ between states"
PICTURED_RUNS = "last layer, runs trained on all backgrounds, equal steps"


def of_peers(
    rows: pd.DataFrame, pairs: pd.DataFrame, control: str, q: float
) -> list[dict[str, Any]]:
    """Peers beside policies of their method that were trained apart: CKA, and what backgrounds do.

    Args:
        rows: of the declared game and method, by measure.
        pairs: of all methods of the game.
        control: the method that has no peers.
        q: of the convergence, in the family of the declared pair.
    """
    there = {one.measure: one for one in rows.itertuples()}
    alone = pairs.loc[pairs["method"] == control, "shift"]
    apart = f"; {control} trained apart: {alone.mean():.2f}" if len(alone) else ""
    found = []
    for says, words, measure in ((CONVERGE, CKA, "cka"), (CANCEL, SHIFT, "shift")):
        label = {"claim": says, "decided by": words}
        if measure not in there:
            found.append({**label, "verdict": f"{OPEN}: not measured"})
            continue
        one = there[measure]
        ends = one.difference, one.difference_low, one.difference_high
        said = f"{OPEN}: peers that have cancelled what differs are alike, too{apart}"
        if measure == "cka":
            said = f"{verdict(*ends, 0.0, 1, q)}; {_decide_alike(there)}"
        found.append(
            {
                **label,
                "mutual": f"{one.peers:.2f} less {one.apart:.2f}",
                "mutual to PPO": written(*ends, factor=False),
                "q": f"{q:.3f}" if measure == "cka" and np.isfinite(q) else "",
                "runs (that see)": f"{one.runs}",
                "verdict": said,
            }
        )
    return found


def _decide_alike(there: dict[str, Any]) -> str:
    """Who decides alike is alike: how often likeliest buttons agree, and by chance."""
    one, chance = there["agreement"], there["agreement_chance"]
    return (
        f"likeliest buttons agree in {one.peers:.1%} of states (by chance {chance.peers:.1%}), "
        f"trained apart in {one.apart:.1%} ({chance.apart:.1%})"
    )


def spreads_of(scores: pd.DataFrame, game: str) -> dict[str, np.ndarray]:
    """How far recoloured views of a frame lie apart in the layer: method -> a value a run."""
    some = scores[(scores["panel"] == "random-conv") & (scores["map"] == "layer")]
    some = some[(some["measure"] == SPREAD) & (some["game"] == game)]
    parts = [str(name).split("/") for name in some["id"]]
    some = some.assign(method=[one[1] for one in parts], seed=[one[2] for one in parts])
    return {
        method: some[some["method"] == method].groupby("seed")["value"].mean().to_numpy()
        for method in ("mutual", "ppo")
    }


def picture(scores: pd.DataFrame, game: str, claim: str = PICTURE) -> dict[str, Any]:
    """The row of the picture: its runs, which say nothing without an interval over them."""
    label = {"claim": claim, "decided by": f"{SPREAD}, {PICTURED_RUNS}"}
    sides = spreads_of(scores, game)
    runs = [len(values) for values in sides.values()]
    if not min(runs):
        why = f"{SCORES.name}.csv lacks mutual or PPO on {game}"
        return {**label, "verdict": f"{OPEN}: not measured: {why}"}
    return {
        **label,
        "runs (that see)": " and ".join(map(str, runs)),
        "verdict": f"{OPEN}: no interval over runs is tabled, and these are few",
    }

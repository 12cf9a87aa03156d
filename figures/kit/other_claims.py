"""Claims that compare no two methods at equal frames: of peers, and of the paper's picture."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.records.runs import SPREAD
from analysis.studies.embedding.study import SCORES
from figures.kit.verdicts import OPEN, verdict, written

CONVERGE = "Representations of the peers converge (its title)"
CANCEL = "Peers learn different spurious features, which distillation cancels"
CKA = "CKA of the last layer, peers less mutual policies of other runs"
SHIFT = "correlation of how backgrounds move decisions, likewise"
PICTURE = "Other views of one frame stay together (its t-SNE picture)"
PICTURED = "bigfish"
"""The game of that picture."""
ON_ITS_GAME = f"… on {PICTURED}, the game it shows"
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
    alike = f"{OPEN}: peers that have cancelled what differs are alike, too{apart}"
    converge = {"claim": CONVERGE, "decided by": CKA, "verdict": f"{OPEN}: not measured"}
    cancel = {"claim": CANCEL, "decided by": SHIFT, "verdict": f"{OPEN}: not measured"}
    if "cka" in there:
        one = there["cka"]
        said = verdict(one.difference, one.difference_low, one.difference_high, 0.0, 1, q)
        converge |= _numbers(one) | {"verdict": f"{said}; {_decide_alike(there)}"}
        converge |= {"q": f"{q:.3f}"} if np.isfinite(q) else {}
    if "shift" in there:
        cancel |= _numbers(there["shift"]) | {"verdict": alike}
    return [converge, cancel]


def _numbers(one: Any) -> dict[str, str]:
    """The cells of a row about peers."""
    ends = one.difference, one.difference_low, one.difference_high
    return {
        "mutual": f"{one.value_peers:.2f} less {one.value_apart:.2f}",
        "mutual to PPO": written(*ends, factor=False),
        "runs (that see)": f"{one.runs}",
    }


def _decide_alike(there: dict[str, Any]) -> str:
    """Who decides alike is alike: how often likeliest buttons agree, and by chance."""
    one, chance = there["agreement"], there["agreement_chance"]
    return (
        f"likeliest buttons agree in {one.value_peers:.1%} of states "
        f"(by chance {chance.value_peers:.1%}), trained apart in {one.value_apart:.1%} "
        f"({chance.value_apart:.1%})"
    )


def runs_pictured(scores: pd.DataFrame, game: str) -> dict[str, int]:
    """Method -> runs whose recoloured views of a frame were laid out."""
    some = scores[(scores["panel"] == "random-conv") & (scores["map"] == "layer")]
    some = some[(some["measure"] == SPREAD) & (some["game"] == game)]
    runs = {tuple(str(name).split("/")[1:3]) for name in some["id"]}
    return {name: sum(method == name for method, _ in runs) for name in ("mutual", "ppo")}


def picture(
    scores: pd.DataFrame, curves: pd.DataFrame, game: str, claim: str = PICTURE
) -> dict[str, Any]:
    """The row of the picture: its runs, which say nothing without an interval over them.

    Args:
        scores: of embeddings.
        curves: what training logged; where nobody was pictured they say whether PPO learns.
        game: of the row.
        claim: what it says.
    """
    label = {"claim": claim, "decided by": f"{SPREAD}, {PICTURED_RUNS}"}
    runs = runs_pictured(scores, game).values()
    if not min(runs):
        why = _unlearnt(curves, game) or f"{SCORES.name}.csv lacks mutual or PPO on {game}"
        return {**label, "verdict": f"{OPEN}: not measured: {why}"}
    return {
        **label,
        "runs (that see)": " and ".join(map(str, runs)),
        "verdict": f"{OPEN}: no interval over runs is tabled, and these are few",
    }


def _unlearnt(curves: pd.DataFrame, game: str) -> str:
    """That no run of a game earns more on unseen levels than a policy that does not look."""
    here = curves[(curves["game"] == game) & (curves["split"] == "unseen")]
    last = here[here["step"] == here.groupby("id")["step"].transform("max")]
    if last.empty or (last["low"] > last["blind_return"]).any():
        return ""
    one: Any = next(last.sort_values("episode_return").iloc[::-1].itertuples())
    earned = f"{one.episode_return:.1f} [{one.low:.1f}, {one.high:.1f}]"
    return (
        f"{one.method} learns nothing there at this size ({earned} on unseen levels after "
        f"{one.step / 1e6:.1f} M steps; {one.blind_return:g} without looking, Cobbe et al. 2020)"
    )

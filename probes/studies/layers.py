"""What a linear reader finds in each layer: the table of ``python -m probes``.

Task factors and the background, read off the policies' layers on levels that no policy and no
probe has seen, beside chance, memory, time, pixels and an untrained encoder.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.policies.layers import asked_layers
from analysis.policies.subjects import Subject
from analysis.records.columns import GAME, estimate, interval
from analysis.records.command import Frames
from analysis.records.tables import Column, Schema
from analysis.studies.examination import Found
from checkpoints.console import show_tables, watch
from checkpoints.policy.ids import UNTRAINED
from probes.studies.probing import features, probe_each
from probes.studies.questions import background_groups, gather

SCHEMA = Schema(
    "probes",
    (
        GAME,
        Column("id", "text", "policy; pixels or time for those baselines"),
        Column("method", "text", "training recipe; untrained, pixels or time for the baselines"),
        Column("step", "int", "environment steps of this peer", "steps", low=0),
        Column("layer", "text", "whose features are read"),
        Column("factor", "text", "what is read off them"),
        Column("role", "text", "task or nuisance"),
        Column("scope", "text", "picture, motion or level: what the factor is about"),
        Column("kind", "text", "number, scored by R2, or class, by balanced accuracy"),
        Column("verdict", "text", "ok, or why there is no score"),
        Column("states", "int", "states that have the factor", low=0),
        Column("left_out", "int", "states without it, or of a rare class", low=0),
        Column("levels", "int", "levels of the states that have it", low=0),
        Column("classes", "int", "classes told apart; 0 for numbers", low=0),
        Column("score", "float", "on levels never fitted, backgrounds of group A", high=1),
        *interval(high=1),
        Column("chance", "float", "score of a blind probe", low=0, high=1),
        Column("control_score", "float", "score on random values by level, of seen levels", high=1),
        Column("selectivity", "float", "score above control, or above chance if that is more"),
        *estimate("transfer", "score on backgrounds of group B, never fitted", high=1),
        Column("transfer_ratio", "float", "transfer ÷ score, both above chance"),
        Column("bits", "float", "online code with the layer known", "bits a state", low=0),
        Column("blind_bits", "float", "online code without the layer", "bits a state", low=0),
        Column("compression", "float", "uniform code ÷ online code", low=0),
        Column("penalty", "float", "geometric mean over folds", low=0),
        Column("converged", "bool", "every fold's fit within tolerance; false without a score"),
    ),
    key=("game", "id", "layer", "factor"),
    command="probes",
)
_BASELINES = ("time", "pixels", UNTRAINED)


def measure_game(
    subjects: Sequence[Subject],
    *,
    states: int,
    factors: Sequence[str],
    layers: Sequence[str],
    replicates: int,
    seed: int,
    workers: int,
) -> Found:
    """All rows of one game; none where no policy of it has any of the layers asked for."""
    game = subjects[0].id.game
    wanted = asked_layers(subjects, layers)
    if not wanted:
        return Found([[]])
    sights = gather(game, subjects[0].mode, states, seed, factors)
    found = probe_each(
        features(subjects, sights, wanted),
        sights,
        replicates=replicates,
        seed=seed,
        workers=workers,
    )
    count = 2 + sum(len(names) for names in wanted.values())  # pixels and time
    rows: list[dict[str, Any]] = []
    for layer in watch(found, f"{game}: probing layers", count):
        rows += [{"game": game, **row} for row in layer]
    fitted, unseen = background_groups(game)
    return Found([rows], {"fitted_backgrounds": list(fitted), "unseen_backgrounds": list(unseen)})


def show(frames: Frames, game: str) -> None:
    """Print one game's rows: a line for each method and factor, a column for each layer."""
    from rich.table import Table

    (rows,) = frames
    rows = rows[rows["game"] == game]
    if rows.empty:
        return
    trained = rows[~rows["method"].isin(_BASELINES)]
    trained = trained if len(trained) else rows[rows["method"] == UNTRAINED]
    layers = list(dict.fromkeys(trained["layer"]))
    scored = trained[trained["verdict"] == "ok"]
    table = Table(
        *("method", "factor", "chance", "control", *_BASELINES, *layers),
        title=f"{game}: probes, % of R² (numbers) or balanced accuracy (classes)",
        caption="score ± half its 95 % interval > score on backgrounds never fitted; means over "
        "a method's policies (1 of 2: over those that have the layer); control and untrained: "
        "their best layer",
    )
    for (method, role), group in scored.groupby(["method", "role"], sort=False):
        for factor, cells in group.groupby("factor", sort=False):
            beside = rows[(rows["factor"] == factor)]
            best = [beside.loc[beside["method"] == b, "score"].max() for b in _BASELINES]
            plain = (cells["chance"].iloc[0], cells["control_score"].max(), *best)
            policies = cells["id"].nunique()
            found = [_cell(cells[cells["layer"] == layer], policies) for layer in layers]
            name = str(factor) + ("" if role == "task" else f" ({role})")
            table.add_row(str(method), name, *(_percent(p) for p in plain), *found)
        table.add_section()
    show_tables(table, keys=2)
    for verdict, group in trained[trained["verdict"] != "ok"].groupby("verdict"):
        print(f"not scored, {verdict}: {', '.join(dict.fromkeys(group['factor']))}")
    failed = scored[~scored["converged"]]
    if len(failed):
        print(f"not converged: {', '.join(sorted(set(failed['factor'])))}")


def _percent(value: float) -> str:
    return "–" if pd.isna(value) else f"{100 * value:.0f}"


def _cell(rows: pd.DataFrame, policies: int) -> str:
    """The mean; of how many, where not all of the method's policies have the layer."""
    if rows.empty:
        return ""
    some = "" if len(rows) == policies else f" ({len(rows)} of {policies})"
    half = (rows["high"] - rows["low"]).mean() / 2
    over = "" if rows["transfer"].isna().all() else f" > {_percent(rows['transfer'].mean())}"
    return f"{_percent(rows['score'].mean())} ± {_percent(half)}{over}{some}"

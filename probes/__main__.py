"""What a linear reader finds in each layer: ``python -m probes``.

Task factors and the background, read off the shipped policies' layers on levels that no policy and
no probe has seen, beside chance, memory, time, pixels and an untrained encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tyro.conf import Positional

from analysis.records.tables import Column, Schema, check_output, write_table
from checkpoints.console import UserError, run_command
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.store import ZOO

SCHEMA = Schema(
    "probes",
    (
        Column("game", "text", "one of the 16"),
        Column("id", "text", "policy; pixels or time for those baselines"),
        Column("method", "text", "training recipe; untrained, pixels or time for the baselines"),
        Column("step", "int", "of training", "environment steps", low=0),
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
        Column("low", "float", "2.5 % point of its bootstrap over levels", high=1),
        Column("high", "float", "97.5 % point of its bootstrap over levels", high=1),
        Column("chance", "float", "score of a blind probe", low=0, high=1),
        Column("control", "float", "score on random values by level, of seen levels", high=1),
        Column("selectivity", "float", "score above control, or above chance if that is more"),
        Column("transfer", "float", "score on backgrounds of group B, never fitted", high=1),
        Column("transfer_low", "float", "2.5 % point of its bootstrap", high=1),
        Column("transfer_high", "float", "97.5 % point of its bootstrap", high=1),
        Column("transfer_ratio", "float", "transfer ÷ score, both above chance"),
        Column("bits", "float", "online code with the layer known", "bits a state", low=0),
        Column("blind_bits", "float", "online code without the layer", "bits a state", low=0),
        Column("compression", "float", "uniform code ÷ online code", low=0),
        Column("penalty", "float", "geometric mean over folds", low=0),
        Column("converged", "bool", "every fold's fit within tolerance; false without a score"),
    ),
    key=("game", "id", "layer", "factor"),
)
_BASELINES = ("time", "pixels", UNTRAINED)


@dataclass(frozen=True)
class Settings:
    """Probe policies for what is true of the game, layer by layer, and for its wallpaper.

    R² of ridge regression (numbers) and balanced accuracy of logistic regression (classes) on
    levels held out of the fit; intervals are 95 % bootstraps over levels.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to probe: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    list: str = ""
    """only list this game's factors, with a picture of one state annotated"""
    factors: tuple[str, ...] = ()
    """only these factors, such as agent_x background; all if none is given"""
    layers: tuple[str, ...] = ()
    """only these layers, such as conv3 hidden; all if none is given"""
    states: int = 1000
    """states of each game, from levels that no policy was trained on"""
    replicates: int = 500
    """bootstrap replicates behind each interval"""
    untrained: int = 1
    """untrained policies to probe, for each game"""
    seed: int = 0
    """of the states, the backgrounds, the folds and the bootstrap"""
    workers: int = 0
    """layers probed at once; 0 takes as many as there are cores"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives probes.csv"""
    overwrite: bool = False
    """replace a table that exists"""


def show(rows: pd.DataFrame) -> None:
    """Print one game's rows: a line for each method and factor, a column for each layer."""
    from rich.console import Console
    from rich.table import Table

    game = rows["game"].iloc[0]
    trained = rows[~rows["method"].isin(_BASELINES)]
    trained = trained if len(trained) else rows[rows["method"] == UNTRAINED]
    layers = list(dict.fromkeys(trained["layer"]))
    scored = trained[trained["verdict"] == "ok"]
    table = Table(
        *("method", "factor", "chance", "control", *_BASELINES, *layers),
        title=f"{game}: probes, % of R² (numbers) or balanced accuracy (classes)",
        caption="score ± half its 95 % interval > score on backgrounds never fitted; means over "
        "a method's policies; control and untrained: their best layer",
    )
    for (method, role), group in scored.groupby(["method", "role"], sort=False):
        for factor, cells in group.groupby("factor", sort=False):
            beside = rows[(rows["factor"] == factor)]
            best = [beside.loc[beside["method"] == b, "score"].max() for b in _BASELINES]
            plain = (cells["chance"].iloc[0], cells["control"].max(), *best)
            found = [_cell(cells[cells["layer"] == layer]) for layer in layers]
            name = str(factor) + ("" if role == "task" else f" ({role})")
            table.add_row(str(method), name, *(_percent(p) for p in plain), *found)
        table.add_section()
    console = Console()
    console.width = max(console.width, 85 + 14 * len(layers))
    console.print(table)
    for verdict, group in trained[trained["verdict"] != "ok"].groupby("verdict"):
        print(f"not scored, {verdict}: {', '.join(dict.fromkeys(group['factor']))}")
    failed = scored[~scored["converged"]]
    if len(failed):
        print(f"not converged: {', '.join(sorted(set(failed['factor'])))}")


def _percent(value: float) -> str:
    return "–" if pd.isna(value) else f"{100 * value:.0f}"


def _cell(rows: pd.DataFrame) -> str:
    if not len(rows):
        return "–"
    half = (rows["high"] - rows["low"]).mean() / 2
    over = "" if rows["transfer"].isna().all() else f" > {_percent(rows['transfer'].mean())}"
    return f"{_percent(rows['score'].mean())} ± {_percent(half)}{over}"


def probe(ids: Sequence[str], settings: Settings) -> tuple[pd.DataFrame, dict[str, str]]:
    """All rows, game after game, each game's printed when it is done; code of each policy."""
    from rich.console import Console
    from rich.progress import Progress

    from analysis.policies.subjects import load_subjects
    from probes.questions import gather
    from probes.run import probe_game

    games = load_subjects(ids, settings.root, controls=settings.untrained)
    frames = []
    for game, subjects in games.items():
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(f"{game}: gathering states", total=None)
            mode = subjects[0].mode
            sights = gather(game, mode, settings.states, settings.seed, settings.factors)
            count = 2 + sum(len(settings.layers or one.policy.layers) for one in subjects)
            progress.update(task, description=f"{game}: probing layers", total=count)
            rows: list[dict[str, Any]] = []
            for layer in probe_game(
                *(subjects, sights, settings.layers),
                replicates=settings.replicates,
                seed=settings.seed,
                workers=settings.workers,
            ):
                rows += layer
                progress.advance(task)
        frames.append(pd.DataFrame(rows, columns=SCHEMA.names).assign(game=game))
        show(frames[-1])
    codes = {str(one.id): one.code for group in games.values() for one in group}
    return pd.concat(frames), codes


def main(settings: Settings) -> None:
    """Probe, print a table a game and write one of all; or list a game's factors."""
    if settings.list:
        from probes.listing import show as show_factors

        print(show_factors(settings.list, settings.output, overwrite=settings.overwrite))
        return
    path = settings.output / "probes.csv"
    check_output(path, overwrite=settings.overwrite)
    if settings.workers < 0:
        raise UserError(f"--workers: expected 0 or more, got {settings.workers}; 0 takes all cores")
    rows, codes = probe(settings.ids, settings)
    provenance = {
        "policies": codes,
        "states": settings.states,
        "replicates": settings.replicates,
        "seed": settings.seed,
    }
    print(write_table(rows, SCHEMA, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m probes")

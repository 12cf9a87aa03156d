"""Joint pictures of what policies make of twins and of recoloured frames, each with its score.

``python -m analysis.embedding`` lays out the shipped policies by UMAP, t-SNE and PCA. The picture
that arXiv 2501.02481 shows for background invariance, random-convolution views of single frames,
is redrawn beside the number that it stands for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, UInt8
from tyro.conf import Positional

from analysis.measures import joint_maps as maps
from analysis.measures.icc import measure
from analysis.records.tables import Column, Schema, check_output, write_table
from analysis.studies.embedding.points import SPREAD, Panel, Plan, lay_out, spread_rows
from checkpoints.console import UserError, one_of, run_command
from checkpoints.policy.store import ZOO
from checkpoints.world.games import IMAGE_SHAPE, get_game

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.scenes.bank import Bank

ANCHORS = 100
"""Pictures that policies are compared by, at most."""
VIEWS = 8
"""Random convolutions of each state behind the spread; the drawn frames have more."""

SCHEMA = Schema(
    "embedding",
    (
        Column("game", "text", "one of the 16"),
        Column("panel", "text", "twins, or random-conv: random convolutions of single frames"),
        Column("id", "text", "the policy"),
        Column("method", "text", "its training recipe"),
        Column("state", "int", "which state; each is of another level", low=0),
        Column("view", "int", "its background, or the number of its random convolution", low=0),
        Column("umap_x", "float", "no unit, no axis"),
        Column("umap_y", "float", "no unit, no axis"),
        Column("tsne_x", "float", "no unit, no axis"),
        Column("tsne_y", "float", "no unit, no axis"),
        Column("pca_x", "float", "first principal axis", "cosine"),
        Column("pca_y", "float", "second principal axis", "cosine"),
    ),
    key=("game", "panel", "id", "state", "view"),
)
SCORES = Schema(
    "embedding_scores",
    (
        Column("game", "text", "one of the 16"),
        Column("panel", "text", "as in the table embedding"),
        Column("map", "text", "umap, tsne, pca; space: fitted by them; stacked; layer: raw"),
        Column("id", "text", "the policy whose points are scored, or all"),
        Column("measure", "text", "what is scored"),
        Column("value", "float", "mean over seeds of the map", low=0),
        Column("low", "float", "least over seeds; of spread: 2.5 % point over levels", low=0),
        Column("high", "float", "most over seeds; of spread: 97.5 % point over levels", low=0),
        Column("chance", "float", "of purity: labels dealt at random", low=0, high=1),
        Column("points", "int", "points scored", low=4),
        Column("verdict", "text", "of the layer: ok or collapsed"),
    ),
    key=("game", "panel", "map", "id", "measure"),
)


@dataclass(frozen=True)
class Settings:
    """Lay policies out in joint pictures, and print how far each picture can be believed.

    Purity is the share of neighbours with the same label, beside chance. Spread is the distance
    between two views of a state ÷ that between two states (0 to 1), with its 95 % interval.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to lay out: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    layer: str = ""
    """layer to lay out; the encoder's last if none is given"""
    states: int = 600
    """states of each game, from levels that no policy was trained on; one a level is looked at"""
    drawn: int = 12
    """of these are drawn as twins; others are the anchors that make policies comparable"""
    backgrounds: int = 8
    """backgrounds of each"""
    frames: int = 3
    """of the drawn are drawn by random convolutions, too"""
    views: int = 100
    """random convolutions of each frame"""
    seeds: int = 3
    """seeds of UMAP and t-SNE behind the range of each score; the first is drawn"""
    neighbours: int = maps.NEIGHBOURS
    """neighbours of UMAP, trustworthiness and purity"""
    perplexity: float = maps.PERPLEXITY
    """of t-SNE"""
    replicates: int = 500
    """bootstrap replicates behind the interval of the spread"""
    untrained: int = 1
    """untrained policies beside them, for each game"""
    seed: int = 0
    """of the states, the convolutions, the bootstrap and the first map"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives embedding.csv and embedding_scores.csv"""
    overwrite: bool = False
    """replace tables that exist"""

    def check(self) -> None:
        """Raise ``UserError`` on a number that nothing can be laid out with."""
        for name, least in (("drawn", 2), ("backgrounds", 2), ("frames", 2), ("views", 2)):
            if getattr(self, name) < least:
                raise UserError(f"--{name}: expected at least {least}, got {getattr(self, name)}")
        if self.seeds < 1 or self.frames > self.drawn:
            raise UserError(
                "expected at least 1 of --seeds and no more --frames than --drawn, got "
                f"{self.seeds} seeds, {self.frames} frames and {self.drawn} drawn"
            )


@dataclass(frozen=True, eq=False)
class Views:
    """Pictures of one panel."""

    panel: str
    drawn: UInt8[np.ndarray, "state view 64 64 3"]
    counted: UInt8[np.ndarray, "more few 64 64 3"]
    """more states in fewer views, behind the spread"""
    names: tuple[int, ...]
    """numbers of the views that are drawn"""
    shared: str = ""
    """what one view is for all states"""


def one_a_level(bank: "Bank", drawn: int, seed: int) -> Int[np.ndarray, " chosen"]:
    """A random state of each level, in random order.

    A bank of one state a level would hold beginnings of episodes only.

    Raises:
        UserError: not ``drawn`` levels and 2 more.
    """
    order = np.random.default_rng(seed).permutation(len(bank))
    firsts = np.unique(np.asarray(bank.levels)[order], return_index=True)[1]
    if len(firsts) < drawn + 2:
        raise UserError(
            f"expected at least {drawn + 2} levels, {drawn} to draw and 2 for anchors, got "
            f"{len(firsts)}; ask for more --states or fewer --drawn"
        )
    return order[np.sort(firsts)]


def gather(
    game: str,
    states: Sequence[bytes],
    frames: UInt8[np.ndarray, "state 64 64 3"],
    settings: Settings,
) -> Iterator[Views]:
    """The panels of a game; one without other backgrounds has no twins."""
    from analysis.scenes.backgrounds import pick_backgrounds
    from analysis.scenes.pictures import random_conv
    from checkpoints.world.renderer import Renderer

    drawn = settings.drawn
    if get_game(game).backgrounds > 1:
        count = min(settings.backgrounds, get_game(game).backgrounds)
        chosen = pick_backgrounds(game, count)
        twins = Renderer(game).render(states, chosen)
        yield Views("twins", twins[:drawn], twins, chosen, "background")
    else:
        print(f"{game} has one background and so no twins: only random convolutions are laid out")
    rng = np.random.default_rng(settings.seed)
    many = random_conv(frames[: settings.frames], settings.views, rng)
    few = random_conv(frames, VIEWS, rng)
    yield Views("random-conv", many, few, tuple(range(settings.views)))


def embed_game(
    subjects: "Sequence[Subject]", settings: Settings
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Points and scores of one game, its policies on the same pictures."""
    from rich.console import Console
    from rich.progress import track

    from analysis.scenes.common import common_bank

    one_by_id = {str(one.id): one for one in subjects}
    maps.check_policies(one_by_id)
    game, mode = subjects[0].id.game, subjects[0].mode
    bank = common_bank(game, mode, settings.states, settings.seed)
    chosen = one_a_level(bank, settings.drawn, settings.seed)
    frames = np.asarray(bank.observations)[chosen]
    others = frames[settings.drawn : settings.drawn + ANCHORS]
    plan = Plan(settings.seeds, settings.seed, settings.neighbours, settings.perplexity)
    tables, rows = [], []
    panels = list(gather(game, [bank.states[i] for i in chosen.tolist()], frames, settings))
    console = Console(stderr=True)
    for views in track(panels, f"{game}: laying out", console=console, transient=True):
        # A hundred views of each frame fill the picture: there, one policy a method.
        methods = {one.id.method: name for name, one in reversed(one_by_id.items())}
        drawn = [name for name in one_by_id if views.shared or name in methods.values()]
        anchors = {name: _see(one_by_id[name], others, settings) for name in drawn}
        layers = {name: _see(one_by_id[name], views.drawn, settings) for name in drawn}
        table, scores = lay_out(Panel(layers, anchors, views.names, views.shared), plan)
        for name, one in one_by_id.items():
            x = _see(one, views.counted, settings)
            found = measure(x, replicates=settings.replicates, seed=settings.seed)
            scores += spread_rows(name, found)
        table["method"] = [one_by_id[name].id.method for name in table["id"]]
        tables.append(table.assign(game=game, panel=views.panel))
        rows += [{"game": game, "panel": views.panel, **row} for row in scores]
    return pd.concat(tables), rows


def _see(
    subject: "Subject", frames: UInt8[np.ndarray, "*some 64 64 3"], settings: Settings
) -> Float[np.ndarray, "*some feature"]:
    """The layer that is laid out, of some frames."""
    from analysis.policies.features import read

    layer = settings.layer or subject.policy.layers[-1]
    one_of(f"layer of {subject.id}", layer, subject.policy.layers)
    flat = read(subject.policy, np.asarray(frames).reshape(-1, *IMAGE_SHAPE), [layer])
    return flat.layers[layer].reshape(*frames.shape[:-3], -1)


def show(rows: pd.DataFrame, game: str) -> None:
    """Print what each map keeps, then what each policy's layer does: a line a policy."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.width = max(console.width, 110)
    for panel, part in rows[rows["game"] == game].groupby("panel", sort=False):
        whole = part[part["id"] == "all"]
        table = Table("map", *dict.fromkeys(whole["measure"]), title=f"{game}, {panel}: joint maps")
        _fill(table, whole, "map", "measure")
        own = part[part["map"].isin(["space", "layer"]) & (part["id"] != "all")]
        title = f"{game}, {panel}: what there was to see"
        policies = Table("policy", *dict.fromkeys(own["measure"]), title=title)
        _fill(policies, own, "id", "measure")
        console.print(table, policies)


def _fill(table: Any, rows: pd.DataFrame, line: str, column: str) -> None:
    columns = list(dict.fromkeys(rows[column]))
    for name, group in rows.groupby(line, sort=False):
        cells = {one[column]: _cell(one) for _, one in group.iterrows()}
        table.add_row(
            str(name).partition("/")[2] or str(name), *(cells.get(one, "") for one in columns)
        )


def _cell(one: pd.Series) -> str:
    if one["verdict"] != "ok" and one["measure"] == SPREAD:
        return str(one["verdict"])
    ends = "" if one["low"] == one["high"] else f" [{one['low']:.2f}, {one['high']:.2f}]"
    chance = "" if np.isnan(one["chance"]) else f" (chance {one['chance']:.2f})"
    return f"{one['value']:.2f}{ends}{chance}"


def main(settings: Settings) -> None:
    """Lay out, print scores and write two tables."""
    settings.check()
    paths = [settings.output / name for name in ("embedding.csv", "embedding_scores.csv")]
    for path in paths:
        check_output(path, overwrite=settings.overwrite)
    from analysis.policies.subjects import load_subjects

    points, rows = [], []
    games = load_subjects(settings.ids, settings.root, controls=settings.untrained)
    for game, subjects in games.items():
        table, scores = embed_game(subjects, settings)
        points.append(table)
        rows += scores
        show(pd.DataFrame(rows), game)
    provenance = {
        "policies": {str(s.id): s.code for group in games.values() for s in group},
        "layer": settings.layer or "last",
        "states": settings.states,
        "seeds": settings.seeds,
        "seed": settings.seed,
        "neighbours": settings.neighbours,
        "perplexity": settings.perplexity,
    }
    tables = (pd.concat(points), SCHEMA), (pd.DataFrame(rows), SCORES)
    for path, (frame, schema) in zip(paths, tables, strict=True):
        print(write_table(frame, schema, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.embedding")

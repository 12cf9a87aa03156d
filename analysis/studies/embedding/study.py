"""Joint pictures of what policies make of twins and of recoloured frames, each with its score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, UInt8

from analysis.measures import joint_maps
from analysis.measures.icc import measure
from analysis.policies.features import read
from analysis.policies.layers import asked_layers, check_layers
from analysis.policies.subjects import Subject
from analysis.records.columns import GAME
from analysis.records.command import Frames
from analysis.records.runs import SPREAD
from analysis.records.tables import Column, Schema
from analysis.scenes.backgrounds import pick_backgrounds
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.pictures import applies, random_conv
from analysis.scenes.worlds import world_of
from analysis.studies.embedding.points import MapSettings, PanelLayers, lay_out, spread_rows
from analysis.studies.examination import Found
from checkpoints.console import UserError, say, show_tables, watch
from checkpoints.world.games import get_game

ANCHORS = 100
"""Pictures that policies are compared by, at most."""
VIEWS = 8
"""Random convolutions of each state behind the spread; the drawn frames have more."""

SCHEMA = Schema(
    "embedding",
    (
        GAME,
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
    command="analysis.embedding",
)
SCORES = Schema(
    "embedding_scores",
    (
        GAME,
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
    command="analysis.embedding",
)


class PictureCounts(NamedTuple):
    """How many pictures of each panel."""

    drawn: int
    """states drawn as twins"""
    backgrounds: int
    """of each"""
    frames: int
    """of them drawn by random convolutions, too"""
    views: int
    """random convolutions of each frame"""
    seed: int
    """of the convolutions"""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one panel."""

    panel: str
    drawn: UInt8[np.ndarray, "state view h w c"]
    counted: UInt8[np.ndarray, "more few h w c"]
    """more states in fewer views, behind the spread"""
    names: tuple[int, ...]
    """numbers of the views that are drawn"""
    shared: str = ""
    """what one view is for all states"""


def one_a_level(bank: Bank, drawn: int, seed: int) -> Int[np.ndarray, " chosen"]:
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


def panels_of(game: str, subjects: Sequence[Subject]) -> list[str]:
    """The panels of a game and its policies; says which are left out, and why."""
    panels = ["twins", "random-conv"]
    if get_game(game).backgrounds < 2:
        say(f"{game} has one background and so no twins: only random convolutions are laid out")
        panels.remove("twins")
    if not applies("random-conv", game):
        say(f"{game} has no pictures of three colours: only twins are laid out")
        panels.remove("random-conv")
    elif len(one_a_method(subjects)) < 2:
        say(
            f"{game}: random convolutions are laid out for one policy a method, and all are "
            f"{subjects[0].id.method}: only twins are laid out"
        )
        panels.remove("random-conv")
    return panels


def gather(
    game: str,
    panels: Sequence[str],
    states: Sequence[bytes],
    frames: UInt8[np.ndarray, "state h w c"],
    counts: PictureCounts,
) -> Iterator[Pictures]:
    """The pictures of the panels asked for."""
    drawn = counts.drawn
    if "twins" in panels:
        count = min(counts.backgrounds, get_game(game).backgrounds)
        chosen = pick_backgrounds(game, count)
        twins = world_of(game).render(states, chosen)
        yield Pictures("twins", twins[:drawn], twins, chosen, "background")
    if "random-conv" in panels:
        rng = np.random.default_rng(counts.seed)
        many = random_conv(frames[: counts.frames], counts.views, rng)
        few = random_conv(frames, VIEWS, rng)
        yield Pictures("random-conv", many, few, tuple(range(counts.views)))


def embed_game(
    subjects: Sequence[Subject],
    *,
    layer: str,
    states: int,
    drawn: int,
    backgrounds: int,
    frames: int,
    views: int,
    seeds: int,
    neighbours: int,
    perplexity: float,
    replicates: int,
    seed: int,
) -> Found:
    """Points and scores of one game, its policies on the same pictures."""
    wanted = asked_layers(subjects, _layers(layer))
    subjects = [one for one in subjects if one.id in wanted]
    one_by_id = {str(one.id): one for one in subjects}
    game, mode = subjects[0].id.game, subjects[0].mode
    kinds = panels_of(game, subjects)
    bank = common_bank(game, mode, states, seed)
    chosen = one_a_level(bank, drawn, seed)
    pictures = np.asarray(bank.observations)[chosen]
    others = pictures[drawn : drawn + ANCHORS]
    settings = MapSettings(seeds, seed, neighbours, perplexity)
    counts = PictureCounts(drawn, backgrounds, frames, views, seed)
    tables, rows = [], []
    looked_at = [bank.states[i] for i in chosen.tolist()]
    panels = list(gather(game, kinds, looked_at, pictures, counts))
    for panel in watch(panels, f"{game}: laying out"):
        # A hundred views of each frame fill the picture: there, one policy a method.
        there = [str(one.id) for one in (subjects if panel.shared else one_a_method(subjects))]
        anchors = {name: _see(one_by_id[name], others, layer) for name in there}
        layers = {name: _see(one_by_id[name], panel.drawn, layer) for name in there}
        table, scores = lay_out(PanelLayers(layers, anchors, panel.names, panel.shared), settings)
        for name, one in watch(one_by_id.items(), f"{game}, {panel.panel}: spread", len(one_by_id)):
            found = measure(_see(one, panel.counted, layer), replicates=replicates, seed=seed)
            scores += spread_rows(name, found)
        table["method"] = [one_by_id[name].id.method for name in table["id"]]
        tables.append(table.assign(game=game, panel=panel.panel))
        rows += [{"game": game, "panel": panel.panel, **row} for row in scores]
    return Found([pd.concat(tables).to_dict("records"), rows])


def _see(
    subject: Subject, frames: UInt8[np.ndarray, "*some h w c"], layer: str
) -> Float[np.ndarray, "*some feature"]:
    """The layer that is laid out, of some frames."""
    layer = layer or subject.policy.layers[-1]
    flat = read(subject.policy, np.asarray(frames).reshape(-1, *frames.shape[-3:]), [layer])
    return flat.layers[layer].reshape(*frames.shape[:-3], -1)


def show(frames: Frames, game: str) -> None:
    """Print what each map keeps, then what each policy's layer does: a line a policy."""
    from rich.table import Table

    rows = frames[1]
    for panel, part in rows[rows["game"] == game].groupby("panel", sort=False):
        whole = part[part["id"] == "all"]
        table = Table("map", *dict.fromkeys(whole["measure"]), title=f"{game}, {panel}: joint maps")
        _fill(table, whole, "map", "measure")
        own = part[part["map"].isin(["space", "layer"]) & (part["id"] != "all")]
        title = f"{game}, {panel}: what there was to see"
        policies = Table("policy", *dict.fromkeys(own["measure"]), title=title)
        _fill(policies, own, "id", "measure")
        show_tables(table, policies)


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


def check(subjects: Sequence[Subject], layer: str) -> None:
    """Refuse a layer that no policy has, and too few policies of a game, before any work."""
    check_layers(subjects, _layers(layer))
    for game in dict.fromkeys(one.id.game for one in subjects):
        own = [one for one in subjects if one.id.game == game]
        present = [one for one in own if not layer or layer in one.policy.layers]
        joint_maps.check_policies({str(one.id): one for one in present})
        if get_game(game).backgrounds < 2 and len(one_a_method(present)) < 2:
            raise UserError(
                f"{game} has one background, so only random convolutions can be laid out, of one "
                f"policy a method: expected policies of 2 methods or more, got only "
                f"{present[0].id.method}; name one of another, or allow untrained ones"
            )


def one_a_method(subjects: Sequence[Subject]) -> list[Subject]:
    """The first policy of each method, in their order."""
    first: dict[str, Subject] = {}
    for one in subjects:
        first.setdefault(one.id.method, one)
    return list(first.values())


def _layers(layer: str) -> tuple[str, ...]:
    return (layer,) if layer else ()

"""Synthetic tables and strips with the shipped tables' columns: made up, and nobody's result."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.image import imsave

from analysis.studies.contrasts.rows import contrast_rows
from analysis.studies.schemas import schema_of
from checkpoints.world.games import GAMES as GAME_FACTS
from tests.support import toy_emergence, toy_saliency
from tests.support.toy_returns import returns_profiles, returns_scores
from tests.support.toy_similarity import similarity, similarity_nulls, similarity_outliers

LAYERS = ("conv1", "conv2", "conv3", "hidden")
GAMES = ("coinrun", "jumper", "starpilot")
CONTRASTS = ("mutual peers - ppo seeds", "mutual self - ppo self")
GROUPS = (("ppo", 0, 0), ("ppo", 1, 0), ("mutual", 0, 0), ("mutual", 0, 1))

PER_GAME = {"cka_map", "embedding", "similarity"}
"""Figures of one page a game, which is part of their files' names."""
MAP_AXES = [f"{kind}_{axis}" for kind in ("umap", "tsne", "pca") for axis in "xy"]


def write(rows: list[dict], folder: Path, name: str) -> None:
    """A table as analysis.records.tables writes it, its provenance saying that it is synthetic."""
    folder.mkdir(parents=True, exist_ok=True)
    head = json.dumps({"schema": name, "format": 1, "source": "synthetic"})
    frame = pd.DataFrame(rows)
    for column in schema_of(name).columns:
        if column.name in frame and column.kind in ("int", "float"):
            frame[column.name] = frame[column.name].clip(column.low, column.high)
    text = frame.to_csv(index=False, lineterminator="\n")
    (folder / f"{name}.csv").write_text(f"# {head}\n{text}")


def curves(rng: np.random.Generator) -> list[dict]:
    """Rising returns, better on training levels; one game whose best return is far away."""
    bounds = {"coinrun": (5.0, 10.0), "jumper": (3.0, 10.0), "starpilot": (2.5, 64.0)}
    rows = []
    for game, (method, seed, peer), split in product(GAMES, GROUPS, ("train", "unseen")):
        low, high = bounds[game]
        half = 0.4 if split == "unseen" else np.nan
        for step in range(65536, 2**21 + 1, 65536):
            reach = (0.8 if split == "train" else 0.5) * min(high - low, 6.0)
            value = low + reach * (1 - np.exp(-step / 4e5)) + rng.normal(0, 0.15)
            rows.append(
                dict(
                    id=f"{game}/{method}/{seed}/peer{peer}",
                    game=game,
                    mode="easy",
                    method=method,
                    seed=seed,
                    peer=peer,
                    step=step,
                    split=split,
                    episode_return=value,
                    low=value - half,
                    high=value + half,
                    episodes=100,
                    kept=step in (2**17, 2**19, 2**21),
                    blind_return=low,
                    max_return=high,
                )
            )
    return rows


def cka(rng: np.random.Generator) -> list[dict]:
    """Alike early, less so late; one negative number, one number missing."""
    trained = ("mutual", "ppo")
    pairs = [("mutual peers", "mutual", "mutual"), ("ppo seeds", "ppo", "ppo")]
    pairs += [("mutual vs ppo", *trained), ("untrained", "untrained", "untrained")]
    pairs += [("ppo vs untrained", "ppo", "untrained")]
    pairs += [("self", method, method) for method in (*trained, "untrained")]
    rows = []
    for game, (pair, x, y), rendering in product(GAMES[:2], pairs, ("same", "twin")):
        if pair == "self" and rendering == "same":
            continue
        for number, (i, j) in product(range(2), np.ndindex(4, 4)):
            value = 0.95 - 0.12 * abs(i - j) - 0.1 * (i + j) / 2 - 0.15 * (rendering == "twin")
            value = np.nan if (x, i, j, number) == ("untrained", 0, 3, 0) else value
            value = -0.03 if (x, i, j) == ("untrained", 3, 0) else value + rng.normal(0, 0.02)
            rows.append(
                dict(
                    game=game,
                    id_x=f"{game}/{x}/{number}",
                    id_y=f"{game}/{y}/{number + (pair != 'self')}",
                    method_x=x,
                    method_y=y,
                    pair=pair,
                    rendering=rendering,
                    layer_x=LAYERS[i],
                    layer_y=LAYERS[j],
                    states=2000,
                    levels=100,
                    cka=value,
                    low=value - 0.05,
                    high=value + 0.05,
                    cka_biased=value + 0.1,
                    agreement=0.5,
                )
            )
    return rows


def cka_contrast(rng: np.random.Generator) -> list[dict]:
    """Small positive differences."""
    rows = []
    kinds = [(contrast, kind) for contrast in CONTRASTS for kind in ("same", "twin")]
    # A policy agrees with itself on the same picture: there is nothing to subtract.
    kinds.remove((CONTRASTS[1], "same"))
    for game, (contrast, rendering), layer in product(GAMES[:2], kinds, LAYERS):
        value = rng.normal(0.05, 0.05)
        rows.append(
            dict(
                game=game,
                rendering=rendering,
                layer=layer,
                contrast=contrast,
                difference=value,
                low=value - 0.06,
                high=value + 0.06,
            )
        )
    return rows


def invariance(rng: np.random.Generator) -> list[dict]:
    """Rising with depth; one layer collapsed, one group of backgrounds vacuous, an older step."""
    rows = []
    groups = [(*group, step) for group in GROUPS for step in (2**19, 2**21)]
    cases = product(GAMES[:2], [*groups, ("untrained", 0, 0, 0)], LAYERS, ("all", "unseen"))
    for game, (method, seed, peer, step), layer, kind in cases:
        value = 0.0 if method == "untrained" else 0.1 + 0.2 * LAYERS.index(layer)
        value += rng.normal(0, 0.02)
        gone = (game, method, seed, layer) == ("coinrun", "ppo", 1, "hidden")
        verdict = "vacuous" if kind == "unseen" else "collapsed" if gone else "ok"
        value = value if verdict == "ok" else np.nan
        rows.append(
            dict(
                game=game,
                id=f"{game}/{method}/{seed}/peer{peer}/step{step}",
                method=method,
                seed=seed,
                peer=peer,
                step=step,
                layer=layer,
                backgrounds=kind,
                states=600,
                levels=200,
                renderings=8,
                icc=value,
                low=value - 0.03,
                high=value + 0.03,
                icc_two_way=value,
                low_two_way=value - 0.03,
                high_two_way=value + 0.03,
                effective_rank=1.1 if gone else 12.0,
                dead_share=0.1,
                norm=3.0,
                spread=0.5,
                verdict=verdict,
            )
        )
    return rows


def erasure(rng: np.random.Generator) -> list[dict]:
    """Every trained policy loses some dependence on the background; the untrained has none."""
    rows, groups = [], [*GROUPS, ("untrained", 0, 0)]
    kinds = ("background", "random", "shuffled")
    for game, (method, seed, peer), layer, kind in product(GAMES[:2], groups, LAYERS, kinds):
        own = kind == "background"
        removed = rng.uniform(0.1, 0.5) if own else rng.uniform(-0.02, 0.02)
        verdict = "undecided" if method == "untrained" else "used"
        rows.append(
            dict(
                game=game,
                id=f"{game}/{method}/{seed}/peer{peer}/step1",
                method=method,
                seed=seed,
                peer=peer,
                step=1,
                layer=layer,
                kind=kind,
                chance=0.2,
                decoded=0.9,
                decoded_after=0.4 if own else np.nan,
                removed=removed,
                removed_low=removed - 0.05,
                removed_high=removed + 0.05,
                verdict=verdict if own else "control",
            )
        )
    return rows


def robustness(rng: np.random.Generator) -> list[dict]:
    """Noise moves little, coinrun shows one background, the untrained policy is undecided."""
    rows, groups = [], [*GROUPS, ("untrained", 0, 0)]
    kinds = [("background", part) for part in ("all", "seen", "unseen", "seen-unseen")]
    kinds += [(axis, "own") for axis in ("theme", "noise-5", "random-conv")]
    for game, (method, seed, peer), (axis, part) in product(GAMES[:2], groups, kinds):
        verdict = "undecided" if method == "untrained" else "measured"
        verdict = "vacuous" if (game, part) == ("coinrun", "seen") else verdict
        tv = 0.2 * (axis != "noise-5") + rng.uniform(0, 0.1)
        tv, between = (np.nan, np.nan) if verdict == "vacuous" else (tv, 0.3)
        ratio = tv / between if verdict == "measured" else np.nan
        rows.append(
            dict(
                game=game,
                id=f"{game}/{method}/{seed}/peer{peer}/step1",
                method=method,
                seed=seed,
                peer=peer,
                step=1,
                axis=axis,
                backgrounds=part,
                verdict=verdict,
                tv=tv,
                tv_low=tv - 0.02,
                tv_high=tv + 0.02,
                tv_between=between,
                tv_between_low=between - 0.02,
                tv_between_high=between + 0.02,
                ratio=ratio,
                ratio_low=ratio - 0.1,
                ratio_high=ratio + 0.1,
            )
        )
    return rows


def probes(rng: np.random.Generator) -> list[dict]:
    """Task factors that get clearer with depth, a background that fades, one factor constant."""
    rows, groups = [], [*GROUPS, ("untrained", 0, 0)]
    sources = [(f"{m}/{s}/peer{p}/step1", m, layer) for m, s, p in groups for layer in LAYERS]
    sources += [("pixels", "pixels", "pixels"), ("time", "time", "time")]
    factors = [("agent_x", "task", "picture"), ("goal_dx", "task", "picture")]
    factors += [("agent_vx", "task", "motion"), ("background", "nuisance", "picture")]
    factors += [("wall_theme", "nuisance", "picture")]
    for game, (name, method, layer), (factor, role, scope) in product(GAMES[:2], sources, factors):
        depth = LAYERS.index(layer) if layer in LAYERS else 0
        score = 0.95 - 0.1 * depth if factor == "background" else 0.2 + 0.1 * depth
        score = score + rng.normal(0, 0.02) if factor != "wall_theme" else np.nan
        rows.append(
            dict(
                game=game,
                id=name if method in ("pixels", "time") else f"{game}/{name}",
                method=method,
                step=1,
                layer=layer,
                factor=factor,
                role=role,
                scope=scope,
                verdict="constant" if factor == "wall_theme" else "ok",
                score=score,
                chance=0.25 if factor == "background" else 0.0,
                transfer=np.nan if factor == "background" or method == "time" else score - 0.1,
            )
        )
    return rows


def variation(rng: np.random.Generator) -> list[dict]:
    """One factor of each kind of verdict; a game whose background does not vary."""
    verdicts = ("varies", "low entropy", "constant", "missing")
    rows = []
    for game in GAMES[:2]:
        task = {f"factor_{verdict}": verdict for verdict in verdicts}
        themes = {"background": "constant" if game == "coinrun" else "varies"}
        for factor, verdict in {**task, **themes}.items():
            role = "task" if factor in task else "nuisance"
            rows.append(
                dict(
                    game=game,
                    mode="easy",
                    factor=factor,
                    role=role,
                    states=int(rng.integers(9)),
                    verdict=verdict,
                )
            )
    return rows


def embedding(rng: np.random.Generator) -> list[dict]:
    """Points anywhere; one policy a method has recoloured frames; a game without twins."""
    rows = []
    for game, (method, seed, peer) in product(GAMES[:2], [*GROUPS, ("untrained", 0, 0)]):
        first = (seed, peer) == (0, 0)
        sizes = {"twins": (5, 4) if game == "coinrun" else (0, 0)}
        sizes["random-conv"] = (2, 9) if first else (0, 0)
        for panel, size in sizes.items():
            for state, view in np.ndindex(size):
                at = dict(zip(MAP_AXES, rng.normal(size=len(MAP_AXES)), strict=True))
                rows.append(
                    dict(
                        game=game,
                        panel=panel,
                        id=f"{game}/{method}/{seed}/peer{peer}/step1",
                        method=method,
                        state=state,
                        view=view,
                        **at,
                    )
                )
    return rows


def embedding_scores(rng: np.random.Generator) -> list[dict]:
    """What the command scores; one layer has collapsed."""
    rows = []
    points = pd.DataFrame(embedding(rng))
    for (game, panel), part in points.groupby(["game", "panel"]):
        cells = [("pca", "all", f"variance of axis {axis}") for axis in (1, 2)]
        for kind in ("umap", "tsne", "pca"):
            cells += [(kind, "all", name) for name in ("trustworthiness", "purity by policy")]
            cells += [(kind, one, "purity by state") for one in set(part["id"])]
        cells += [("layer", one, "spread within ÷ between states") for one in set(part["id"])]
        for kind, name, measure in sorted(cells):
            gone = kind == "layer" and "untrained" in name
            value = np.nan if gone else rng.uniform(0.3, 0.6)
            rows.append(
                dict(
                    game=game,
                    panel=panel,
                    map=kind,
                    id=name,
                    measure=measure,
                    value=value,
                    low=value,
                    high=value + 0.1,
                    chance=0.2 if "purity" in measure else np.nan,
                    points=40,
                    verdict="collapsed" if gone else "ok",
                )
            )
    return rows


def twins(rng: np.random.Generator, folder: Path) -> list[dict]:
    """A white square on coloured noise, in all 16 games."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for game, facts in GAME_FACTS.items():
        tiles = rng.integers(0, 200, (5, 8, 8, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
        tiles[:, 20:44, 20:44] = 255
        tiles[4] = np.where((tiles[4] == 255).all(-1, keepdims=True), 0, 255)
        imsave(folder / f"{game}.png", np.concatenate(list(tiles), axis=1))
        rows.append(
            dict(
                game=game,
                mode="easy",
                level=3,
                backgrounds_available=facts.backgrounds,
                backgrounds_trained=facts.backgrounds,
                vacuous=facts.backgrounds < 2,
                shown="0 1 2 3",
                mask_area=0.86,
                low=0.8,
                high=0.9,
            )
        )
    return rows


def write_all(folder: Path, seed: int = 0) -> Path:
    """Every table that the figures read, below ``folder``."""
    rng = np.random.default_rng(seed)
    for make in (curves, cka, cka_contrast, invariance, robustness, erasure, probes, variation):
        write(make(rng), folder, make.__name__)
    for make in (embedding, embedding_scores, similarity, similarity_nulls, similarity_outliers):
        write(make(rng), folder, make.__name__)
    write(twins(rng, folder / "twins"), folder, "twins")
    write(toy_saliency.saliency(rng), folder, "saliency")
    write(toy_saliency.saliency_sheet(rng, folder / "saliency"), folder, "saliency_sheet")
    for make in (returns_scores, returns_profiles):
        write(make(rng), folder, make.__name__)
    for name in ("emergence", "emergence_onsets", "emergence_gap", "probes_steps", "probes_onsets"):
        write(getattr(toy_emergence, name)(rng), folder, name)
    values = pd.DataFrame(toy_emergence.emergence(np.random.default_rng(seed)))
    write(contrast_rows(values, ()).to_dict("records"), folder, "contrasts")
    return folder

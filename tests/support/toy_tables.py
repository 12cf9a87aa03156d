"""Synthetic tables and strips with the shipped tables' columns: made up, and nobody's result."""

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.image import imsave

from analysis.studies.contrasts.rows import contrast_rows
from checkpoints.world.games import GAMES as GAME_FACTS
from figures.plots.samples import PARTS
from tests.support import toy_emergence, toy_saliency
from tests.support.toy_layers import cka, cka_contrast, erasure, invariance, probes
from tests.support.toy_returns import returns_profiles, returns_scores
from tests.support.toy_rows import GAMES, GROUPS, around, policy, write
from tests.support.toy_similarity import similarity, similarity_nulls, similarity_outliers

PER_GAME = {"cka_map", "embedding", "similarity"}
"""Figures of one page a game, which is part of their files' names."""
MAP_AXES = [f"{kind}_{axis}" for kind in ("umap", "tsne", "pca") for axis in "xy"]


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
            who = policy(game, method, seed, peer, step)
            who |= dict(id=f"{game}/{method}/{seed}/peer{peer}", mode="easy", split=split)
            kept = step in (2**17, 2**19, 2**21)
            ends = around(value, half, "episode_return", "low", "high")
            rows.append({**who, **ends, "kept": kept, "blind_return": low, "max_return": high})
    return rows


def robustness(rng: np.random.Generator) -> list[dict]:
    """Noise moves little, coinrun shows one background, the untrained policy is undecided."""
    rows, groups = [], [*GROUPS, ("untrained", 0, 0)]
    kinds = [("background", part) for part in ("all", "seen", "unseen", "seen-unseen")]
    kinds += [(axis, "own") for axis in ("theme", "noise-5", "random-conv")]
    for game, group, (axis, part) in product(GAMES[:2], groups, kinds):
        verdict = "undecided" if group[0] == "untrained" else "measured"
        verdict = "vacuous" if (game, part) == ("coinrun", "seen") else verdict
        tv = 0.2 * (axis != "noise-5") + rng.uniform(0, 0.1)
        tv, between = (np.nan, np.nan) if verdict == "vacuous" else (tv, 0.3)
        ratio = tv / between if verdict == "measured" else np.nan
        what = dict(axis=axis, backgrounds=part, verdict=verdict)
        what |= around(tv, 0.02, "tv") | around(between, 0.02, "tv_between")
        rows.append({**policy(game, *group), **what, **around(ratio, 0.1, "ratio")})
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
            what = dict(factor=factor, role=role, states=int(rng.integers(9)), verdict=verdict)
            rows.append(dict(game=game, mode="easy", **what))
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
                who = dict(game=game, id=f"{game}/{method}/{seed}/peer{peer}/step1", method=method)
                rows.append({**who, "panel": panel, "state": state, "view": view, **at})
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
            what = dict(game=game, panel=panel, map=kind, id=name, measure=measure)
            what |= dict(value=value, low=value, high=value + 0.1, points=40)
            what |= dict(verdict="collapsed" if gone else "ok")
            rows.append({**what, "chance": 0.2 if "purity" in measure else np.nan})
    return rows


def samples() -> list[dict]:
    """Three runs a side; the untrained network's decisions hardly differ."""
    groups = [("ppo", seed, 0) for seed in range(3)]
    groups += [("mutual", seed, peer) for seed in range(3) for peer in range(2)]
    groups += [("drac-twins", 0, 0), ("untrained", 0, 0)]
    rows = []
    for part, (method, seed, peer) in product(PARTS, groups):
        plain, (measure, layer) = method == "untrained", part.measure
        value = {"ppo": 0.5, "mutual": 0.4}.get(method, 0.3) + 0.02 * seed + 0.01 * peer
        value = 1e-5 if plain and measure.startswith("tv") else value
        value, verdict = (np.nan, "undecided") if plain and "ratio" in measure else (value, "ok")
        who = policy("coinrun", method, seed, peer, step=0 if plain else 2**21)
        what = dict(measure=measure, layer=layer, verdict=verdict)
        rows.append({**who, **what, **around(value, 0.1 * value, "value", "low", "high")})
    return rows


def samples_pairs(game: str = "starpilot", backgrounds: str = "-bg9") -> list[dict]:
    """Peers of three runs, all pairs of two of them apart, and PPO's runs; peers are more alike."""
    runs = {"mutual": [(seed, peer) for seed in range(3) for peer in range(2)]}
    runs["ppo"] = [(seed, 0) for seed in range(3)]
    rows = []
    for name, found in runs.items():
        method = f"{name}{backgrounds}"
        for (one, peer), (two, other) in combinations(found, 2):
            kind, value = ("peers", 0.9) if one == two else ("seeds", 0.6 + 0.02 * (one + two))
            ids = (f"{game}/{method}/{s}/peer{p}/step9" for s, p in ((one, peer), (two, other)))
            who = dict(zip(("id_x", "id_y"), ids, strict=True), game=game, method=method)
            ends = around(value, 0.02, "cka") | around(value - 0.1, 0.02, "shift")
            agreed = {"agreement": value + 0.05, "agreement_chance": value - 0.2}
            rows.append({**who, "kind": kind, **agreed, **ends})
    return rows


def samples_peers() -> list[dict]:
    """Peers that are as like as those trained apart."""
    ends = {"difference": 0.0, "difference_low": -0.1, "difference_high": 0.1}
    methods = {"starpilot": "mutual-bg9", "coinrun": "mutual"}
    return [
        {**{"game": game, "method": method, "measure": measure, "runs": 3}, **ends}
        | {"value_peers": 0.7, "value_apart": 0.7}
        for game, method in methods.items()
        for measure in ("cka", "agreement", "agreement_chance", "shift")
    ]


def looks_runs() -> list[dict]:
    """Two pairs, one policy of which does not see, and a positive control."""
    groups = [("mutual-split32", 2**20), ("ppo-norm1-split32", 2**20)]
    groups += [("ppo-norm1-split32", 2**21), ("drac-twins-split32", 2**20)]
    rows = []
    for (method, steps), seed in product(groups, (100, 101)):
        who = dict(game="coinrun", run=f"coinrun/{method}/{seed}", method=method, seed=seed)
        clipped = 0.0 if method.startswith("mutual") else 0.2
        what = dict(step=steps, policies=5, held_out=30, clipped=clipped, verdict="ok")
        sees = "no" if (method, seed) == ("mutual-split32", 100) else "yes"
        rows.append({**who, **what, "value": np.log(0.9) + 0.01 * (seed - 100), "sees": sees})
    return rows


def looks() -> list[dict]:
    """A first look that is not reached."""
    numbers = {"look": 1, "asked": 6, "pairs": 2, "effect_p": 0.003, "equivalence_p": 0.008}
    numbers["margin"] = 1.25
    said = {"name": "second", "verdict": "not reached: waits for the pair of seed 102"}
    return [{"game": "coinrun", **numbers, **said}]


def twins(rng: np.random.Generator, folder: Path) -> list[dict]:
    """A white square on coloured noise, in all 16 games."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for game, facts in GAME_FACTS.items():
        tiles = rng.integers(0, 200, (5, 8, 8, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
        tiles[:, 20:44, 20:44] = 255
        tiles[4] = np.where((tiles[4] == 255).all(-1, keepdims=True), 0, 255)
        imsave(folder / f"{game}.png", np.concatenate(list(tiles), axis=1))
        count = facts.backgrounds
        what = dict(game=game, mode="easy", level=3, shown="0 1 2 3", vacuous=count < 2)
        what |= dict(backgrounds_available=count, backgrounds_trained=count)
        rows.append({**what, "mask_area": 0.86, "low": 0.8, "high": 0.9})
    return rows


def write_all(folder: Path, seed: int = 0) -> Path:
    """Every table that the figures read, below ``folder``."""
    rng = np.random.default_rng(seed)
    for make in (curves, cka, cka_contrast, invariance, robustness, erasure, probes, variation):
        write(make(rng), folder, make.__name__)
    for make in (embedding, embedding_scores, similarity, similarity_nulls, similarity_outliers):
        write(make(rng), folder, make.__name__)
    for plain in (samples, samples_peers, looks_runs, looks):
        write(plain(), folder, plain.__name__)
    write(samples_pairs() + samples_pairs("coinrun", ""), folder, "samples_pairs")
    write(twins(rng, folder / "twins"), folder, "twins")
    write(toy_saliency.saliency(rng), folder, "saliency")
    write(toy_saliency.saliency_sheet(rng, folder / "saliency"), folder, "saliency_sheet")
    for make in (returns_scores, returns_profiles):
        write(make(rng), folder, make.__name__)
    for name in ("emergence", "emergence_onsets", "probes_steps", "probes_onsets"):
        write(getattr(toy_emergence, name)(rng), folder, name)
    values = pd.DataFrame(toy_emergence.emergence(np.random.default_rng(seed)))
    write(contrast_rows(values, ()).to_dict("records"), folder, "contrasts")
    return folder

"""Synthetic tables of emergence: made up, and nobody's result."""

from itertools import product

import numpy as np

MEASURES = {
    "return": ("episodes",),
    "icc_one_way": ("conv3", "hidden"),
    "ratio": ("decisions",),
    "tv": ("decisions",),
    "cka_peer": ("conv3", "hidden"),
    "cka_final": ("conv3", "hidden"),
    "saliency": ("buttons",),
    "ratio_unseen": ("decisions",),
    "entropy": ("decisions",),
    "tv_between": ("decisions",),
    "tv_unseen": ("decisions",),
}
PROBES = {"probe_task": ("conv3", "hidden"), "probe_background": ("conv3", "hidden")}
GAMES = ("coinrun", "starpilot")
GROUPS = (("ppo", 0, 0), ("ppo", 1, 0), ("mutual", 0, 0), ("mutual", 0, 1))
STEPS = tuple(2**k for k in range(14, 22))


def _values(rng: np.random.Generator, measures: dict[str, tuple[str, ...]]) -> list[dict]:
    """Rising curves; the ratio is undecided at first, one run has no log, coinrun no twins."""
    rows = []
    groups = [(*group, step) for group in GROUPS for step in STEPS] + [("untrained", 0, 0, 0)]
    names = [(measure, layer) for measure, layers in measures.items() for layer in layers]
    for game, (method, seed, peer, step), (measure, layer) in product(GAMES, groups, names):
        plain = method == "untrained"
        if (measure == "cka_peer" and method != "mutual") or (plain and measure == "tv"):
            continue
        verdict = "ok"
        if measure == "ratio" and step < 2**16:
            verdict = "undecided"
        if (game, method, seed) == ("coinrun", "ppo", 1) and measure == "return":
            verdict = "no log"
        if game == "coinrun" and measure == "saliency":
            verdict = "vacuous"
        value = 0.0 if plain else 1 / (1 + (2**18 / step) ** 1.5) + rng.normal(0, 0.02)
        value = value if verdict == "ok" else np.nan
        rows.append(
            dict(
                game=game,
                id=f"{game}/{method}/{seed}/peer{peer}/step{step}",
                method=method,
                seed=seed,
                peer=peer,
                step=step,
                measure=measure,
                layer=layer,
                value=value,
                low=value - 0.05,
                high=value + 0.05,
                verdict=verdict,
            )
        )
    return rows


def _onsets(rng: np.random.Generator, measures: dict[str, tuple[str, ...]]) -> list[dict]:
    """One lag that is a bound and one that is missing; a method of one run without ends."""
    rows = []
    names = [(measure, layer) for measure, layers in measures.items() for layer in layers]
    for game, group, (measure, layer) in product(GAMES, GROUPS, names):
        method, seed, peer = group
        if measure == "cka_peer" and method != "mutual":
            continue
        known = {"saliency": "did not move", "icc_one_way": "at most", "return": "itself"}
        verdict = known.get(measure)
        lag = rng.normal() if verdict in (None, "at most") else np.nan
        rows.append(
            dict(
                game=game,
                scope="policy",
                id=f"{game}/{method}/{seed}/peer{peer}",
                method=method,
                measure=measure,
                layer=layer,
                runs=1,
                kept_steps=8,
                first=2**14,
                last=2**21,
                start=0.0,
                end=1.0,
                onset=2.0**18,
                low=2.0**17,
                high=2.0**19,
                verdict="ok",
                lag=lag,
                lag_low=lag - 0.5,
                lag_high=lag + 0.5,
                lag_verdict=verdict or "ok",
                rho=0.3,
                increments=8,
                detectable=0.71,
            )
        )
    return rows


def emergence(rng: np.random.Generator) -> list[dict]:
    """Every measure but the probes'."""
    return _values(rng, MEASURES)


def probes_steps(rng: np.random.Generator) -> list[dict]:
    """The probes' own."""
    return _values(rng, PROBES)


def emergence_onsets(rng: np.random.Generator) -> list[dict]:
    """Of every measure but the probes'."""
    return _onsets(rng, MEASURES)


def probes_onsets(rng: np.random.Generator) -> list[dict]:
    """The probes' own."""
    return _onsets(rng, PROBES)

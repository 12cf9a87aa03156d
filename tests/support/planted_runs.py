"""Runs of known outcome, as rows of emergence: made up to be found again."""

import numpy as np
import pandas as pd

STEPS = tuple(2**k for k in range(14, 22))
NUMBERS = (
    *(("return", "episodes"), ("ratio", "decisions"), ("entropy", "buttons")),
    *(("ratio_unseen", "decisions"), ("ratio_unseen", "buttons")),
    *(("icc_one_way", "hidden"), ("icc_unseen", "hidden"), ("icc_whitened_unseen", "hidden")),
)


def values_of(run: str, steps: tuple[int, ...], peers: int = 1, **of: float) -> list[dict]:
    """Rows of one planted run: each measure follows its final value times the share of training."""
    game, method, seed = run.split("/")
    given = {"return": 5.0, "ratio": 0.5, "ratio_unseen": 0.5, "entropy": 1.0} | of
    icc = given.setdefault("icc_one_way", 0.4)
    given = dict.fromkeys(("icc_unseen", "icc_whitened_unseen"), icc) | given
    way = {"return": lambda u: 1 + 4 * u, "entropy": lambda u: 2.7 - 1.7 * u}
    rows = []
    for peer in range(peers):
        for step in steps:
            share = np.log2(step / 2**13) / 8 * of.get("pace", 1.0)
            for measure, layer in NUMBERS:
                value = given[measure] * (
                    way[measure](share) / way[measure](1.0) if measure in way else 1.0
                )
                if measure == "ratio_unseen":
                    value *= 2 - share
                rows.append(
                    dict(
                        game=game,
                        id=f"{run}/peer{peer}/step{step}",
                        method=method,
                        seed=int(seed),
                        peer=peer,
                        step=step,
                        measure=measure,
                        layer=layer,
                        value=value,
                        low=value * 0.95,
                        high=value * 1.05,
                        verdict="ok",
                    )
                )
    return rows


def untrained(game: str, value: float = 1.0) -> list[dict]:
    return [
        dict(
            game=game,
            id=f"{game}/untrained/0/peer0/step0",
            method="untrained",
            seed=0,
            peer=0,
            step=0,
            measure="return",
            layer="episodes",
            value=value,
            low=value - 0.2,
            high=value + 0.2,
            verdict="ok",
        )
    ]


def planted(factor: float = 0.5, **of: float) -> pd.DataFrame:
    """Three runs of two methods whose outcome differs by a factor; seeds differ by some."""
    spread = (0.9, 1.0, 1.15)
    rows = untrained("starpilot")
    for seed, noise in enumerate(spread):
        rows += values_of(f"starpilot/ppo-bg9/{seed}", (*STEPS, 2**22), ratio_unseen=noise)
        mutual = {"ratio_unseen": factor * noise, **of}
        rows += values_of(f"starpilot/mutual-bg9/{seed}", STEPS, 2, **mutual)
    return pd.DataFrame(rows)


def varied() -> pd.DataFrame:
    """Starpilot with the number of backgrounds and two regularisers varied: the more, the better.

    On all backgrounds none is unseen; the strongest dropout learned nothing and is undecided; of
    the weak L2 there is only the beginning; PPO on one background was never trained.
    """
    rows = untrained("starpilot")
    for method, peers, first in (("ppo", 1, 0.9), ("mutual", 2, 0.7)):
        for place, end in enumerate(("-bg1", "-bg4", "-bg9", "")):
            seeds = range(3) if end == "-bg9" else range(1) if method + end != "ppo-bg1" else ()
            for seed in seeds:
                ratio = first * 0.8**place * 1.1**seed
                given = {"ratio": ratio, "ratio_unseen": ratio, "return": 3.0 + place + seed / 4}
                run = f"starpilot/{method}{end}/{seed}"
                rows += values_of(run, STEPS, peers, **given)
    for place, end in enumerate(("-weak", "", "-strong")):
        for kind in ("l2", "dropout"):
            gone = end + kind == "-strongdropout"
            kept = STEPS[:3] if end + kind == "-weakl2" else STEPS[:7]
            given = {"ratio_unseen": 0.7 - 0.1 * place, "return": 1.0 if gone else 5.0}
            rows += values_of(f"starpilot/ppo-{kind}{end}-bg9/0", kept, **given)
    found = pd.DataFrame(rows)
    between = found[found["measure"] == "ratio"].assign(measure="tv_between")
    found = pd.concat([found, between], ignore_index=True)
    strong = found["method"].eq("ppo-dropout-strong-bg9") & found["measure"].str.startswith("ratio")
    vacuous = found["method"].isin(["ppo", "mutual"]) & found["measure"].eq("ratio_unseen")
    for lost, why in ((strong, "undecided"), (vacuous, "vacuous")):
        found.loc[lost, ["value", "low", "high"]] = np.nan
        found.loc[lost, "verdict"] = why
    return found


def row_of(
    rows: pd.DataFrame, match: str, measure: str = "ratio_unseen", layer: str = "decisions"
) -> pd.Series:
    """The only contrast of a kind."""
    found = rows[(rows["match"] == match) & (rows["measure"] == measure)]
    found = found[found["layer"] == layer]
    assert len(found) == 1
    return found.iloc[0]

"""The policies of one game's sample: a row a policy and measure, and a row a pair of policies."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.records.values import SAMPLES, SAMPLES_PEERS, value_row
from analysis.studies.examination import ALL, Found, Rows
from analysis.studies.samples.peers import PAIRS, convergence_rows, pair_rows
from analysis.studies.samples.policy import measure, set_scene
from checkpoints.console import show_tables, watch
from checkpoints.policy.shipped import of_samples

SCHEMAS, SUMMARIES = (SAMPLES, PAIRS), (SAMPLES_PEERS,)
SHOWN = {
    "return_played": "return",
    "return_over_blind": "over blind",
    "tv_unseen": "TV twins",
    "ratio_unseen": "÷ states",
    "icc_unseen": "ICC",
    "effective_rank": "rank",
    "level_information": "I(Z; L)",
}
"""Measure -> heading; of decisions those of buttons."""


def names(ids: Sequence[str]) -> Sequence[str]:
    """The policies meant: those named, or the shipped ones of the samples."""
    return ids or of_samples()


def measure_game(
    subjects: Sequence[Subject],
    *,
    states: int,
    backgrounds: int,
    episodes: int,
    replicates: int,
    seed: int,
) -> Found:
    """All policies of one game on the same twins and in the same episodes."""
    game = subjects[0].id.game
    sizes = {"states": states, "backgrounds": backgrounds, "episodes": episodes}
    scene = set_scene(subjects, **sizes, replicates=replicates, seed=seed)
    found = {one.id: measure(one, scene) for one in watch(subjects, f"{game}: measuring policies")}
    rows = [
        value_row(one, *key, cell) for one, of in found.items() for key, cell in of.cells.items()
    ]
    pairs = list(pair_rows(subjects, found, scene))
    return Found([rows, pairs], {"backgrounds": list(scene.twins.backgrounds)})


def summarise(frames: Frames, games: Mapping[str, Any]) -> Sequence[Rows]:
    """Peers beside pairs trained apart, from the pairs of all games."""
    return [list(convergence_rows(frames[1]))]


def show(frames: Frames, game: str) -> None:
    """Print a line a policy, and a line a kind of pair."""
    from rich.table import Table

    if game == ALL:
        return
    values, _, pairs = (frame[frame["game"] == game] for frame in frames)
    table = Table("policy", *SHOWN.values(), title=f"{game}: unseen levels, unseen backgrounds")
    for name, some in values.groupby("id", sort=False):
        some = some[~some["layer"].isin(["decisions"])].set_index("measure")
        cells = [_cell(some, measure) for measure in SHOWN]
        table.add_row(str(name).removeprefix(f"{game}/"), *cells)
    show_tables(table)
    title = f"{game}: peers beside policies of their method that were trained apart"
    kinds = Table("method", "measure", "peers", "apart", "difference", "runs", title=title)
    for one in pairs.itertuples():
        found = f"{one.difference:+.2f} [{one.difference_low:.2f}, {one.difference_high:.2f}]"
        both = f"{one.value_peers:.2f}", f"{one.value_apart:.2f}"
        kinds.add_row(one.method, one.measure, *both, found, str(one.runs))
    if len(pairs):
        show_tables(kinds)


def _cell(some: pd.DataFrame, measure: str) -> str:
    if measure not in some.index or pd.isna(some.loc[measure, "value"]):
        return "–"
    one = some.loc[measure]
    ends = "" if pd.isna(one["low"]) else f" [{one['low']:.2f}, {one['high']:.2f}]"
    return f"{one['value']:.2f}{ends}"

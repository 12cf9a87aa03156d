"""The policies of one game with the background erased from their layers: measured, and printed."""

from collections.abc import Iterable, Sequence
from typing import Any

from analysis.measures.robustness import UNDECIDED
from analysis.policies.layers import asked_layers
from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.scenes.backgrounds import pick_backgrounds
from analysis.scenes.worlds import is_procgen
from analysis.studies.erasure.episodes import NOT_PLAYED, ErasedEpisodes
from analysis.studies.erasure.interventions import Layer, split_twins
from analysis.studies.erasure.rows import (
    NEGLIGIBLE,
    PATCHING_SCHEMA,
    ROUNDING,
    SCHEMA,
    erasure_rows,
    patching_rows,
)
from analysis.studies.examination import Found
from checkpoints.console import say, show_tables, watch
from checkpoints.policy.ids import UNTRAINED

SCHEMAS = SCHEMA, PATCHING_SCHEMA


def constants() -> dict[str, Any]:
    """What decides verdicts and is no setting."""
    return {"undecided_below": UNDECIDED, "negligible_below": NEGLIGIBLE, "rounding": ROUNDING}


def check(subjects: Sequence[Subject]) -> None:
    """Refuse a game without twins before any work."""
    for game, mode in dict.fromkeys((one.id.game, one.mode) for one in subjects):
        pick_backgrounds(game, 2, mode=mode)


def measure_game(
    subjects: Sequence[Subject],
    *,
    layers: Sequence[str],
    states: int,
    backgrounds: int,
    episodes: int,
    replicates: int,
    seed: int,
) -> Found:
    """Rows of both tables: every layer asked for that a policy has, on the same twins."""
    game, mode = subjects[0].id.game, subjects[0].mode
    chosen = asked_layers(subjects, layers)
    if not chosen:
        return Found([[], []])
    split = split_twins(
        game, mode, states=states, backgrounds=backgrounds, replicates=replicates, seed=seed
    )
    played = None
    if episodes and not is_procgen(game):
        say(f"{game}: the states of a file cannot be stepped, so no episodes are played")
    elif episodes:
        played = ErasedEpisodes(game, mode, episodes=episodes, replicates=replicates, seed=seed)
    work = [(one, name) for one in subjects for name in chosen.get(one.id, ())]
    erasures: list[dict[str, Any]] = []
    patches: list[dict[str, Any]] = []
    for subject, name in watch(work, f"{game}: erasing"):
        layer = Layer.of(subject, name, split)
        rows = erasure_rows(layer)
        last = name == subject.policy.layers[-1] and subject.id.method != UNTRAINED
        returns: Iterable[dict[str, Any]] = [NOT_PLAYED] * len(rows)
        if played is not None and last:
            returns = played.rows(layer)
        erasures += [row | cells for row, cells in zip(rows, returns, strict=True)]
        patches += patching_rows(layer)
    return Found([erasures, patches], {"backgrounds": list(split.twins.backgrounds)})


_HEADS = (
    *("policy", "layer", "decoded", "after", "TV twins", "after", "removed", "random, shuffled"),
    *("carried", "return", "verdict"),
)


def show(frames: Frames, game: str) -> None:
    """Print what erasing and exchanging the background's subspace does, a line a layer."""
    from rich.table import Table

    erasures, patches = frames
    if not (erasures["game"] == game).any():
        return
    rows = erasures[erasures["game"] == game].set_index(["id", "layer", "kind"])
    parts = patches[patches["game"] == game].set_index(["id", "layer", "part"])
    first = rows.iloc[0]
    title = (
        f"{game}: the background erased, {first.states} states of {first.levels} unseen levels on "
        f"{first.renderings} backgrounds"
    )
    table = Table(title=title)
    for head in _HEADS:
        table.add_column(head, no_wrap=True)
    for (name, layer, kind), row in rows.iterrows():
        if kind != "background":
            continue
        controls = (rows.loc[(name, layer, other)].removed for other in ("random", "shuffled"))
        carried = parts.loc[(name, layer, "background")].reached
        ends = f"[{row.return_change_low:+.1f}, {row.return_change_high:+.1f}]"
        table.add_row(
            name,
            layer,
            *(f"{value:.2f}" for value in (row.decoded, row.decoded_after)),
            *(f"{value:.3f}" for value in (row.tv_twins_before, row.tv_twins_after)),
            f"{row.removed:.2f} [{row.removed_low:.2f}, {row.removed_high:.2f}]",
            " ".join(f"{value:.2f}" for value in controls),
            f"{carried:.2f}",
            f"{row.return_change:+.1f} {ends}" if row.episodes else "–",
            row.verdict,
        )
    show_tables(table, keys=2)

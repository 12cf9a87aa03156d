"""What policies make of all views of a bank's states: on backgrounds, and changed otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np
from jaxtyping import Float, UInt8

from analysis.measures.cycles import chance, nearest, three_way, trajectories, two_way
from analysis.measures.decisions import Decisions, probabilities
from analysis.policies.features import read
from analysis.policies.subjects import Subject
from analysis.records.columns import of_interval
from analysis.scenes.backgrounds import cover, cycle_views
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.pictures import AXES, applies, perturbed
from analysis.scenes.twin_sets import FRAMES, TwinSet, twin_set
from analysis.scenes.worlds import is_procgen
from analysis.stats.clusters import cluster_interval
from checkpoints.console import UserError, watch
from checkpoints.policy.ids import PolicyId
from checkpoints.world.games import get_game
from checkpoints.world.renderer import Renderer

RowValues = dict[str, float | int]
"""Columns of a table and what stands in them."""
LEAST = 12
"""States that a trajectory needs to be asked for cycles; it may have twice as many."""
CYCLE_BACKGROUNDS = 4
_THREE_WAYS = 3
"""Seen and unseen backgrounds for cycles, whose intervals are over trajectories."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The decisions of several policies in the same views of the same states."""

    decisions: dict[PolicyId, Decisions]
    """empty where there is only one view"""
    pixels: Float[np.ndarray, "view view"]
    """share of pixels that differ between two views, mean over states"""


def pixels_changed(frames: UInt8[np.ndarray, "state view h w c"]) -> Float[np.ndarray, "view view"]:
    """Share of pixels that differ between two views, in [0, 1], summed over the states."""
    views = frames.shape[1]
    # One number a pixel compares far faster than its channels, of which four fit into it.
    packed = np.zeros((*frames.shape[:-1], -(-frames.shape[-1] // 4)), np.uint32)
    for channel in range(frames.shape[-1]):
        packed[..., channel // 4] = 256 * packed[..., channel // 4] + frames[..., channel]
    found = np.zeros((views, views))
    for a, b in combinations(range(views), 2):
        differ = (packed[:, a] != packed[:, b]).any(axis=-1)
        found[a, b] = found[b, a] = differ.mean(axis=(1, 2)).sum()
    return found


def answers_to(
    blocks: Iterator[UInt8[np.ndarray, "state view h w c"]],
    subjects: Sequence[Subject],
    first: Mapping[PolicyId, Decisions] | None = None,
) -> Answers:
    """Read every policy on each block of frames while it is in memory.

    Args:
        blocks: frames of all states, in order.
        subjects: the policies.
        first: what each decides on the first view, where that is known: it is not read again.
    """
    probs: dict[PolicyId, list[np.ndarray]] = {one.id: [] for one in subjects}
    values: dict[PolicyId, list[np.ndarray]] = {one.id: [] for one in subjects}
    pixels, states = np.zeros(()), 0
    for frames in blocks:
        pixels, states = pixels + pixels_changed(frames), states + len(frames)
        unread = frames[:, 1:] if first else frames
        shape, flat = unread.shape[:2], unread.reshape(-1, *frames.shape[2:])
        for one in subjects:
            reading = read(one.policy, flat, [])
            probs[one.id].append(probabilities(reading.log_probs).reshape(*shape, -1))
            values[one.id].append(reading.values.astype(np.float64).reshape(shape))
    joined = {
        one.id: Decisions(np.concatenate(probs[one.id]), np.concatenate(values[one.id]))
        for one in subjects
    }
    for name, known in (first or {}).items():
        both = known, joined[name]
        joined[name] = Decisions(
            np.concatenate([some.probs for some in both], axis=1),
            np.concatenate([some.values for some in both], axis=1),
        )
    return Answers(joined, pixels / states)


def on_backgrounds(
    bank: Bank, game: str, backgrounds: Sequence[int], subjects: Sequence[Subject]
) -> Answers:
    """Decisions on twins; none for a game of one background."""
    if len(backgrounds) < 2:
        return Answers({}, np.zeros((1, 1)))
    twins = twin_set(game, bank, backgrounds)
    count = ceil(len(twins) / twins.chunk)
    blocks = watch(twins.blocks(), f"{game}: deciding on twins", count)
    return answers_to((block.frames for block in blocks), subjects)


def along_axes(
    bank: Bank, game: str, subjects: Sequence[Subject], views: int, seed: int
) -> Iterator[tuple[str, Answers]]:
    """For each other axis the decisions on the frames as met and on ``views`` changed ones.

    The theme of a game without other themes gives no decisions, nor does colour of a world in grey.
    """
    renderer = Renderer(game) if is_procgen(game) else None
    parts = range(0, len(bank), FRAMES)
    met = (np.asarray(bank.observations[start : start + FRAMES]) for start in parts)
    own = answers_to((frames[:, None] for frames in met), subjects).decisions
    for axis in watch(AXES, f"{game}: changing pictures"):
        if not applies(axis, game):
            yield axis, Answers({}, np.zeros((1, 1)))
            continue
        yield axis, answers_to(perturbed(axis, bank, renderer, views, seed), subjects, own)


def find_cycles(
    subjects: Sequence[Subject], number: int, replicates: int, seed: int
) -> dict[PolicyId, dict[str, RowValues]]:
    """Cycle consistency of every policy on ``number`` trajectories of unseen levels.

    Returns:
        policy -> group of backgrounds -> cells of the table, those that are defined; no policy
        for a game of one background, or a world in a file.

    Raises:
        UserError: episodes so short that fewer than two trajectories were found.
    """
    game, mode = subjects[0].id.game, subjects[0].mode
    # States of a file are not known to follow each other.
    if get_game(game).backgrounds < 2 or not is_procgen(game):
        return {}
    most, worlds = 2 * LEAST, min(32, max(8, number))
    bank = common_bank(game, mode, most * number, seed, thin=4, per_level=most, num_envs=worlds)
    runs = list(trajectories(bank.levels, bank.time, bank.actor, LEAST))
    if len(runs) < 2:
        raise UserError(
            f"{game}: expected at least 2 trajectories of {LEAST} states, found {len(runs)} among "
            f"{len(bank)} states; ask for more --trajectories than {number}"
        )
    trained = [subject.trained_backgrounds for subject in subjects]
    twins = twin_set(game, bank, cover(game, trained, CYCLE_BACKGROUNDS, _THREE_WAYS))
    return {
        one.id: _cycles_of(one, twins, runs, replicates, seed)
        for one in watch(subjects, f"{game}: asking trajectories for cycles")
    }


def _cycles_of(
    subject: Subject, twins: TwinSet, runs: Sequence[np.ndarray], replicates: int, seed: int
) -> dict[str, RowValues]:
    last = subject.policy.layers[-1]
    parts = [reading.layers[last] for _, reading in twins.readings(subject.policy, [last])]
    features = np.concatenate(parts)
    near = [nearest(features[rows]) for rows in runs]
    lengths = np.array([len(rows) for rows in runs])
    clusters = np.repeat(np.arange(len(runs)), lengths)
    guess = np.array([chance(length) for length in lengths.tolist()])
    found: dict[str, RowValues] = {}
    for group, sides in cycle_views(twins.backgrounds, subject.trained_backgrounds).items():
        found[group] = {"trajectories": len(runs)}
        for ways, score in ((2, two_way), (3, three_way)):
            values = np.concatenate([score(steps, *sides) for steps in near])
            if not np.isnan(values).any():
                ends = cluster_interval(values, clusters, replicates=replicates, seed=seed)
                found[group] |= of_interval(f"cycle_{ways}", ends)
                mean = np.average(guess ** (ways - 1), weights=lengths)
                found[group][f"chance_{ways}"] = float(mean)
    return found

"""Episodes on training levels, on unseen levels, and there on other backgrounds: a row each."""

from collections.abc import Iterator, Sequence
from typing import Any

from analysis.policies.subjects import Subject
from analysis.records.columns import POLICY
from analysis.records.tables import Column, Schema
from analysis.scenes.episodes import Pool, Stage, Swap, pool_of

SPLITS: dict[str, Swap] = {
    **{"train": "none", "unseen": "none"},
    **{"swapped": "episode", "swapped-step": "step"},
}
"""Training levels; levels that no training set contains; those again on another background each,
and once more on another one every step."""
SCHEMA = Schema(
    "returns",
    (
        *POLICY,
        Column("split", "text", "train; unseen levels; swapped or swapped-step: on others there"),
        Column("episode", "int", "which first state: the same for all policies", low=0),
        Column("level", "int", "its level seed", low=0),
        Column("background", "int", "on which it begins; of swapped-step never shown", low=0),
        Column("steps", "int", "length of the episode", "steps", low=1),
        Column("episode_return", "float", "undiscounted", "reward"),
    ),
    key=("game", "id", "split", "episode"),
    command="analysis.returns",
)


def stages_of(
    game: str, subjects: Sequence[Subject], *, episodes: int, seed: int
) -> dict[str, Stage]:
    """Split -> the stage it is played on; the levels that all of the policies were trained on."""
    from checkpoints.world.environments import Levels

    mode = subjects[0].mode
    count = min(subject.training.levels for subject in subjects)
    unseen = Stage(game, mode, episodes, seed)
    train = Stage(game, mode, episodes, seed, levels=Levels.train(count))
    return {split: train if split == "train" else unseen for split in SPLITS}


def rows_of(
    stage: Stage, subject: Subject, split: str, *, backgrounds: Pool
) -> Iterator[dict[str, Any]]:
    """A row for each episode; none where there is no other background to swap to.

    A policy that was trained on chosen backgrounds meets each level on one of those, as it did in
    training, and only the swap shows it others.

    Args:
        stage: where it is played.
        subject: who plays.
        split: one of :data:`SPLITS`.
        backgrounds: what is swapped to.
    """
    narrowed = subject.training.backgrounds
    pool = pool_of(backgrounds, stage.game, subject.trained_backgrounds)
    alone = any(not set(pool) - {met} for met in set(stage.met(narrowed).tolist()))
    if SPLITS[split] != "none" and alone:
        return
    played = stage.play(subject.policy, SPLITS[split], pool, narrowed)
    episodes = zip(stage.levels, played.backgrounds, played.steps, played.returns, strict=True)
    for episode, (level, background, steps, total) in enumerate(episodes):
        yield {
            **subject.columns,
            **{"split": split, "episode": episode, "level": int(level)},
            **{"background": int(background), "steps": int(steps), "episode_return": float(total)},
        }

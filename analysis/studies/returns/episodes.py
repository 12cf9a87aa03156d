"""Episodes on training levels, on unseen levels, and there on other backgrounds: a row each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.policies.subjects import Subject
from analysis.records.columns import POLICY
from analysis.records.tables import Column, Schema
from analysis.scenes.episodes import Played, Pool, Stage, Swap, blind, pool_of

if TYPE_CHECKING:
    from checkpoints.policy.encoders import Policy

SPLITS: dict[str, Swap] = {
    **{"train": "none", "unseen": "none"},
    **{"swapped": "episode", "swapped-step": "step"},
    "blind": "none",
}
"""Training levels; levels that no training set contains; those again on another background each,
and once more on another one every step; and once more with actions drawn from how often the policy
took each of them there, without looking."""
SCHEMA = Schema(
    "returns",
    (
        *POLICY,
        Column("split", "text", "train; unseen levels; there swapped, swapped-step, or blind"),
        Column("episode", "int", "which first state: the same for all policies", low=0),
        Column("level", "int", "its level seed", low=0),
        Column("background", "int", "on which it begins; of swapped-step never shown", low=0),
        Column("episode_steps", "int", "length of the episode", "steps", low=1),
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


def play_splits(
    stages: Mapping[str, Stage], subject: Subject, *, backgrounds: Pool
) -> dict[str, list[dict[str, Any]]]:
    """Split -> a row for each episode; none where there is no other background to swap to.

    A policy that was trained on chosen backgrounds meets each level on one of those, as it did in
    training, and only the swap shows it others.

    Args:
        stages: split -> where it is played, from :func:`stages_of`.
        subject: who plays.
        backgrounds: what is swapped to.
    """
    found, mix = {}, None
    for split, stage in stages.items():
        policy = blind(mix) if split == "blind" and mix is not None else subject.policy
        played = _play(stage, subject, policy, SPLITS[split], backgrounds)
        found[split] = list(_rows(stage, subject, split, played)) if played else []
        if split == "unseen" and played:
            mix = played.actions
    return found


def _play(
    stage: Stage, subject: Subject, policy: "Policy", swap: Swap, backgrounds: Pool
) -> Played | None:
    narrowed = subject.training.backgrounds
    pool = pool_of(backgrounds, stage.game, subject.trained_backgrounds)
    alone = any(not set(pool) - {met} for met in set(stage.met(narrowed).tolist()))
    if swap != "none" and alone:
        return None
    return stage.play(policy, swap, pool, narrowed)


def _rows(stage: Stage, subject: Subject, split: str, played: Played) -> Iterator[dict[str, Any]]:
    episodes = zip(stage.levels, played.backgrounds, played.steps, played.returns, strict=True)
    for episode, (level, background, steps, total) in enumerate(episodes):
        yield {
            **subject.columns,
            **{"split": split, "episode": episode, "level": int(level)},
            **{"background": int(background), "episode_steps": int(steps)},
            "episode_return": float(total),
        }

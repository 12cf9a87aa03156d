"""Who is examined, on what: policies named on the command line, their state bank and twins."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int, UInt8

from analysis.bank import Bank, BankPlan, Policy, load_or_gather
from checkpoints.console import UserError
from checkpoints.policy.ids import UNTRAINED, PolicyId, parse_id
from checkpoints.policy.store import (
    ZOO,
    Provenance,
    find_policies,
    list_policies,
    load_policy,
    policy_path,
    untrained,
)
from checkpoints.world.environments import Levels
from checkpoints.world.games import Mode, get_game

if TYPE_CHECKING:
    from checkpoints.policy import encoders


@dataclass(frozen=True)
class Subject:
    """One policy under examination."""

    id: PolicyId
    policy: "encoders.Policy"
    provenance: Provenance

    @property
    def mode(self) -> Mode:
        """Difficulty it was trained at."""
        return self.provenance.settings().mode

    @property
    def trained_backgrounds(self) -> tuple[int, ...]:
        """Backgrounds that its training episodes could show."""
        chosen = self.provenance.settings().backgrounds
        return chosen or get_game(self.id.game).trained_backgrounds(self.mode)

    @property
    def columns(self) -> dict[str, str | int]:
        """What names it in a table: ``game, id, method, seed, peer, step``."""
        one = self.id
        names = {"game": one.game, "id": str(one), "method": one.method}
        return {**names, "seed": one.seed, "peer": one.peer or 0, "step": one.step or 0}


def load_subjects(
    names: Iterable[str], root: Path = ZOO, *, controls: int = 2
) -> dict[str, list[Subject]]:
    """Policies by game: those named, each game followed by ``controls`` untrained ones.

    Args:
        names: ids under ``root`` or paths of policy files; none takes every run under ``root`` at
            its last step. ``game/untrained/seed`` is made, not loaded.
        root: the zoo, or a folder of runs.
        controls: untrained policies added to each game, of seeds 0, 1, …, with the recipe of the
            game's first policy.

    Raises:
        UserError: an unknown id, a missing or damaged file, a policy named twice, or policies of
            one game trained in different modes.
    """
    names = list(names) or sorted({str(kept.run) for kept in list_policies(root)})
    if not names:
        raise UserError(f"expected policies under {root}, found none; name files or ids")
    subjects: dict[str, list[Subject]] = {}
    for name in names:
        for subject in _load(name, root):
            subjects.setdefault(subject.id.game, []).append(subject)
    for game, group in subjects.items():
        _check_group(game, group)
        for seed in range(controls):
            policy, provenance = untrained(group[0].provenance, seed)
            if all(subject.id != provenance.policy_id for subject in group):
                group.append(Subject(provenance.policy_id, policy, provenance))
    return subjects


def every_step(names: Iterable[str], root: Path = ZOO) -> list[str]:
    """Ids of all kept policies that ``names`` cover, all under ``root`` if there are no names.

    Files, untrained policies and ids that cover nothing stay as they are.
    """
    kept, names = list_policies(root), list(names)
    if not names:
        return [str(one) for one in kept]
    found: dict[str, None] = {}
    for name in names:
        a_file = Path(name).suffix == ".safetensors" or Path(name).is_file()
        wanted = None if a_file else parse_id(name)
        covered = [str(one) for one in kept if wanted is not None and wanted.covers(one)]
        found |= dict.fromkeys(covered or [name])
    return list(found)


def _load(name: str, root: Path) -> list[Subject]:
    path = Path(name)
    if path.suffix == ".safetensors" or path.is_file():
        policy, provenance = load_policy(path)
        return [Subject(provenance.policy_id, policy, provenance)]
    wanted = parse_id(name)
    if wanted.method == UNTRAINED:
        like = [kept for kept in list_policies(root) if kept.game == wanted.game]
        if not like:
            raise UserError(f"expected a policy of {wanted.game} under {root} to be built like")
        _, made = load_policy(policy_path(root, like[-1]))
        policy, provenance = untrained(made, wanted.seed, wanted.peer or 0)
        return [Subject(provenance.policy_id, policy, provenance)]
    loaded = [load_policy(policy_path(root, kept)) for kept in find_policies(wanted, root)]
    return [Subject(made.policy_id, policy, made) for policy, made in loaded]


def _check_group(game: str, group: list[Subject]) -> None:
    ids = [str(subject.id) for subject in group]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise UserError(f"expected each policy once, got {', '.join(twice)} more than once")
    modes = {subject.mode for subject in group}
    if len(modes) > 1:
        raise UserError(
            f"{game}: expected policies trained in one mode, got {' and '.join(sorted(modes))}; "
            "compare them in two commands"
        )


def sampled(policy: "encoders.Policy", seed: int) -> Policy:
    """How a policy acts in a state bank: actions drawn from its distribution, repeatably."""
    import torch

    draws = torch.Generator().manual_seed(seed)

    @torch.inference_mode()
    def act(frames: np.ndarray) -> np.ndarray:
        logits, _ = policy(torch.from_numpy(np.ascontiguousarray(frames)))
        return torch.multinomial(logits.softmax(-1), 1, generator=draws).squeeze(1).numpy()

    return act


def common_bank(
    game: str,
    mode: Mode,
    states: int,
    seed: int = 0,
    *,
    thin: int = 16,
    per_level: int = 6,
    num_envs: int = 32,
) -> Bank:
    """States of ``game`` on levels that no policy was trained on, the same for all policies.

    They come from random actions and from every shipped policy of the game at its last step, in
    equal shares; only from random actions where none is shipped. At most ``per_level`` states a
    level, at least ``thin`` steps apart.
    """
    kept = {k.run: k for k in list_policies(ZOO) if k.game == game}
    last = [one for run in kept for one in find_policies(run, ZOO)]
    behaviours: Mapping[str, Policy] = {}
    for number, one in enumerate(last):
        path = policy_path(ZOO, one)
        policy, made = load_policy(path)
        if made.settings().mode == mode:
            name = hashlib.sha256(path.read_bytes()).hexdigest()
            behaviours = {**behaviours, name: sampled(policy, seed + number)}
    plan = BankPlan(
        game,
        mode,
        levels=Levels.unseen(),
        num_states=states,
        seed=seed,
        thin=thin,
        per_level=per_level,
        num_envs=num_envs,
    )
    return load_or_gather(plan, behaviours)


def other_backgrounds(
    game: str, own: Int[np.ndarray, " state"], seed: int = 0
) -> Int[np.ndarray, " state"]:
    """For each state a background other than its own, uniformly drawn.

    Raises:
        UserError: the game has one background (chaser): it has no twins.
    """
    count = get_game(game).backgrounds
    if count < 2:
        raise UserError(f"{game} has one background, no twins: expected another game, or no twins")
    steps = np.random.default_rng(seed).integers(1, count, len(own))
    return (own + steps) % count


def draw_twins(game: str, bank: Bank, seed: int = 0) -> UInt8[np.ndarray, "state 64 64 3"]:
    """Each state of the bank on a background other than its own."""
    from checkpoints.world.renderer import Renderer
    from checkpoints.world.states import for_drawing

    own = np.array([for_drawing(state, game).own for state in bank.states])
    return Renderer(game).render_each(bank.states, other_backgrounds(game, own, seed).tolist())

"""State banks: states of a game gathered once, by known behaviour on known levels.

All measures look at the same states, so the states must come from no single policy's taste:
some environments act uniformly at random, the others follow the given policies, in fixed shares.
Frames of one level resemble each other, so a level gives few of them, apart in time, and carries
its seed along for resampling by level.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from analysis.scenes.cache import digest_of, folder_of, holds, make_room, remove
from analysis.scenes.state_list import StateList
from checkpoints.console import UserError, say
from checkpoints.doors.reading import MIB, parse_json, read_text
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.games import IMAGE_SHAPE, NUM_ACTIONS, Mode, get_game

Behaviour = Callable[[np.ndarray], np.ndarray]
"""Observations ``(n, 64, 64, 3)`` uint8 to actions ``(n,)``, whole numbers 0 to 14."""

_FORMAT = 1  # raise it whenever the same plan comes to give another bank
_ARRAYS = ("states", "offsets", "observations", "levels", "time", "actor")
_NEXT_LEVEL = -1  # an action that ends the episode (``game.cpp``); no policy can choose it
_PATIENCE = 300  # sampling instants without one new state before giving up


@dataclass(frozen=True)
class BankPlan:
    """What decides a bank, beside the policies that act in it."""

    game: str
    mode: Mode = "easy"
    levels: Levels = field(default_factory=lambda: Levels.train(200))
    num_states: int = 1000
    seed: int = 0
    """of the levels' order, the random actions and the sampling instants; 0 <= seed < 2**31"""
    thin: int = 16
    """states of one environment lie at least so many steps apart, and less than twice as many"""
    per_level: int = 8
    """at most so many states of one level"""
    num_envs: int = 32
    """environments side by side"""

    def check(self, behaviours: int) -> None:
        """Raise ``UserError`` unless a bank can be gathered with so many kinds of behaviour."""
        get_game(self.game)
        for name in ("num_states", "thin", "per_level", "num_envs"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not 0 <= self.seed < 2**31:
            raise UserError(f"seed: expected 0 to {2**31 - 1}, got {self.seed}")
        possible = self.levels.count * self.per_level
        if self.num_states > possible:
            raise UserError(
                f"expected at most {possible:,} states from {self.levels.count:,} levels with "
                f"{self.per_level} each, got num_states {self.num_states:,}; allow more of either"
            )
        if self.num_envs < behaviours:
            raise UserError(
                f"expected at least {behaviours} environments, one for random actions and one a "
                f"policy, got num_envs {self.num_envs}; raise it or pass fewer policies"
            )


@dataclass(frozen=True, eq=False)
class Bank:
    """n states, in the order in which they were met."""

    states: StateList
    observations: UInt8[np.ndarray, "state h w c"]  # as the environment showed them
    levels: Int[np.ndarray, " state"]  # level seeds: the clusters to resample
    time: Int[np.ndarray, " state"]  # steps since the episode began
    actor: Int[np.ndarray, " state"]  # 0 acted at random, k followed the k-th policy

    def __len__(self) -> int:
        return len(self.levels)


def gather(plan: BankPlan, policies: Mapping[str, Behaviour] | None = None) -> Bank:
    """Play, and keep ``plan.num_states`` states.

    Environment i follows behaviour ``i % (1 + len(policies))``: random actions, then the
    policies in their order. Every environment is sampled at the same instants, whose distances
    are drawn from ``thin, …, 2 thin - 1``; an observation that is already in the bank is left
    out. An environment whose level is full goes on to the next level at once.

    Args:
        plan: what to gather.
        policies: what they are called (the hash of the file) -> how they act. They must be
            deterministic, or draw from a generator of their own, for a bank to be repeatable.

    Raises:
        UserError: a plan that cannot be met, or actions of a wrong shape, type or range.
    """
    policies = policies or {}
    plan.check(1 + len(policies))
    rng = np.random.default_rng(plan.seed)
    env = ProcgenVectorEnv(
        plan.game,
        levels=plan.levels,
        mode=plan.mode,
        num_envs=plan.num_envs,
        seed=plan.seed,
        num_threads=0,
    )
    kept = _Kept(plan)
    actor = np.arange(plan.num_envs) % (1 + len(policies))
    time = np.zeros(plan.num_envs, dtype=np.int64)
    observations, _ = env.reset()
    wait = int(rng.integers(plan.thin))
    while not kept.complete:
        levels = env.level_seeds()
        if wait == 0:
            kept.add(env.get_states(), observations, levels, time, actor)
            wait = int(rng.integers(plan.thin, 2 * plan.thin))
        wait -= 1
        actions = _actions(list(policies.values()), observations, actor, rng)
        actions[kept.full(levels)] = _NEXT_LEVEL
        observations, _, ended, _, _ = env.step(actions)
        time = np.where(ended, 0, time + 1)
    return kept.bank()


def _actions(
    policies: Sequence[Behaviour], frames: np.ndarray, actor: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """What every environment does next, ``(num_envs,)``."""
    # Drawn for all, so that a policy added or left out does not shift the others' draws.
    actions = rng.integers(NUM_ACTIONS, size=len(actor))
    for number, policy in enumerate(policies, start=1):
        mine = actor == number
        chosen = np.asarray(policy(frames[mine]))
        fits = chosen.shape == (mine.sum(),) and chosen.dtype.kind in "iu"
        if not fits or chosen.min() < 0 or chosen.max() >= NUM_ACTIONS:
            raise UserError(
                f"policy {number}: expected {mine.sum()} whole numbers from 0 to "
                f"{NUM_ACTIONS - 1}, got {chosen.dtype} of shape {chosen.shape} such as "
                f"{chosen.ravel()[:4].tolist()}; correct what maps observations to actions"
            )
        actions[mine] = chosen
    return actions


class _Kept:
    """The states kept so far, and which levels are full."""

    def __init__(self, plan: BankPlan) -> None:
        self.plan = plan
        self.rows: list[tuple[bytes, np.ndarray, int, int, int]] = []
        self.of_level: Counter[int] = Counter()
        self.seen: set[bytes] = set()
        self.in_vain = 0

    @property
    def complete(self) -> bool:
        return len(self.rows) >= self.plan.num_states

    def full(self, levels: np.ndarray) -> np.ndarray:
        """Which of the levels ``(num_envs,)`` can give no more states."""
        return np.array([self.of_level[level] >= self.plan.per_level for level in levels.tolist()])

    def add(self, states: list[bytes], observations: np.ndarray, *columns: np.ndarray) -> None:
        """Keep what is new of one instant; ``columns`` are levels, time and actor."""
        before = len(self.rows)
        numbers = zip(*(column.tolist() for column in columns), strict=True)
        for state, seen, row in zip(states, observations, numbers, strict=True):
            frame = sha256(seen.tobytes()).digest()
            full = self.of_level[row[0]] >= self.plan.per_level
            if self.complete or full or frame in self.seen:
                continue
            self.seen.add(frame)
            self.of_level[row[0]] += 1
            self.rows.append((state, seen.copy(), *row))
        self.in_vain = 0 if len(self.rows) > before else self.in_vain + 1
        if self.in_vain > _PATIENCE:
            raise UserError(
                f"expected {self.plan.num_states:,} different states, found {len(self.rows):,} and "
                f"no new one at {_PATIENCE} instants in a row; allow more levels, a larger "
                f"per_level, or ask for fewer states"
            )

    def bank(self) -> Bank:
        states, observations, *columns = zip(*self.rows, strict=True)
        levels, time, actor = (np.array(column, dtype=np.int64) for column in columns)
        return Bank(StateList.of(states), np.stack(observations), levels, time, actor)


def load_or_gather(
    plan: BankPlan, policies: Mapping[str, Behaviour] | None = None, folder: Path | None = None
) -> Bank:
    """The bank of ``plan`` and ``policies`` from ``folder``, gathered now if it is not there.

    Args:
        plan: what to gather.
        policies: as for :func:`gather`; a bank is found again by their names, so a name must
            change with the policy: pass the hash of its file.
        folder: holds one folder a bank, named by the hash of all that decides it; None takes
            :func:`analysis.scenes.cache.folder_of`.

    Note:
        A bank whose files are not those that were written is gathered again.
    """
    policies = policies or {}
    settings = {
        "format": _FORMAT,
        "procgen": procgen_version(),
        "plan": asdict(plan),
        "policies": list(policies),
    }
    folder = folder or folder_of("banks")
    path = folder / sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    if not (_is_whole(path, settings) and _is_bank(path, plan.num_states)):
        say(f"{plan.game}: gathering {plan.num_states:,} states")
        _write(gather(plan, policies), path, settings)
    # Copy on write: torch warns of arrays that cannot be written.
    arrays = {name: np.load(path / f"{name}.npy", mmap_mode="c") for name in _ARRAYS}
    states = StateList(arrays.pop("states"), arrays.pop("offsets"), known=True)
    return Bank(states, **arrays)


def procgen_version() -> str:
    """Of the installed wheel: another one may draw and serialise otherwise."""
    try:
        return version("procgen-mirror")
    except PackageNotFoundError:
        return "none"


def _is_whole(path: Path, settings: dict[str, Any]) -> bool:
    try:
        noted = read_text(path / "manifest.json", limit=MIB, what="what a bank holds")
        manifest = parse_json(noted, dict[str, Any], where=str(path))
        found = {name: digest_of(path / f"{name}.npy") for name in _ARRAYS}
        os.utime(path)
    except (OSError, ValueError):
        return False
    return manifest == {"settings": settings, "files": found}


def _is_bank(path: Path, n: int) -> bool:
    """Whether arrays are those of n states: noted as written, they may be forged all the same."""
    shapes = {"states": (None,), "offsets": (n + 1,), "observations": (n, *IMAGE_SHAPE)}
    for name in _ARRAYS:
        kind = "uint8" if name in ("states", "observations") else "int64"
        if not holds(path / f"{name}.npy", kind, shapes.get(name, (n,))):
            return False
    states, offsets = (np.load(path / f"{one}.npy", mmap_mode="r") for one in ("states", "offsets"))
    whole = offsets[0] == 0 and offsets[-1] == len(states)
    return bool(whole and (np.diff(offsets) >= 0).all())


def _write(bank: Bank, path: Path, settings: dict[str, Any]) -> None:
    """Write to a temporary folder, then rename: a kill leaves no half bank."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        make_room(path.parent, bank.states.joined.nbytes + bank.observations.nbytes)
        with tempfile.TemporaryDirectory(dir=path.parent, suffix=".tmp") as temporary:
            _save(bank, Path(temporary) / "bank", settings)
            remove(path)
            (Path(temporary) / "bank").rename(path)
    except OSError as error:
        if _is_whole(path, settings):
            return  # another process was faster, and its bank is the same
        raise UserError(
            f"expected a folder to keep state banks in, got {error} for {path}; free some space, "
            f"or give another folder"
        ) from error


def _save(bank: Bank, path: Path, settings: dict[str, Any]) -> None:
    path.mkdir()
    arrays = {"states": bank.states.joined, "offsets": bank.states.offsets}
    arrays |= {name: getattr(bank, name) for name in _ARRAYS if name not in arrays}
    for name, array in arrays.items():
        np.save(path / f"{name}.npy", array, allow_pickle=False)
    files = {name: digest_of(path / f"{name}.npy") for name in _ARRAYS}
    manifest = {"settings": settings, "files": files}
    (path / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")

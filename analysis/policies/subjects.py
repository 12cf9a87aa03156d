"""Who is examined, on what: policies named on the command line, their state bank and twins."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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

"""Who is examined, on what: policies named on the command line, their state bank and twins."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

from checkpoints.console import UserError
from checkpoints.policy.from_file import hash_of, policy_from
from checkpoints.policy.ids import UNTRAINED, PolicyId, parse_id
from checkpoints.policy.shipped import usual_policies
from checkpoints.policy.store import (
    ZOO,
    Provenance,
    find_policies,
    list_policies,
    load_policy,
    policy_path,
    untrained,
)
from checkpoints.policy.trained import Training
from checkpoints.world.games import Mode, get_game

if TYPE_CHECKING:
    from checkpoints.policy import encoders
    from checkpoints.policy.adapters import Adapted

_FILES = (".safetensors", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class Subject:
    """One policy under examination: loaded from a file, or any other that can be read."""

    id: PolicyId
    policy: "encoders.Policy"
    training: Training = Training()  # noqa: RUF009 - it is frozen
    provenance: Provenance | None = None
    """of its file; none of a policy that is adapted"""
    source: str = ""
    """of an adapted policy: the file and function that make it"""

    @staticmethod
    def of(policy: "encoders.Policy", made: Provenance) -> "Subject":
        """A policy and what its file says of it."""
        recipe = made.settings()
        training = Training(recipe.mode, recipe.backgrounds, recipe.levels, made.code)
        return Subject(made.policy_id, policy, training, made)

    @staticmethod
    def made_by(source: str) -> "Subject":
        """The policy that ``FILE.py:FUNCTION`` makes, under the id that it was given there.

        Raises:
            UserError: errors of :func:`checkpoints.policy.from_file.policy_from`, or no id.
        """
        policy = policy_from(source)
        if not policy.id:
            raise UserError(
                f"{source}: expected a policy with an id, which names its game and its column in "
                "tables; give Adapted(…, id='starpilot/mine/0')"
            )
        asked = parse_id(policy.id)
        if asked.method == UNTRAINED:
            raise UserError(
                f"{source}: expected the id of a trained policy, got {policy.id!r}; untrained "
                "ones are added beside it by themselves"
            )
        check_fits(policy, source, get_game(asked.game).name)
        named = replace(asked, peer=asked.peer or 0, step=asked.step or 0)
        training = replace(policy.trained, code=hash_of(source))
        return Subject(named, cast("encoders.Policy", policy), training, None, source)

    def untrained(self, seed: int) -> "Subject | None":
        """One like it that has learned nothing; None where nobody knows how to make it."""
        if self.provenance is not None:
            return Subject.of(*untrained(self.provenance, seed))
        if not self.source:
            return None
        from analysis.policies.randomised import forget

        name = PolicyId(self.id.game, UNTRAINED, seed, 0, 0)
        policy = cast("encoders.Policy", forget(policy_from(self.source), seed))
        return Subject(name, policy, replace(self.training, code=""), None, self.source)

    @property
    def mode(self) -> Mode:
        """Difficulty it was trained at."""
        return self.training.mode

    @property
    def code(self) -> str:
        """Hash of the code that trained it."""
        return self.training.code

    @property
    def trained_backgrounds(self) -> tuple[int, ...]:
        """Backgrounds that its training episodes could show."""
        chosen = self.training.backgrounds
        return chosen or get_game(self.id.game).trained_backgrounds(self.mode)

    @property
    def kind(self) -> tuple[str, int]:
        """Its encoder and how wide that is: what an untrained policy like it must have.

        Of a policy without provenance it is the number of its weights.
        """
        if self.provenance is None:
            weights = sum(weight.numel() for weight in self.policy.parameters())
            return self.policy.architecture, weights
        recipe = self.provenance.settings()
        return self.policy.architecture, recipe.features * recipe.width

    @property
    def columns(self) -> dict[str, str | int]:
        """What names it in a table: ``game, id, method, seed, peer, step``."""
        one = self.id
        names = {"game": one.game, "id": str(one), "method": one.method}
        return {**names, "seed": one.seed, "peer": one.peer or 0, "step": one.step or 0}


def check_fits(policy: "Adapted", source: str, game: str) -> None:
    """Raise ``UserError`` unless a policy takes the game's frames and chooses among its actions."""
    shape, actions = tuple(policy.image_shape), policy.num_actions
    facts = get_game(game)
    # Of continuous actions any number of logits, means say, will do: nobody looks at them.
    if shape != facts.image_shape or facts.num_actions not in (0, actions):
        raise UserError(
            f"{source}: expected a policy of {game}, whose frames are {facts.image_shape} and "
            f"whose actions are {facts.num_actions}, got one of {shape} and {actions}; let "
            "forward= scale frames and put its actions in their places, with -1e9 for those it "
            "never takes"
        )


def load_subjects(
    names: Iterable[str], root: Path = ZOO, *, controls: int = 2, made: Iterable[str] = ()
) -> dict[str, list[Subject]]:
    """Policies by game: those named, each game followed by ``controls`` untrained ones.

    Args:
        names: ids under ``root`` or paths of policy files; none takes the shipped runs that are
            surveyed, or every run under another ``root``, at its last step; no shipped one where
            others are ``made``.
            ``game/untrained/seed`` is made, not loaded.
        root: the zoo, or a folder of runs.
        controls: untrained policies added to each game for each encoder among its policies: seeds
            0, 1, … like the first of them, the next seeds like the next.
        made: ``FILE.py:FUNCTION`` of policies made there. **The file is run.**

    Raises:
        UserError: an unknown id, a missing or damaged file, a policy named twice, or policies of
            one game trained in different modes.
    """
    names, made = list(names), list(made)
    if not names and not made:
        names = sorted({str(kept.run) for kept in usual_policies(root)})
        if not names:
            raise UserError(f"expected policies under {root}, found none; name files or ids")
    subjects: dict[str, list[Subject]] = {}
    loaded = (subject for name in names for subject in _load(name, root))
    for subject in chain(loaded, map(Subject.made_by, made)):
        subjects.setdefault(subject.id.game, []).append(subject)
    for game, group in subjects.items():
        _check_group(game, group)
        group.extend(_controls(group, controls))
    return subjects


def _controls(group: list[Subject], count: int) -> list[Subject]:
    """Untrained policies, ``count`` like the first policy of each encoder, if not named already."""
    trained = [one for one in group if one.id.method != UNTRAINED] or group
    kinds: dict[tuple[str, int], Subject] = {}
    for one in trained:
        kinds.setdefault(one.kind, one)
    found = []
    for place, like in enumerate(kinds.values()):
        for seed in range(place * count, (place + 1) * count):
            blank = like.untrained(seed)
            if blank is not None and all(blank.id != other.id for other in group):
                found.append(blank)
    return found


def every_step(names: Iterable[str], root: Path = ZOO) -> list[str]:
    """Ids of all kept policies that ``names`` cover, all under ``root`` if there are no names.

    Files, untrained policies and ids that cover nothing stay as they are.
    """
    kept, names = list_policies(root), list(names)
    if not names:
        return [str(one) for one in usual_policies(root)]
    found: dict[str, None] = {}
    for name in names:
        wanted = None if _is_file(name) else parse_id(name)
        covered = [str(one) for one in kept if wanted is not None and wanted.covers(one)]
        found |= dict.fromkeys(covered or [name])
    return list(found)


def _is_file(name: str) -> bool:
    """Whether a file is meant, and no id: also one that is not there."""
    return Path(name).suffix in _FILES or Path(name).is_file()


def _load(name: str, root: Path) -> list[Subject]:
    path = Path(name)
    if _is_file(name):
        try:
            return [Subject.of(*load_policy(path))]
        except UserError as error:
            raise UserError(
                f"{error}. Weights of other programs become policies with: python -m "
                f"checkpoints.convert {path}"
            ) from error
    wanted = parse_id(name)
    if wanted.method == UNTRAINED:
        like = [kept for kept in list_policies(root) if kept.game == wanted.game]
        if not like:
            raise UserError(f"expected a policy of {wanted.game} under {root} to be built like")
        _, made = load_policy(policy_path(root, like[-1]))
        return [Subject.of(*untrained(made, wanted.seed, wanted.peer or 0))]
    kept = find_policies(wanted, root)
    return [Subject.of(*load_policy(policy_path(root, one))) for one in kept]


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

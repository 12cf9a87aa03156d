"""What was declared before the runs that decide it: one YAML mapping, read and checked here.

The queue trains the runs that follow from it, and what decides reads the same file, so the two
cannot part. A run notes the declaration it was begun under; one edited since is then seen.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from checkpoints.console import UserError, one_of
from checkpoints.doors.numbers import check_numbers, whole
from checkpoints.doors.reading import KIB, parse_json, read_text, shown
from checkpoints.doors.writing import write_text
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.recipes import Recipe, get_recipe
from checkpoints.policy.store import policy_path, read_provenance
from checkpoints.world.games import get_game

NOTE = "declared.json"
"""In the folder of a run: the digest of the declaration that it was begun under."""
MEASURED = ("ratio_unseen", "buttons")
"""The measure and layer that looks compute, and so the only ones that can be declared."""


@dataclass(frozen=True)
class Declaration:
    """A contrast between two methods, and the rule by which it will be decided."""

    name: str
    """what the sample is called"""
    game: str
    """one of the 16"""
    treatment: str
    """method in question"""
    treatment_steps: Annotated[int, whole(1, 10**12)]
    """environment steps of each of its policies"""
    control: str
    """method that it is held against"""
    control_steps: Annotated[int, whole(1, 10**12)]
    """environment steps of each of its policies"""
    second: str
    """another control, which decides nothing, trained for as long"""
    positive: str
    """method made invariant, which must be told from the control at its own steps"""
    positive_steps: Annotated[int, whole(1, 10**12)]
    """environment steps of each of its policies"""
    positive_runs: Annotated[int, whole(2, 10**4)]
    """runs of it, at the first seeds"""
    measure: tuple[str, str]
    """(measure, layer) whose logarithm is compared; the mean over the last kept steps"""
    last: Annotated[int, whole(1, 16)]
    """how many kept steps that mean is over"""
    first_seed: Annotated[int, whole(0, 10**9)]
    """seeds go up from here; a pair is a run of the treatment and one of the control at one seed"""
    looks: tuple[Annotated[int, whole(2, 10**4)], ...]
    """pairs at which the rule is asked"""
    effect_p: tuple[float, ...]
    """at each look: Welch's p below which there is an effect"""
    equivalence_p: tuple[float, ...]
    """at each look: both one-sided p below which there is no relevant effect"""
    margin: float
    """factors from 1 / margin to margin are not relevant"""
    sees: float
    """standard errors by which a policy's return must exceed that of its blind mix of actions"""
    pilot: tuple[Annotated[int, whole(0, 10**9)], ...]
    """seeds trained to choose the steps, and discarded"""
    ready: bool
    """whether the pilot has chosen; until then no run may begin"""

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be followed."""
        get_game(self.game)
        methods = self.treatment, self.control, self.second, self.positive
        if len(set(methods)) < len(methods):
            raise UserError(f"expected four different methods, got {', '.join(methods)}")
        for method in methods:
            recipe = get_recipe(method, self.game, self.first_seed)
            if not 0 < len(recipe.backgrounds) < get_game(self.game).backgrounds:
                raise UserError(
                    f"expected methods with held-out backgrounds, such as "
                    f"ppo-split4, got {method!r}: nothing of {self.game} is unseen by it"
                )
        check_numbers(self)
        if self.measure != MEASURED:
            raise UserError(
                f"expected the measure {list(MEASURED)}, which looks compute, got "
                f"{list(self.measure)}; declare that one"
            )
        count = len(self.looks)
        if not count or list(self.looks) != sorted(set(self.looks)) or self.looks[0] < 2:
            raise UserError(
                f"expected looks at increasing numbers of pairs from 2 on, got {list(self.looks)}"
            )
        for name in ("effect_p", "equivalence_p"):
            bounds = getattr(self, name)
            if len(bounds) != count or not all(0 < p < 1 for p in bounds):
                raise UserError(
                    f"expected {count} numbers between 0 and 1 under {name}, one a "
                    f"look, got {list(bounds)}"
                )
        if not (1 < self.margin < math.inf and 0 <= self.sees < math.inf):
            raise UserError(
                "expected a margin above 1 and sees of at least 0, got "
                f"{self.margin} and {self.sees}"
            )
        if set(self.pilot) & set(self.seeds):
            raise UserError(
                f"expected pilot seeds apart from {self.seeds[0]} to "
                f"{self.seeds[-1]}, got {list(self.pilot)}"
            )

    @property
    def seeds(self) -> range:
        """One a pair, up to the last look."""
        return range(self.first_seed, self.first_seed + self.looks[-1])

    @property
    def pair(self) -> dict[str, int]:
        """Method -> steps of the two that are trained at each seed and decide."""
        return {self.treatment: self.treatment_steps, self.control: self.control_steps}

    @property
    def gate(self) -> dict[str, range]:
        """Method -> seeds of what is told apart at the first look, at the positive's steps."""
        return {
            self.positive: self.seeds[: self.positive_runs],
            self.control: self.seeds[: self.looks[0]],
        }

    def runs(self) -> Iterator[tuple[PolicyId, int]]:
        """Every run and its steps: pairs by seed, the positive controls before the first look.

        The second control, which decides nothing, comes last.
        """
        begin = self.seeds[min(self.looks[0], len(self.seeds)) - 1]
        for seed in self.seeds:
            for method, steps in self.pair.items():
                yield PolicyId(self.game, method, seed), steps
            if seed == begin:
                for own in self.gate[self.positive]:
                    yield PolicyId(self.game, self.positive, own), self.positive_steps
        for seed in self.seeds:
            yield PolicyId(self.game, self.second, seed), self.control_steps

    @property
    def digest(self) -> str:
        """16 hex digits that change with anything declared."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def declaration_from(given: Any, place: str) -> Declaration:
    """The declaration in a mapping; what is missing, unknown or of another type is refused."""
    known = [field.name for field in fields(Declaration)]
    if not isinstance(given, dict):
        raise UserError(f"{place}: expected a mapping with {', '.join(known)}, got {shown(given)}")
    for key in given:
        one_of(f"key in {place}", key, known)
    try:
        return msgspec.convert(given, Declaration)
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise UserError(f"{place}: {error}. Mend it there") from error


def check_ready(declaration: Declaration, path: Path) -> None:
    """Refuse to train what a pilot has yet to choose."""
    if not declaration.ready:
        raise UserError(
            f"{path} declares a sample whose pilot has not chosen its game and steps: expected "
            "'ready: true'. Choose, say why in the file, and set it before a run begins"
        )


def note_declaration(declaration: Declaration, folder: Path) -> None:
    """Leave in a run's folder under what it is begun; a run that has begun keeps its note."""
    path = folder / NOTE
    if not path.exists():
        note = {"name": declaration.name, "digest": declaration.digest}
        write_text(path, json.dumps(note) + "\n")


def check_note(declaration: Declaration, folder: Path) -> None:
    """Refuse a run that was begun under another declaration.

    Raises:
        UserError: no note, a damaged one, or one with another digest.
    """
    path = folder / NOTE
    try:
        text = read_text(path, limit=64 * KIB, what="a note")
        noted = parse_json(text, dict[str, str], where=str(path))["digest"]
    except (UserError, KeyError) as error:
        raise UserError(
            f"expected {path} to name the declaration that its run was begun under, but it cannot "
            f"be read ({error!r}); train the run with: python -m checkpoints.queue"
        ) from error
    if noted != declaration.digest:
        raise UserError(
            f"{folder} was begun under the declaration {noted}, but the one read now is "
            f"{declaration.digest}: it was edited since. Put back what was declared"
        )


def check_run(
    declaration: Declaration, recipe: Recipe, root: Path, policies: Sequence[PolicyId]
) -> None:
    """Refuse a run that was begun under another declaration, or with another recipe.

    Args:
        declaration: as it is read now.
        recipe: of the run in the same study; the declaration's digest has none.
        root: folder of runs.
        policies: kept ones of the run, at least one.

    Raises:
        UserError: errors of :func:`check_note` and :func:`check_recipe`.
    """
    check_note(declaration, root / str(policies[0].run))
    for policy in policies:
        check_recipe(policy, read_provenance(policy_path(root, policy)).settings(), recipe)


def check_recipe(policy: PolicyId, trained: Recipe, declared: Recipe) -> None:
    """Refuse a policy of another recipe than its study says.

    Raises:
        UserError: settings that differ, what the study says of each and what was trained.
    """
    # A run pins its teacher to a file, which no study can name beforehand.
    unpinned = replace(trained, teacher=trained.teacher.partition("@")[0])
    wanted, got = asdict(declared), asdict(unpinned)
    other = [name for name in wanted if wanted[name] != got[name]]
    if other:
        raise UserError(
            f"{policy}: expected {', '.join(f'{name} {wanted[name]}' for name in other)}, as its "
            f"study says, got {', '.join(f'{name} {got[name]}' for name in other)}; put back the "
            "recipe that the sample was begun with, or train the run anew"
        )

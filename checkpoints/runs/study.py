"""A study: which runs are to be trained, in order of worth, read from a YAML file.

::

    recipe: {encoder: nature, mode: easy}     # what differs from the methods' own, for all runs
    runs:
      - {id: starpilot/ppo/0, steps: 2_097_152}
      - {id: starpilot/ppo/1, steps: 2_097_152, recipe: {levels: 200}}

In place of ``runs`` a ``grid`` may stand (:mod:`checkpoints.runs.grid`) or, of one contrast, a
``declaration``, from which they follow.
"""

from collections.abc import Hashable
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from checkpoints.console import UserError, one_of
from checkpoints.doors.reading import KIB, read_text, shown
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.recipes import METHOD_SETTINGS, METHODS, Recipe, from_dict, get_recipe
from checkpoints.runs.declaration import Declaration, declaration_from
from checkpoints.runs.grid import expand

LARGEST = 256 * KIB
"""Bytes of a study at most."""
DEEPEST = 10
MOST_RUNS, MOST_STEPS = 10_000, 10**12


@dataclass(frozen=True)
class Planned:
    """One run of a study."""

    id: PolicyId
    steps: int
    """environment steps of each peer"""
    recipe: Recipe
    declaration: Declaration | None = None
    """what the run was declared for, if it was"""

    def cost(self, done: int) -> float:
        """What is yet to be done when ``done`` steps are saved; see ``Recipe.cost``."""
        iterations = -(-self.steps // self.recipe.batch) - done // self.recipe.batch
        return max(0, iterations) * self.recipe.cost


class _Loader(yaml.SafeLoader):
    """Refuses what YAML allows and no study needs: a key twice, references, tags, depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise _refused("a reference (*) stands for what is elsewhere", self.peek_event())
        if getattr(self.peek_event(), "tag", None) is not None:
            raise _refused(
                "a tag (!) names a type, and all types here are plain", self.peek_event()
            )
        self.depth += 1
        if self.depth > DEEPEST:
            raise _refused(f"it is nested over {DEEPEST} deep", self.peek_event())
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for place, _ in node.value:
            key = self.construct_object(place, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise _refused(f"the key {shown(key)} stands twice", node)
            seen |= {key} if isinstance(key, Hashable) else set()
        return super().construct_mapping(node, deep)


def _refused(why: str, where: Any) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, why, where.start_mark)


def read_study(path: Path) -> tuple[Planned, ...]:
    """The runs of a study, in the order of the file.

    Raises:
        UserError: no such file, no YAML, an unknown key, game, method or setting, a run that
            stands twice, steps that are no positive whole number.
    """
    content = _content(path)
    kinds = ("declaration", "grid")
    kind = next((one for one in kinds if isinstance(content, dict) and one in content), "runs")
    _mapping(content, (kind,), ("recipe",), str(path))
    common = _common(content.get("recipe"), f"{path}, recipe")
    if kind == "declaration":
        declaration = declaration_from(content["declaration"], f"{path}, declaration")
        return tuple(
            Planned(run, steps, _recipe(run, common), declaration)
            for run, steps in declaration.runs()
        )
    entries = content[kind]
    if kind == "grid":
        entries = list(islice(expand(entries, f"{path}, grid"), MOST_RUNS + 1))
    if not isinstance(entries, list) or not entries:
        raise UserError(f"{path}: expected a list of runs under 'runs', got {shown(entries)}")
    if len(entries) > MOST_RUNS:
        raise UserError(f"{path}: expected at most {MOST_RUNS:,} runs")
    planned: dict[PolicyId, Planned] = {}
    for place, entry in enumerate(entries, 1):
        run = _planned(entry, common, f"{path}, run {place}")
        if run.id in planned:
            raise UserError(
                f"{path}, run {place}: {run.id} stands in the list already; keep the one with "
                "more steps"
            )
        planned[run.id] = run
    return tuple(planned.values())


def read_declaration(path: Path) -> Declaration:
    """What a study declares; ``UserError`` where it declares nothing."""
    declaration = read_study(path)[0].declaration
    if declaration is None:
        raise UserError(f"{path}: expected a declaration, as in study-second.yaml; found none")
    return declaration


def _content(path: Path) -> Any:
    text = read_text(path, limit=LARGEST, what="a study such as study.yaml")
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ValueError: a date or a number that there cannot be.
        raise UserError(f"expected YAML in {path}, but: {error}") from error


def _recipe(run: PolicyId, common: dict[str, Any]) -> Recipe:
    """A run's own recipe with what is common to all of a study."""
    return from_dict(asdict(get_recipe(run.method, run.game, run.seed)) | common)


def _mapping(given: Any, needed: tuple[str, ...], free: tuple[str, ...], place: str) -> None:
    if not isinstance(given, dict):
        wanted = ", ".join([*needed, *free])
        raise UserError(f"{place}: expected a mapping with the keys {wanted}, got {shown(given)}")
    for key in given:
        _named(place, "key", key, [*needed, *free])
    missing = [key for key in needed if key not in given]
    if missing:
        raise UserError(f"{place}: the key {missing[0]!r} is missing; add it")


def _named(place: str, kind: str, given: object, known: list[str]) -> None:
    try:
        one_of(kind, given, known)
    except UserError as error:
        raise UserError(f"{place}: {error}") from error


def _common(given: Any, place: str) -> dict[str, Any]:
    """The settings common to some runs, checked."""
    if given is None:
        return {}
    decided = METHOD_SETTINGS
    free = [field.name for field in fields(Recipe) if field.name not in decided]
    if not isinstance(given, dict):
        raise UserError(f"{place}: expected a mapping of settings, got {shown(given)}")
    for key in given:
        if key in decided:
            raise UserError(
                f"{place}: {key!r} is decided by the method in an id; name another method there "
                f"(one of {', '.join(METHODS)}, each also with -bg4 for 4 backgrounds, or -split4)"
            )
        _named(place, "setting", key, free)
    try:
        from_dict(given)
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
    return given


def _planned(entry: Any, common: dict[str, Any], place: str) -> Planned:
    _mapping(entry, ("id", "steps"), ("recipe",), place)
    name, steps = entry["id"], entry["steps"]
    if not isinstance(name, str):
        raise UserError(f"{place}: expected an id such as bigfish/mutual/0, got {shown(name)}")
    own = _common(entry.get("recipe"), f"{place}, recipe")
    try:
        run = parse_id(name)
        recipe = _recipe(run, common | own)
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
    if run != run.run:
        raise UserError(f"{place}: expected a run such as {run.run}, got the policy {run}")
    if type(steps) is not int or not 1 <= steps <= MOST_STEPS:
        raise UserError(
            f"{place} ({run}): expected steps as a whole number of at least 1, such as 2_097_152, "
            f"and at most {MOST_STEPS:,}, "
            f"got {shown(steps)}"
        )
    return Planned(run, steps, recipe)

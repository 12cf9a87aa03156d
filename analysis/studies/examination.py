"""Policies examined game by game: the frame of every command that takes ids of policies.

A study says which tables it writes, how the rows of one game are made, and how they are shown. The
function that makes rows names the settings it needs; the frame passes them by name.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import pandas as pd
from tyro.conf import Positional, UseAppendAction, arg

from analysis.records.command import Frames, check_outputs, finish
from analysis.records.tables import Schema
from analysis.scenes.cache import Cached
from checkpoints.console import UserError, path_of, say
from checkpoints.doors.numbers import Seed, whole
from checkpoints.policy.store import ZOO

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.scenes.file_world import FileWorld

Rows = Iterable[Mapping[str, Any]]
PLAYED = "returns come from playing episodes"
TRAINED = "this follows runs through training, where they play"
"""Why some studies speak of no world that cannot be stepped."""
ALL = "all"
"""Named as a game: all games together."""


class Found(NamedTuple):
    """What was found in one game."""

    tables: Sequence[Rows]
    """rows of each table, in the order of the study's schemas"""
    notes: Mapping[str, Any] = {}
    """what decided them and is no setting, such as which backgrounds were drawn"""


@dataclass(frozen=True)
class OnPolicies(Cached):
    """Settings of every command that takes policies."""

    ids: Positional[Annotated[tuple[str, ...], arg(metavar="[POLICY ...]")]] = ()
    """policies: ids such as starpilot/mutual/0, or files; none takes the surveyed ones, which
    python -m checkpoints marks, or all under another --root"""
    policy: UseAppendAction[tuple[str, ...]] = ()
    """a policy of your own, FILE.py:FUNCTION, where the function returns an Adapted module; runs
    the file; can be given again for more"""
    replicates: Annotated[int, whole(20, 10**5)] = 500
    """bootstrap replicates behind each interval"""
    untrained: Annotated[int, whole(0, 100)] = 2
    """untrained policies beside them, for each game"""
    seed: Seed = 0
    """of everything drawn: states, backgrounds, the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    world: str = ""
    """a file of renderings (.npz) in place of Procgen, for policies given by --policy"""


@dataclass(frozen=True)
class Examination(OnPolicies):
    """Settings of every command that shows policies a bank of states."""

    states: Annotated[int, whole(2, 10**5)] = 600
    """states of each game, from levels that no policy was trained on"""


@dataclass(frozen=True)
class OfLayers:
    """The setting of commands that take a policy layer by layer."""

    layers: tuple[str, ...] = ()
    """only these layers, such as conv3 hidden; all if none is given"""


@dataclass(frozen=True)
class OrArrays:
    """The setting of commands that take files of arrays, too."""

    levels: str = ""
    """of arrays: a file of the level of each row, or each: every row stands alone"""


@dataclass(frozen=True)
class SteppedExamination(Examination):
    """Settings of those that can follow a run through its training."""

    steps: Literal["last", "all"] = "last"
    """of a run that is named without a step: its last kept policies, or all of them"""


@dataclass(frozen=True)
class Study:
    """What a command of this kind does."""

    schemas: tuple[Schema, ...]
    measure: Callable[..., Found]
    """from the policies of one game, and the settings that it names, to the rows of each table"""
    show: Callable[[Frames, str], None]
    """prints what the tables say of one game"""
    constants: Callable[[], dict[str, Any]] = dict
    """what decides numbers and is no setting, for the provenance"""
    summaries: tuple[Schema, ...] = ()
    """further tables, which speak of all games together"""
    summarise: Callable[..., Sequence[Rows]] | None = None
    """from the tables, the policies by game, and the settings that it names, to their rows"""
    names: Callable[..., Sequence[str]] | None = None
    """from the settings that it names to the policies meant; those of ``ids`` unless given"""
    check: Callable[..., None] | None = None
    """from all policies, and the settings that it names: refuses, before any work"""
    files: tuple[str, ...] = ()
    """what it writes beside the tables, relative to the output folder"""
    write: Callable[[Path], None] | None = None
    """writes these files below the output folder, when all games are measured"""
    decides: bool = False
    """whether it speaks of decisions, which must be among actions that can be counted"""
    steps: str = ""
    """of a study that needs more than pictures of states: what it would need of a world"""


def asked(settings: Any, function: Callable[..., Any]) -> dict[str, Any]:
    """The settings that a function names among its parameters."""
    names = inspect.signature(function).parameters
    return {name: getattr(settings, name) for name in names if hasattr(settings, name)}


def examine(settings: OnPolicies, study: Study) -> None:
    """Check, load, measure game by game, write the tables, print them, say where they lie.

    Raises:
        UserError: wrong settings, tables that are there, policies or layers that are not.
    """
    check_outputs(settings, study.schemas + study.summaries, study.files)
    world = _open(settings, study)
    say("reading policies")
    games = load(settings, study, world)
    found = (
        (game, study.measure(subjects, **asked(settings, study.measure)))
        for game, subjects in games.items()
    )
    frames, notes = gathered(found, study)
    if study.summarise is not None:
        found_of_all = study.summarise(frames, games, **asked(settings, study.summarise))
        frames += _frames(found_of_all, study.summaries)
    if world is not None:
        notes["world"] = world.noted
    report(settings, study, list(games), frames, policies=policies_of(games), **notes)


def gathered(
    found: Iterable[tuple[str, Found]], study: Study
) -> tuple[list[pd.DataFrame], dict[str, Any]]:
    """The tables of all games, and what decided them, from each game and what was found in it."""
    rows: list[list[Mapping[str, Any]]] = [[] for _ in study.schemas]
    notes: dict[str, Any] = {}
    for game, one in found:
        for table, new in zip(rows, one.tables, strict=True):
            table.extend(new)
        for name, note in one.notes.items():
            notes.setdefault(f"{name}_of", {})[game] = note
    return _frames(rows, study.schemas), notes


def report(
    settings: OnPolicies, study: Study, games: Sequence[str], frames: Frames, /, **provenance: Any
) -> None:
    """Write the tables, print what they say of each game, then say where they lie."""

    def show() -> None:
        together = [ALL] if study.summaries and len(games) > 1 else []
        for game in [*games, *together]:
            study.show(frames, game)

    if study.write is not None:
        study.write(settings.output)
    schemas = study.schemas + study.summaries
    finish(settings, schemas, frames, show, **study.constants(), **provenance)
    for name in study.files:
        print(settings.output / name)


def _open(settings: OnPolicies, study: Study) -> "FileWorld | None":
    """Open the world that is asked for, if any."""
    if not settings.world:
        return None
    if study.steps:
        raise UserError(
            f"vacuous: {study.steps}, and the states of --world {settings.world} are pictures, "
            "which nobody can step; ask this of a game of Procgen"
        )
    if settings.ids or not settings.policy:
        raise UserError(
            f"--world {settings.world}: expected policies of that world, given by --policy "
            "FILE.py:FUNCTION and by nothing else; ids and policy files are Procgen's"
        )
    from analysis.scenes.file_world import open_world

    world = open_world(path_of(settings.world))
    if study.decides and not world.num_actions:
        raise UserError(
            f"vacuous: decisions are compared by how much probability moves between actions, and "
            f"the actions of {world.name} are continuous; ask of its layers: cka, similarity, "
            "invariance, embedding, probes"
        )
    return world


def _frames(rows: Sequence[Rows], schemas: Sequence[Schema]) -> list[pd.DataFrame]:
    return [
        pd.DataFrame(some, columns=list(schema.names))
        for some, schema in zip(rows, schemas, strict=True)
    ]


def load(
    settings: OnPolicies, study: Study, world: "FileWorld | None" = None
) -> "dict[str, list[Subject]]":
    """The policies that the settings name, by game, after every check of what is asked of them."""
    from analysis.policies.layers import check_layers
    from analysis.policies.subjects import every_step, load_subjects

    names = settings.ids
    # Where only policies of the user's own are given, none of the shipped ones is meant.
    if names or not settings.policy:
        if getattr(settings, "steps", "last") == "all":
            names = tuple(every_step(names, settings.root))
        if study.names is not None:
            names = tuple(study.names(**asked(settings, study.names)))
    for made in settings.policy:
        say(f"running {made}")
    games = load_subjects(names, settings.root, controls=settings.untrained, made=settings.policy)
    everyone = [one for group in games.values() for one in group]
    if world is not None:
        _check_world(settings.world, world, everyone)
    check_layers(everyone, getattr(settings, "layers", ()))
    if study.check is not None:
        study.check(everyone, **asked(settings, study.check))
    return games


def _check_world(file: str, world: "FileWorld", subjects: "Sequence[Subject]") -> None:
    """Refuse policies of another world than the one that is open, and variants that it lacks."""
    name, count = world.name, len(world.variants)
    for one in subjects:
        if one.id.game != name:
            raise UserError(
                f"--world {file}: expected policies of {name}, got {one.id}; give "
                f"Adapted(…, id='{name}/method/seed')"
            )
        if not all(0 <= b < count for b in one.trained_backgrounds):
            raise UserError(
                f"{one.id}: expected variants that it was trained on from 0 to {count - 1}, got "
                f"{list(one.trained_backgrounds)}; correct Training(backgrounds=…)"
            )


def policies_of(games: "Mapping[str, Sequence[Subject]]") -> dict[str, str]:
    """Id of each policy examined -> hash of the code that trained it."""
    return {str(one.id): one.code for group in games.values() for one in group}

"""Policies examined game by game: the frame of every command that takes ids of policies.

A study says which tables it writes, how the rows of one game are made, and how they are shown. The
function that makes rows names the settings it needs; the frame passes them by name.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import pandas as pd
from tyro.conf import Positional

from analysis.records.command import Frames, Output, check_outputs, finish
from analysis.records.tables import Schema
from checkpoints.console import say
from checkpoints.policy.store import ZOO

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject

Rows = Iterable[Mapping[str, Any]]


class Found(NamedTuple):
    """What was found in one game."""

    tables: Sequence[Rows]
    """rows of each table, in the order of the study's schemas"""
    notes: Mapping[str, Any] = {}
    """what decided them and is no setting, such as which backgrounds were drawn"""


@dataclass(frozen=True)
class Examination(Output):
    """Settings of every command that examines policies."""

    ids: Positional[tuple[str, ...]] = ()
    """policies: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    states: int = 600
    """states of each game, from levels that no policy was trained on"""
    replicates: int = 500
    """bootstrap replicates behind each interval"""
    untrained: int = 2
    """untrained policies beside them, for each game"""
    seed: int = 0
    """of everything drawn: states, backgrounds, the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""

    least: ClassVar[Mapping[str, int]] = {"states": 2, "replicates": 1, "untrained": 0, "seed": 0}


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


def asked(settings: Any, function: Callable[..., Any]) -> dict[str, Any]:
    """The settings that a function names among its parameters."""
    names = inspect.signature(function).parameters
    return {name: getattr(settings, name) for name in names if hasattr(settings, name)}


def examine(settings: Examination, study: Study) -> None:
    """Check, load, measure game by game, write the tables, print them, say where they lie.

    Raises:
        UserError: wrong settings, tables that are there, policies that are not.
    """
    check_outputs(settings, study.schemas)
    say("reading policies")
    from analysis.policies.subjects import every_step, load_subjects

    names = settings.ids
    if getattr(settings, "steps", "last") == "all":
        names = tuple(every_step(names, settings.root))
    games = load_subjects(names, settings.root, controls=settings.untrained)
    rows: list[list[Mapping[str, Any]]] = [[] for _ in study.schemas]
    notes: dict[str, dict[str, Any]] = {}
    for game, subjects in games.items():
        found = study.measure(subjects, **asked(settings, study.measure))
        for table, new in zip(rows, found.tables, strict=True):
            table.extend(new)
        for name, note in found.notes.items():
            notes.setdefault(name, {})[game] = note
    frames = [
        pd.DataFrame(some, columns=list(schema.names))
        for some, schema in zip(rows, study.schemas, strict=True)
    ]

    def show() -> None:
        for game in games:
            study.show(frames, game)

    more = {"policies": policies_of(games), **study.constants()}
    more |= {f"{name}_of": by_game for name, by_game in notes.items()}
    finish(settings, study.schemas, frames, show, **more)


def policies_of(games: "Mapping[str, Sequence[Subject]]") -> dict[str, str]:
    """Id of each policy examined -> hash of the code that trained it."""
    return {str(one.id): one.code for group in games.values() for one in group}

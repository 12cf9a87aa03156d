"""Who a study measures, known from its file alone: a part is measured without others' weights.

What the runs of one game need of each other is which backgrounds any of them was trained on, and
which untrained networks stand beside each encoder.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkpoints.console import UserError
from checkpoints.policy.ids import UNTRAINED
from checkpoints.runs.study import Planned, read_study
from checkpoints.world.games import Mode, get_game

if TYPE_CHECKING:  # a graph of work reads this many times, and pandas takes a second
    from analysis.records.parts import NetworkKind


@dataclass(frozen=True)
class Control:
    """Untrained networks of one encoder of a game."""

    like: Planned
    """the first run with that encoder: the networks are made as its recipe says"""
    place: int
    """of its encoder among those of the game"""

    @property
    def kind(self) -> "NetworkKind":
        """Encoder and width."""
        return kind_of(self.like)

    @property
    def name(self) -> str:
        """As a part is named."""
        return f"{self.like.id.game}/{UNTRAINED}/{self.kind[0]}-{self.kind[1]}"

    def seeds(self, count: int) -> list[int]:
        """Seeds of ``count`` networks: as ``load_subjects`` numbers them."""
        return list(range(self.place * count, (self.place + 1) * count))


@dataclass(frozen=True)
class Plan:
    """The runs of one game, in order of their ids."""

    game: str
    runs: tuple[Planned, ...]

    @property
    def mode(self) -> Mode:
        """Procgen's difficulty, the same for all."""
        return self.runs[0].recipe.mode

    @cached_property
    def controls(self) -> tuple[Control, ...]:
        """Untrained networks, by the first run of each encoder."""
        first: dict[NetworkKind, Planned] = {}
        for run in self.runs:
            first.setdefault(kind_of(run), run)
        return tuple(Control(like, place) for place, like in enumerate(first.values()))

    @cached_property
    def parts(self) -> dict[str, Control | Planned]:
        """Part -> what it is of, untrained networks first."""
        return {one.name: one for one in self.controls} | {str(run.id): run for run in self.runs}

    @cached_property
    def shown(self) -> list[tuple[int, ...]]:
        """Sets of backgrounds that runs were trained on, each once."""
        return sorted({shown_to(run) for run in self.runs})

    def beside(self, run: Planned) -> Control:
        """The untrained networks of a run's encoder."""
        return next(one for one in self.controls if one.kind == kind_of(run))

    def told(self, name: str, untrained: int) -> dict[str, Any]:
        """What a part must know of the rest: all of the study that decides its numbers.

        Args:
            name: of the part.
            untrained: networks of each encoder.
        """
        one = self.parts[name]
        control = one if isinstance(one, Control) else self.beside(one)
        return {
            "mode": self.mode,
            "backgrounds of training": [list(some) for some in self.shown],
            "encoder": list(control.kind),
            "seeds of untrained networks": control.seeds(untrained),
            "backgrounds of untrained networks": list(shown_to(control.like)),
        }


def kind_of(run: Planned) -> "NetworkKind":
    """Encoder and width, as ``Subject.kind``."""
    return run.recipe.encoder, run.recipe.features * run.recipe.width


def shown_to(run: Planned) -> tuple[int, ...]:
    """Backgrounds that a run's training can show, as ``Subject.trained_backgrounds``."""
    own = get_game(run.id.game).trained_backgrounds(run.recipe.mode)
    return tuple(run.recipe.backgrounds or own)


def read_plans(study: Path) -> dict[str, Plan]:
    """Game -> its runs, of a study's file.

    Raises:
        UserError: no such study, or runs of one game in different modes.
    """

    def game_of(run: Planned) -> str:
        return run.id.game

    found = {}
    for game, runs in groupby(sorted(read_study(study), key=lambda run: run.id), key=game_of):
        plan = Plan(game, tuple(runs))
        modes = sorted({run.recipe.mode for run in plan.runs})
        if len(modes) > 1:
            raise UserError(
                f"{study}, {game}: expected runs of one mode, got {' and '.join(modes)}; measure "
                "them as two studies"
            )
        found[game] = plan
    return found


def part_path(parts: Path, table: str, name: str) -> Path:
    """Where a part lies.

    Args:
        parts: folder of parts of all commands.
        table: first table that the command writes, such as ``emergence``.
        name: of the part.
    """
    return parts / table / f"{name.replace('/', '+')}.npz"

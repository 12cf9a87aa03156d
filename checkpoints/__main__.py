"""What policies there are, and how each was made: ``python -m checkpoints``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from checkpoints.console import run_command
from checkpoints.policy.listing import policies_of, show
from checkpoints.policy.store import ZOO


@dataclass(frozen=True)
class Settings:
    """List kept policies with steps, recipe, returns and a check of each file.

    Surveyed ones are those that commands take where none is named.
    """

    ids: Positional[Annotated[tuple[str, ...], arg(metavar="[POLICY ...]")]] = ()
    """runs or policies to list; all if none is given"""
    root: Path = ZOO
    """folder to look in: the zoo, or a folder of runs"""


def main(settings: Settings) -> None:
    """Print one row a policy, and how many there are."""
    known = policies_of(settings.ids, settings.root)
    show(known, settings.root)
    print(f"{len(known)} policies under {settings.root}; returns are means of 64 to 100 episodes")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m checkpoints")

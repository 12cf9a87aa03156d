"""What policies there are, and how each was made: ``python -m checkpoints``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from checkpoints.console import UserError, run_command, show_tables
from checkpoints.policy.ids import parse_id
from checkpoints.policy.shipped import usual_policies
from checkpoints.policy.store import ZOO, find_policies, list_policies, policy_path, read_provenance


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
    """Print one row a policy; damaged files raise ``UserError``."""
    from rich.table import Table

    known, surveyed = list_policies(settings.root), set(usual_policies(settings.root))
    if not known:
        raise UserError(
            f"expected a folder of kept policies, found none under {settings.root}; train one with "
            "python -m checkpoints.train, or give another --root"
        )
    if settings.ids:
        wanted = [parse_id(text) for text in settings.ids]
        for one in wanted:
            find_policies(one, settings.root)
        known = [kept for kept in known if any(one.covers(kept) for one in wanted)]
    heads = "policy", "surveyed", "encoder", "mode", "levels", "steps", "train", "unseen", "code"
    table = Table(*heads)
    for kept in known:
        made = read_provenance(policy_path(settings.root, kept))
        recipe, returns = made.settings(), made.returns
        table.add_row(
            str(kept),
            "yes" if kept in surveyed else "",
            recipe.encoder,
            recipe.mode,
            str(recipe.levels),
            f"{made.steps:,}",
            *(f"{returns.get(split, float('nan')):.2f}" for split in ("train", "unseen")),
            made.code,
        )
    show_tables(table)
    print(f"{len(known)} policies under {settings.root}; returns are means of 64 to 100 episodes")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m checkpoints")

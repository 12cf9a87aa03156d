"""The list of kept policies: a line each, with how it was made."""

from collections.abc import Sequence
from pathlib import Path

from checkpoints.console import UserError, show_tables
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.shipped import usual_policies
from checkpoints.policy.store import find_policies, list_policies, policy_path, read_provenance


def policies_of(ids: Sequence[str], root: Path) -> list[PolicyId]:
    """The policies under ``root`` that any of ``ids`` names; all if none is given.

    Raises:
        UserError: nothing is kept there, or nothing by one of the ids.
    """
    known = list_policies(root)
    if not known:
        raise UserError(
            f"expected a folder of kept policies, found none under {root}; train one with "
            "python -m checkpoints.train, or give another --root"
        )
    wanted = [parse_id(text) for text in ids]
    for one in wanted:
        find_policies(one, root)
    return [kept for kept in known if not wanted or any(one.covers(kept) for one in wanted)]


def show(known: Sequence[PolicyId], root: Path) -> None:
    """Print a line a policy; ``UserError`` at a damaged file."""
    from rich.table import Table

    surveyed = set(usual_policies(root))
    heads = "policy", "surveyed", "encoder", "mode", "levels", "steps", "train", "unseen", "code"
    table = Table(*heads)
    for kept in known:
        made = read_provenance(policy_path(root, kept))
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

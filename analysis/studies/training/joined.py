"""The parts of one game, joined: rows of both tables."""

from collections.abc import Sequence

from analysis.records.parts import Part
from analysis.records.values import RETURN, Cells, Starts, value_row
from analysis.studies.examination import Found
from analysis.studies.training.history import FAILED, lineage, make_histories
from analysis.studies.training.onsets import onset_rows
from checkpoints.policy.ids import PolicyId, parse_id

NOTHING = "nothing kept"
"""Verdict of a run that no fault ended, and that has no step to measure."""


def join(parts: Sequence[Part], until: int, *, returned: bool) -> Found:
    """Values at every step, and onsets, of the policies of one game.

    Args:
        parts: of its runs and of its untrained networks, in any order.
        until: step up to which runs were to be trained; 0: as far as the longest log of a method.
        returned: whether the return stands in the tables, or is only what others are held against.
    """
    blank = {part.kind: part for part in parts if part.untrained}
    runs = {parse_id(part.name): part for part in parts if not part.untrained}
    found: dict[PolicyId, Cells] = {}
    starts: dict[PolicyId, Starts] = {}
    for part in runs.values():
        like = blank[part.kind].starts if part.kind in blank else {}
        found |= part.found
        starts |= {lineage(one): like | part.begun.get(lineage(one), {}) for one in part.found}
    failed = [run for run, part in runs.items() if part.ended and part.found]
    everything = make_histories(found, starts, reach(runs, until), failed)
    histories = [one for one in everything if returned or one.measure != RETURN]
    rows = [
        value_row(one, *key, cell)
        for part in blank.values()
        for one, cells in part.found.items()
        for key, cell in cells.items()
        if returned or key[0] != RETURN
    ]
    rows += [row for history in histories for row in history.rows()]
    returns = [one for one in everything if one.measure == RETURN]
    ended = {str(run): runs[run].ended for run in sorted(runs) if runs[run].ended}
    lost = {run: _verdict(runs[run]) for run in sorted(runs) if not runs[run].found}
    notes = next((dict(part.notes) for part in parts if part.notes), {})
    notes |= {"ended": ended} if ended else {}
    return Found([rows, list(onset_rows(histories, returns, lost))], notes)


def _verdict(part: Part) -> str:
    return FAILED if part.ended.startswith(FAILED) else NOTHING


def reach(runs: dict[PolicyId, Part], until: int) -> dict[str, int]:
    """Method -> how far its longest log goes, but not beyond ``until`` if that is not 0."""
    found: dict[str, int] = {}
    for run, part in runs.items():
        last = min(part.logged, until) if until else part.logged
        found[run.method] = max(found.get(run.method, 0), last)
    return found

"""Saliency maps of the policies of one game: measured, and printed.

The mask is exact (``analysis.scenes.masks``), so the share of a map on the background has a chance
level, the mask's area; twins say how much decisions really depend on the background
(``analysis.studies.saliency.maps``), so a map can fail to be faithful. To be read with care:

- A method has tastes of its own: from a black baseline a dark background can get nothing, whoever
  looks. Only the difference to the untrained policy in the same column speaks of training.
- Where the mask is nearly the whole frame (starpilot, bigfish), mass / area cannot exceed 1 / area;
  ``sprites``, the same for the rest of the frame, is then the number to read.
- A map from the twin is 0 outside the mask by construction: only its amount is a finding.

Captum and torch are imported when there is something to explain.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.scenes.backgrounds import pick_backgrounds
from analysis.studies.examination import Found, Study
from analysis.studies.saliency.rows import SCHEMA, SHEET_SCHEMA
from analysis.studies.saliency.sheet import FILES, Shown, TileSheet, shown_policies
from checkpoints.console import say, show_tables, watch
from checkpoints.policy.ids import UNTRAINED, PolicyId

if TYPE_CHECKING:
    from analysis.studies.saliency.maps import PolicyMaps

NOT_RUN = {"sanity": "not run", "sanity_layer": "none", "logit_likeness": np.nan}


def saliency() -> Study:
    """The study, with an empty sheet to gather tiles on."""
    sheet = TileSheet()
    measure = partial(measure_game, sheet)
    schemas = SCHEMA, SHEET_SCHEMA
    parts = schemas, measure, show, constants
    return Study(*parts, check=check, files=FILES, write=sheet.write, decides=True)


def constants() -> dict[str, Any]:
    """What decides the numbers and is no setting."""
    from importlib.metadata import version

    from analysis.policies import attributions as how
    from analysis.studies.saliency.maps import UNLIKE

    names = ("STEPS", "BLUR", "NOISE", "SAMPLES", "WINDOW", "MAX_ERROR")
    return {
        "captum": version("captum"),
        "unlike_below": UNLIKE,
        **{name.lower(): getattr(how, name) for name in names},
    }


def check(subjects: Sequence[Subject], *, attributions: Sequence[str]) -> None:
    """Refuse, before any work, a game without twins and a method that applies to no policy."""
    from analysis.policies.attributions import check_method, methods_of

    for game, mode in dict.fromkeys((one.id.game, one.mode) for one in subjects):
        pick_backgrounds(game, 2, mode=mode)
    known = {method for one in subjects for method in methods_of(one.policy)}
    for method in attributions:
        if method not in known:
            check_method(subjects[0].policy, method)


def asked_methods(
    subjects: Sequence[Subject], attributions: Sequence[str]
) -> dict[PolicyId, tuple[str, ...]]:
    """The methods to explain each policy by; one to which none of those asked for applies is out.

    Args:
        subjects: policies of one game, of any encoders.
        attributions: names asked for; none asks for all that apply.

    Returns:
        Policy -> those that apply to it, in the order asked for.
    """
    from analysis.policies.attributions import methods_of

    found = {}
    for one in subjects:
        known = methods_of(one.policy)
        if here := tuple(name for name in attributions or known if name in known):
            found[one.id] = here
        else:
            say(f"{one.id}: {' and '.join(attributions)} do not apply, left out")
    return found


def explain(
    one: "PolicyMaps", methods: Iterable[str], sanity: Iterator[dict[str, Any]]
) -> tuple[list[dict[str, Any]], Shown]:
    """Rows of one policy, and what a sheet can show of it.

    Args:
        one: the policy on its states.
        methods: in the order of ``sanity``.
        sanity: the cells of each method, from :meth:`PolicyMaps.sanity`; empty where it is not run.
    """
    from analysis.studies.saliency.maps import score

    rows, shown = [], Shown(one, {}, {})
    for method in methods:
        sane = next(sanity, NOT_RUN)
        for target, found in one.maps(method).items():
            cells, ratio = score(found, one.effects[target], one.masked)
            if method == "ig-twin" and cells["verdict"] == "scored":
                cells["verdict"] = "by construction"
            label = {**one.subject.columns, "target": target, "attribution": method}
            rows.append(label | cells | (sane if target == "button" else NOT_RUN))
            if target == "button":
                shown.maps[method], shown.ratios[method] = found.maps, ratio
    return rows, shown


def measure_game(
    sheet: TileSheet,
    subjects: Sequence[Subject],
    *,
    attributions: Sequence[str],
    states: int,
    backgrounds: int,
    sanity_states: int,
    replicates: int,
    seed: int,
) -> Found:
    """Rows of both tables for one game; its tiles are added to the sheet."""
    chosen = asked_methods(subjects, attributions)
    subjects = [one for one in subjects if one.id in chosen]
    if not subjects:
        return Found([[], []])
    from analysis.studies.saliency.maps import PolicyMaps, masked_twins

    game, mode = subjects[0].id.game, subjects[0].mode
    masked = masked_twins(
        game, mode, states=states, backgrounds=backgrounds, replicates=replicates, seed=seed
    )
    on_sheet = {one.id for one in shown_policies(subjects)}
    work = [(one, method) for one in subjects for method in chosen[one.id]]
    rows, tiles = [], []
    for subject, part in groupby(watch(work, f"{game}: explaining"), key=itemgetter(0)):
        one = PolicyMaps(subject, masked)
        sanity: Iterator[dict[str, Any]] = iter(())
        if sanity_states and subject.id.method != UNTRAINED:
            sanity = one.sanity(chosen[subject.id], sanity_states)
        found, shown = explain(one, (method for _, method in part), sanity)
        rows += found
        if subject.id in on_sheet:
            tiles.append(shown)
    notes = {"backgrounds": list(masked.twins.backgrounds)}
    return Found([rows, list(sheet.add(tiles))], notes)


_HEADS = (
    *("policy", "map", "mass / area", "sprites", "rank", "pointing", "states"),
    *("faithful: mass", "amount", "area (control)", "sanity", "other button"),
)


def show(frames: Frames, game: str) -> None:
    """Print a line for each policy and method: its maps of the likeliest button."""
    from rich.table import Table

    rows, _ = frames
    here = rows[(rows["game"] == game) & (rows["target"] == "button")]
    if here.empty:
        return
    table = Table(
        title=f"{game}: maps of the likeliest button on the background, "
        f"{here['area'].mean():.3f} of the frame"
    )
    for head in _HEADS:
        table.add_column(head, no_wrap=True)
    for one in here.itertuples():
        where = [_number(one.mass_over_area, one.mass_over_area_low, one.mass_over_area_high)]
        where += [_number(value) for value in (one.sprites, one.rank, one.pointing)]
        left = one.no_mask + one.blank + one.rejected
        table.add_row(
            one.id.removeprefix(f"{game}/").rpartition("/")[0],
            one.attribution,
            *(["by construction", "–", "–", "–"] if one.verdict == "by construction" else where),
            f"{one.states}" + (f" (−{left})" if left else ""),
            _number(one.faithful),
            _number(one.faithful_amount, one.faithful_amount_low, one.faithful_amount_high),
            _number(one.faithful_area),
            one.sanity,
            _number(one.logit_likeness),
        )
    show_tables(table, keys=2)


def _number(value: float, *ends: float) -> str:
    shown = f"{value:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")
    return shown if value == value else "–"

"""Where a policy looks, by Captum's methods, with a number that could have proved the map wrong.

``python -m analysis.saliency`` explains the likeliest action and the value of the shipped policies
and of an untrained one. The mask is exact (``analysis.scenes.masks``), so the share of a map on the
background has a chance level, the mask's area; twins say how much decisions really depend on the
background (``analysis.studies.saliency.maps``), so a map can fail to be faithful.

To be read with care:

- A method has tastes of its own: from a black baseline a dark background can get nothing, whoever
  looks. Only the difference to the untrained policy in the same column speaks of training.
- Where the mask is nearly the whole frame (starpilot, bigfish), mass / area cannot exceed 1 / area;
  ``sprites``, the same for the rest of the frame, is then the number to read.
- A map from the twin is 0 outside the mask by construction: only its amount is a finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.records.tables import Column, Schema, check_output, write_table
from checkpoints.console import UserError, run_command
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.store import ZOO

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.studies.saliency.maps import Explained, Study
    from analysis.studies.saliency.sheet import Sheet


def _with_ends(
    name: str, meaning: str, low: int | None = 0, high: int | None = 1
) -> tuple[Column, ...]:
    first = Column(name, "float", meaning, "", low, high)
    ends = (("low", "2.5 % point over levels"), ("high", "97.5 % point over levels"))
    return first, *(Column(f"{name}_{end}", "float", text) for end, text in ends)


SCHEMA = Schema(
    "saliency",
    (
        Column("game", "text", "one of the 16"),
        Column("id", "text", "the policy"),
        Column("method", "text", "its training recipe"),
        Column("seed", "int", "of its training", low=0),
        Column("peer", "int", "which of its group", low=0),
        Column("step", "int", "environment steps of this peer", low=0),
        Column("target", "text", "action: log-probability of the likeliest one; value"),
        Column("attribution", "text", "how maps were made, see analysis.policies.attributions"),
        Column("verdict", "text", "scored; too few states; by construction: a map from the twin"),
        Column("states", "int", "states scored", low=0),
        Column("levels", "int", "levels they come from", low=0),
        Column("no_mask", "int", "states left out: mask empty or full", low=0),
        Column("blank", "int", "maps left out: 0 everywhere", low=0),
        Column("rejected", "int", "maps left out: too much unexplained", low=0),
        Column("error", "float", "median share of a map that is unexplained", low=0),
        Column("area", "float", "share of the frame under the mask: chance", low=0, high=1),
        *_with_ends("mass", "share of the map on the background"),
        *_with_ends("ratio", "mass / area, state by state", 0, None),
        *_with_ends("sprites", "mean of 1 - mass / mean of 1 - area", 0, None),
        *_with_ends("rank", "share of the largest pixels, as many as the mask has, on it"),
        *_with_ends("pointing", "states whose largest pixel is on the background"),
        Column("amount", "float", "attribution on the background, nats or scaled reward", low=0),
        Column("effect", "float", "TV, or |ΔV|, between a picture and its twins", low=0),
        *_with_ends("faithful", "Spearman over states, mass and effect", -1),
        *_with_ends("faithful_amount", "Spearman over states, amount and effect", -1),
        *_with_ends("faithful_area", "Spearman over states, area and effect: the control", -1),
        Column("sanity", "text", "parameters randomised from the top: pass, fail, not run"),
        Column("sanity_layer", "text", "from which on maps stay unlike the policy's; none"),
        Column("logit_likeness", "float", "Spearman with another action's map", low=-1, high=1),
    ),
    key=("game", "id", "target", "attribution"),
)
SHEET_SCHEMA = Schema(
    "saliency_sheet",
    (
        Column("game", "text", "one of the 16"),
        Column("id", "text", "the policy"),
        Column("method", "text", "its training recipe"),
        Column("attribution", "text", "how the map was made; of the likeliest action"),
        Column("state", "int", "which of the states measured", low=0),
        Column("level", "int", "level seed", low=0),
        Column("action", "int", "the action explained", low=0, high=14),
        Column("effect", "float", "TV between the picture and its twins", low=0, high=1),
        Column("mask_area", "float", "share of the frame under the mask", low=0, high=1),
        Column("ratio", "float", "share of the map on the mask / area; empty: left out", low=0),
        Column("picture_line", "int", "line of its tiles in pictures.png", low=0),
        Column("map_line", "int", "line of its tile in maps.png", low=0),
        Column("map_column", "int", "column of its tile in maps.png", low=0),
    ),
    key=("game", "id", "attribution", "state"),
)
NOT_RUN = {"sanity": "not run", "sanity_layer": "none", "logit_likeness": np.nan}


@dataclass(frozen=True)
class Settings:
    """Score saliency maps on exact masks of the background, and against twins.

    A ratio of 1 says that a map knows nothing of the mask, 0 that it lies on sprites only.
    Intervals are 95 % bootstraps over levels; they do not speak of other training seeds.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    attributions: tuple[str, ...] = ()
    """only these, such as gradient ig-twin gradcam-conv3; all that apply if none is given"""
    states: int = 48
    """states of each game, one a level, from levels that no policy was trained on"""
    backgrounds: int = 6
    """backgrounds that each state is drawn on, at least 4"""
    sanity_states: int = 6
    """states on which trained policies are made random, layer by layer; 0 leaves that out"""
    replicates: int = 500
    """bootstrap replicates behind each interval"""
    untrained: int = 1
    """untrained policies to compare with, for each game"""
    seed: int = 0
    """of states, noise, random weights and the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives saliency.csv, saliency_sheet.csv and saliency/*.png"""
    overwrite: bool = False
    """replace tables and pictures that exist"""

    def check(self) -> None:
        """Raise ``UserError`` on a number that cannot be measured with."""
        least = {"states": 2, "backgrounds": 4, "sanity_states": 0, "replicates": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise UserError(f"--{name}: expected at least {bound}, got {getattr(self, name)}")


def explain_policy(
    one: "Explained", methods: Sequence[str], settings: Settings, advance: Any
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Rows of one policy; the maps of its actions, and the ratio of each state, by method."""
    from analysis.studies.saliency.maps import TARGETS, score

    rows, maps, ratios = [], {}, {}
    sane = settings.sanity_states and one.subject.id.method != UNTRAINED
    found_sane = one.sanity(tuple(methods), settings.sanity_states) if sane else iter(())
    sanity = {method: next(found_sane, NOT_RUN) for method in methods}
    for target in TARGETS:
        for method in methods:
            found = one.maps(target, method)
            cells, ratio = score(found, one.effects[target], one.study)
            if method == "ig-twin" and cells["verdict"] == "scored":
                cells["verdict"] = "by construction"
            label = {**one.subject.columns, "target": target, "attribution": method}
            rows.append(label | cells | (sanity[method] if target == "action" else NOT_RUN))
            if target == "action":
                maps[method], ratios[method] = found.maps, ratio
            advance()
    return rows, maps, ratios


def measure_game(
    subjects: "Sequence[Subject]", settings: Settings, sheet: "Sheet"
) -> list[dict[str, Any]]:
    """All rows of one game; its tiles are added to the sheet."""
    from rich.console import Console
    from rich.progress import Progress

    from analysis.policies.attributions import methods_of
    from analysis.studies.saliency.maps import TARGETS, Explained, gather
    from analysis.studies.saliency.sheet import shown_policies

    game, mode = subjects[0].id.game, subjects[0].mode
    counts = settings.states, settings.backgrounds, settings.replicates
    study: Study = gather(game, mode, *counts, seed=settings.seed)
    shown = shown_policies(subjects)
    rows, seen, maps, ratios = [], [], {}, {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        chosen = {one.id: settings.attributions or methods_of(one.policy) for one in subjects}
        total = len(TARGETS) * sum(map(len, chosen.values()))
        task = progress.add_task(f"explaining {game}", total=total)
        for subject in subjects:
            one, name = Explained(subject, study), str(subject.id)
            found, maps[name], ratios[name] = explain_policy(
                one, chosen[subject.id], settings, lambda: progress.advance(task)
            )
            rows += found
            if any(subject is other for other in shown):
                seen.append(one)
            else:
                del maps[name]
    sheet.add(seen, maps, ratios)
    return rows


_HEADS = (
    *("policy", "map", "mass / area", "sprites", "rank", "pointing", "states"),
    *("faithful: mass", "amount", "area (control)", "sanity", "other action"),
)


def show(rows: pd.DataFrame, game: str) -> None:
    """Print a line for each policy and method: its maps of the likeliest action."""
    from rich.console import Console
    from rich.table import Table

    here = rows[(rows["game"] == game) & (rows["target"] == "action")]
    table = Table(
        title=f"{game}: maps of the likeliest action on the background, "
        f"{here['area'].mean():.3f} of the frame"
    )
    for head in _HEADS:
        table.add_column(head, no_wrap=True)
    for one in here.itertuples():
        where = [_number(one.ratio, one.ratio_low, one.ratio_high)]
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
    console = Console()
    console.width = max(console.width, 185)
    console.print(table)


def _number(value: float, *ends: float) -> str:
    shown = f"{value:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")
    return shown if value == value else "–"


def main(settings: Settings) -> None:
    """Explain, score, print a table and write two, with the tiles of a sheet."""
    settings.check()
    paths = [settings.output / name for name in ("saliency.csv", "saliency_sheet.csv")]
    for path in paths:
        check_output(path, overwrite=settings.overwrite)
    from analysis.policies.attributions import check_method
    from analysis.policies.subjects import load_subjects
    from analysis.studies.saliency import sheet as saliency_sheet

    for name in saliency_sheet.FILES:
        check_output(settings.output / saliency_sheet.FOLDER / name, overwrite=settings.overwrite)
    games = load_subjects(settings.ids, settings.root, controls=settings.untrained)
    for subject in (subject for group in games.values() for subject in group):
        for method in settings.attributions:
            check_method(subject.policy, method)
    rows: list[dict[str, Any]] = []
    sheet = saliency_sheet.Sheet()
    for game, subjects in games.items():
        rows += measure_game(subjects, settings, sheet)
        show(pd.DataFrame(rows), game)
    provenance = {
        "policies": {str(s.id): s.code for group in games.values() for s in group},
        **{name: getattr(settings, name) for name in ("states", "backgrounds", "sanity_states")},
        **{name: getattr(settings, name) for name in ("replicates", "seed")},
        **_constants(),
    }
    sheet.write(settings.output)
    tables = (pd.DataFrame(rows), SCHEMA), (pd.DataFrame(sheet.rows), SHEET_SCHEMA)
    for path, (frame, schema) in zip(paths, tables, strict=True):
        print(write_table(frame, schema, path, provenance=provenance, overwrite=settings.overwrite))


def _constants() -> dict[str, Any]:
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


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.saliency")

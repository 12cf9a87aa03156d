"""What moves when during training: measures at every kept step, onsets, and lags to the return.

``python -m analysis.emergence`` measures every shipped policy, or with ``--root runs`` all kept
steps of the runs trained here. Probes do the same in ``python -m probes.steps``: what is true of
a state is known there only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.records.tables import check_output, write_table
from analysis.studies.training.gap import SCHEMA as GAP_SCHEMA
from analysis.studies.training.gap import gap_rows
from analysis.studies.training.history import OK, RETURN, Cell, Track, value_row, values_schema
from analysis.studies.training.onsets import onset_rows, onsets_schema
from checkpoints.console import UserError, run_command
from checkpoints.policy.ids import UNTRAINED, PolicyId, parse_id
from checkpoints.policy.store import ZOO

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.studies.training.snapshot import Cells, Snapshot

SCHEMA, ONSETS_SCHEMA = values_schema("emergence"), onsets_schema("emergence_onsets")


@dataclass(frozen=True)
class Settings:
    """Measure policies at every kept step, and say when each measure moved.

    Measures: icc, of the last two layers; tv, total variation of decisions between twins,
    tv_between, the one between states, and ratio, the first over the second; tv_unseen and
    ratio_unseen, on backgrounds never shown in training; entropy of decisions, in nats; horizon,
    1 / tv, the steps of an episode of which a bound by tv says anything; cka_peer and cka_final,
    with its peer at the same step and with its own last step; saliency, share of the gradient on
    the background over the background's share; return on unseen levels, and gap, return on
    training levels minus that, mean over the evaluations of the last half octave.
    Intervals are 95 % bootstraps over levels.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to measure: ids such as starpilot/mutual/0; none takes all there are"""
    until: int = 0
    """leave out later steps, so that runs of unequal length can be compared; 0 takes all"""
    states: int = 600
    """states of each game, from levels that no policy was trained on"""
    backgrounds: int = 8
    """backgrounds each is drawn on; more where seen or unseen ones would be missing"""
    saliency_states: int = 32
    """states whose gradients are taken, one a level"""
    replicates: int = 300
    """bootstrap replicates behind each interval"""
    untrained: int = 2
    """untrained policies, built like the game's first policy: where a measure starts from"""
    seed: int = 0
    """of the states and the bootstrap"""
    root: Path = ZOO
    """where ids and logs are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives emergence.csv, emergence_onsets.csv and emergence_gap.csv"""
    overwrite: bool = False
    """replace tables that exist"""

    def check(self) -> None:
        """Raise ``UserError`` on a number that cannot be measured with."""
        least = {"until": 0, "states": 2, "backgrounds": 4, "saliency_states": 2}
        least |= {"replicates": 1, "untrained": 2}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise UserError(f"--{name}: expected at least {bound}, got {getattr(self, name)}")


def kept_names(ids: Sequence[str], root: Path, until: int) -> list[str]:
    """Every kept step that ``ids`` cover, no later than ``until`` if that is not 0.

    Raises:
        UserError: none is left.
    """
    from analysis.policies.subjects import every_step

    names = every_step(ids, root)
    if until:
        files = [name for name in names if name.endswith(".safetensors")]
        steps = {name: parse_id(name).step or 0 for name in names if name not in files}
        names = [name for name in names if name in files or steps[name] <= until]
    if not names:
        raise UserError(
            f"expected kept steps up to {until:,} under {root}, found none; ask for more"
        )
    return names


def lineage(policy: PolicyId) -> PolicyId:
    """The policy without its step."""
    return PolicyId(policy.game, policy.method, policy.seed, policy.peer or 0)


def make_tracks(
    found: "dict[PolicyId, Cells]",
    starts: "dict[PolicyId, dict[tuple[str, str], Any]]",
    reach: dict[str, int],
) -> list[Track]:
    """Tracks of one game from what was found at each step.

    Args:
        found: policy -> measures; a measure must stand at each step of a policy.
        starts: policy without step -> measure -> (network, r); a measure may be missing.
        reach: method -> step up to which its runs were to be trained.
    """
    tracks = []
    for policy in sorted({lineage(one) for one in found}):
        own = sorted((one for one in found if lineage(one) == policy), key=lambda p: p.step or 0)
        steps = np.array([one.step or 0 for one in own])
        for key in found[own[0]]:
            cells = tuple(found[one][key] for one in own)
            nothing = np.full((1, len(cells[0].draws)), np.nan)
            start = starts[policy].get(key, nothing)
            cut = bool(steps[-1] < reach.get(policy.method, 0))
            tracks.append(Track(policy, *key, steps, cells, start, cut))
    return tracks


def resemblance(
    group: "dict[PolicyId, Snapshot]", untrained: "Sequence[Snapshot]"
) -> "Iterator[tuple[PolicyId, Cells, dict[tuple[str, str], Any]]]":
    """CKA of each policy of one run to its peers and to its last step; and untrained ones' to it.

    Yields:
        policy, its cells, and (network, r) of untrained networks, alike for all of its steps.
    """
    from analysis.studies.training.snapshot import same_layers

    views = {one: snap.view for one, snap in group.items()}
    last = {lineage(one): one for one in sorted(group, key=lambda p: p.step or 0)}
    pairs = [same_layers(a.view, b.view) for a, b in combinations(untrained, 2)]
    for one, view in views.items():
        end = views[last[lineage(one)]]
        from_untrained = [same_layers(snap.view, end) for snap in untrained]
        alike = {"final": [same_layers(view, end)]}
        starts = {"final": from_untrained}
        peers = [views[p] for p in views if p.step == one.step and p.peer != one.peer]
        if len({p.peer for p in views}) > 1:
            alike["peer"], starts["peer"] = [same_layers(view, peer) for peer in peers], pairs
        cells, begun = {}, {}
        for kind, some in alike.items():
            for layer in view.layers:
                draws = [found[layer] for found in some if layer in found]
                nothing = np.full(len(view.own), np.nan)
                mean = np.mean(draws, axis=0) if draws else nothing
                verdict = "undefined" if np.isnan(mean[0]) else OK
                cells[f"cka_{kind}", layer] = Cell(mean, verdict if some else "no peer kept")
                begun[f"cka_{kind}", layer] = np.stack(
                    [found.get(layer, nothing) for found in starts[kind]] or [nothing]
                )
        yield one, cells, begun


def measure_game(
    subjects: "Sequence[Subject]", settings: Settings
) -> tuple[list[Track], list[dict[str, Any]]]:
    """The tracks of one game's policies, and rows of its untrained ones."""
    from rich.console import Console
    from rich.progress import track

    from analysis.studies.training import logged_returns as learning
    from analysis.studies.training.snapshot import set_scene, snapshot

    counts = settings.states, settings.backgrounds, settings.saliency_states, settings.replicates
    scene = set_scene(subjects, *counts, settings.seed)
    control = [one for one in subjects if one.id.method == UNTRAINED]
    trained = [one for one in subjects if one.id.method != UNTRAINED]
    blank = [snapshot(one, scene) for one in control]
    plain = {key: np.stack([one.cells[key].draws for one in blank]) for key in blank[0].cells}
    first = learning.untrained_return(control[0], settings.replicates, settings.seed)
    plain[RETURN, learning.LAYER] = first.draws[None]
    logs = learning.logged(
        settings.root, [one.id for one in trained], settings.replicates, settings.seed
    )
    found, starts = {}, {}
    bar = track(trained, subjects[0].id.game, console=Console(stderr=True), transient=True)
    waiting = {}
    runs = [one.id.run for one in trained]
    for place, one in enumerate(bar):
        waiting[one.id] = snapshot(one, scene)
        if runs[place] in runs[place + 1 :]:
            continue
        # All of a run is there: compare, and forget its layers.
        group = {policy: snap for policy, snap in waiting.items() if policy.run == one.id.run}
        for policy, alike, begun in resemblance(group, blank):
            found[policy] = waiting.pop(policy).cells | alike | logs[policy]
            starts[lineage(policy)] = plain | begun
    rows = [
        value_row(one.id, *key, cell)
        for one, snap in zip(control, blank, strict=True)
        for key, cell in snap.cells.items()
    ]
    rows.append(value_row(control[0].id, RETURN, learning.LAYER, first))
    return make_tracks(found, starts, reach(found, settings)), rows


def reach(policies: "Sequence[PolicyId] | dict[PolicyId, Any]", settings: Any) -> dict[str, int]:
    """Method -> how far its longest log goes, but not beyond ``settings.until``."""
    from analysis.studies.training.logged_returns import logged_until

    found: dict[str, int] = {}
    for run in {one.run for one in policies}:
        last = logged_until(settings.root, run)
        last = min(last, settings.until) if settings.until else last
        found[run.method] = max(found.get(run.method, 0), last)
    return found


def show(onsets: pd.DataFrame, game: str) -> None:
    """Print each measure's onset and its lag to the return, a column for each method."""
    from rich.console import Console
    from rich.table import Table

    here = onsets[onsets["game"] == game]
    methods = list(dict.fromkeys(here.loc[here["scope"] == "method", "method"]))
    table = Table(
        "measure", "layer", *methods,
        title=f"{game}: step of onset; lag to the return in octaves, below 0: before it",
        caption="one policy a line, then its method where that is several runs",
    )  # fmt: skip
    for (measure, layer), group in here.groupby(["measure", "layer"], sort=False):
        cells = []
        for method in methods:
            some = group[group["method"] == method]
            some = some[(some["scope"] == "policy") | (some["runs"] > 1)]
            cells.append("\n".join(_line(one) for one in some.itertuples()))
        table.add_row(str(measure), str(layer), *cells)
        table.add_section()
    console = Console()
    console.width = max(console.width, 30 + 50 * len(methods))
    console.print(table)


def _line(one: Any) -> str:
    if np.isnan(one.onset):
        return str(one.verdict)
    shown = f"{one.onset / 1e3:.0f}k"
    if not np.isnan(one.low):
        shown += f" [{one.low / 1e3:.0f}k, {one.high / 1e3:.0f}k]"
    if not np.isnan(one.lag):
        ends = "" if np.isnan(one.lag_low) else f" [{one.lag_low:+.1f}, {one.lag_high:+.1f}]"
        shown += f"; {one.lag:+.1f}{ends}"
    return shown + ("" if one.verdict == OK else f" ({one.verdict})")


def main(settings: Settings) -> None:
    """Measure, print a table a game and write three tables."""
    settings.check()
    schemas = SCHEMA, ONSETS_SCHEMA, GAP_SCHEMA
    paths = [settings.output / f"{schema.name}.csv" for schema in schemas]
    for path in paths:
        check_output(path, overwrite=settings.overwrite)
    from analysis.policies.subjects import load_subjects

    names = kept_names(settings.ids, settings.root, settings.until)
    games = load_subjects(names, settings.root, controls=settings.untrained)
    values: list[dict[str, Any]] = []
    onsets: list[dict[str, Any]] = []
    for game, subjects in games.items():
        tracks, rows = measure_game(subjects, settings)
        values += rows + [row for track in tracks for row in track.rows()]
        onsets += onset_rows(tracks, [track for track in tracks if track.measure == RETURN])
        show(pd.DataFrame(onsets), game)
    frame = pd.DataFrame(values)
    gaps = pd.DataFrame(gap_rows(frame, settings.seed), columns=GAP_SCHEMA.names)
    provenance: dict[str, Any] = {
        "policies": {str(s.id): s.code for g in games.values() for s in g},
        **{name: getattr(settings, name) for name in ("until", "states", "backgrounds")},
        **{name: getattr(settings, name) for name in ("saliency_states", "replicates", "seed")},
    }
    for one, schema, path in zip((frame, pd.DataFrame(onsets), gaps), schemas, paths, strict=True):
        print(write_table(one, schema, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.emergence")

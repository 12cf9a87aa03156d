"""When measures moved, of policies and of methods, beside the return: rows of a table.

Nothing is averaged away: a method of which one policy has no onset has none itself, and says why.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analysis.measures.onset import detectable
from analysis.records.columns import ends_of
from analysis.records.values import OK, RETURN
from analysis.studies.training.history import Event, History
from checkpoints.console import show_tables
from checkpoints.policy.ids import PolicyId

UNTIMED = ("entropy", "tv_between")
"""Measures that are no invariance: they stand beside the others, without an onset."""
NONE_LOST: Mapping[PolicyId, str] = MappingProxyType({})


def onset_rows(
    histories: Sequence[History],
    returns: Sequence[History],
    lost: Mapping[PolicyId, str] = NONE_LOST,
) -> Iterator[dict[str, Any]]:
    """Rows of :data:`analysis.records.values.ONSETS` of each policy and of each method.

    Args:
        histories: of one game; all measures.
        returns: the histories of the return of the same policies.
        lost: runs of which nothing is kept -> verdict; each has a row of its own.
    """
    against = {history.policy: history for history in returns}
    timed = [history for history in histories if history.measure not in UNTIMED]
    seeds = {history.policy.seed for history in timed}
    for history in timed:
        yield _row([history], [against[history.policy]], "policy", str(history.policy), set())

    def kind(history: History) -> tuple[str, str, str]:
        return history.policy.method, history.measure, history.layer

    for (method, _, _), grouped in groupby(sorted(timed, key=kind), key=kind):
        some = list(grouped)
        name = f"{some[0].policy.game}/{method}"
        planned = seeds | {run.seed for run in lost if run.method == method}
        yield _row(some, [against[history.policy] for history in some], "method", name, planned)
    for run, verdict in lost.items():
        yield _lost_row(run, verdict)


def _lost_row(run: PolicyId, verdict: str) -> dict[str, Any]:
    """A run that has no value of any measure."""
    whole = {"game": run.game, "scope": "run", "id": str(run), "method": run.method}
    counts = {"runs": 1, **dict.fromkeys(("kept_steps", "first", "last", "increments"), 0)}
    values = ("start", "end", "onset", "low", "high", "lag", "lag_low", "lag_high", "rho")
    nothing = dict.fromkeys((*values, "detectable"), np.nan)
    verdicts = {"verdict": verdict, "lag_verdict": verdict}
    return whole | {"measure": "all", "layer": "all"} | counts | nothing | verdicts


def _row(
    some: list[History], returns: list[History], scope: str, name: str, seeds: set[int]
) -> dict[str, Any]:
    """One policy, or all of a method: the mean over its runs, of each the mean over its peers."""
    first = some[0]
    of_runs = [history.policy.seed for history in some]
    onset = pooled([history.onset for history in some], of_runs, scope)
    pairs = list(zip(some, returns, strict=True))
    lag = pooled([history.after(other) for history, other in pairs], of_runs, scope)
    rho, counts = zip(*(history.increments(other) for history, other in pairs), strict=True)
    count = min(counts)
    missing = sorted(seeds - set(of_runs))
    note = f"; seeds missing: {' '.join(map(str, missing))}" if missing else ""
    cells: dict[str, Any] = {
        "game": first.policy.game,
        "scope": scope,
        "id": name,
        "method": first.policy.method,
        "measure": first.measure,
        "layer": first.layer,
        "runs": len(set(of_runs)),
        "kept_steps": min(int(history.known.sum()) for history in some),
        "first": int(max(history.steps[history.known][:1].sum() for history in some)),
        "last": int(min(history.steps[-1] for history in some)),
        "start": float(np.mean([history.start for history in some])),
        "end": float(np.mean([history.draws[-1, 0] for history in some])),
        "verdict": onset.verdict + note,
        "lag_verdict": lag.verdict + note,
        "rho": float(np.mean(rho)),
        "increments": count,
        "detectable": detectable(count),
    }
    ends = ("onset", "low", "high"), ("lag", "lag_low", "lag_high")
    for names, timing, exponential in zip(ends, (onset, lag), (True, False), strict=True):
        found = np.array([timing.draws[0], *ends_of(timing.draws)])
        cells |= zip(names, np.exp2(found) if exponential else found, strict=True)
    if first.measure == RETURN:
        cells |= dict.fromkeys(("lag", "lag_low", "lag_high", "rho"), np.nan)
        cells["lag_verdict"] = "itself"
    return cells


def pooled(events: Sequence[Event], runs: Sequence[int], scope: str = "method") -> Event:
    """The mean over runs of the mean over their peers, runs drawn anew in each replicate.

    One run says nothing of others: its ends are NaN, and the verdict says so. Where a policy has
    no onset, the method has none. With two runs half of the replicates hold one of them twice:
    such an interval is short.
    """
    if scope == "policy":
        return events[0]
    lost = [one.verdict for one in events if not one.there]
    if lost:
        why = ", ".join(dict.fromkeys(lost))
        return Event(np.full(len(events[0].draws), np.nan), f"{len(lost)} of {len(events)}: {why}")
    draws = np.stack([one.draws for one in events])
    of_run = np.stack([draws[np.array(runs) == run].mean(axis=0) for run in sorted(set(runs))])
    K, r = of_run.shape
    notes = [one.verdict for one in events if one.verdict != OK]
    verdict = ", ".join(dict.fromkeys(notes)) or OK
    if K == 1:
        alone = np.concatenate([of_run[0, :1], np.full(r - 1, np.nan)])
        return Event(alone, "one run" if verdict == OK else f"one run, {verdict}")
    drawn = np.random.default_rng(0).integers(K, size=(K, r))
    found = of_run[drawn, np.arange(r)].mean(axis=0)
    found[0] = of_run[:, 0].mean()
    return Event(found, verdict)


def show(onsets: pd.DataFrame, game: str) -> None:
    """Print each measure's onset and its lag to the return, a column for each method."""
    from rich.table import Table

    here = onsets[onsets["game"] == game]
    methods = list(dict.fromkeys(here["method"]))
    table = Table(
        "measure",
        "layer",
        *methods,
        title=f"{game}: step of onset; lag to the return in octaves, below 0: before it",
        caption="one policy a line, then its method where that is several runs",
    )
    for (measure, layer), group in here.groupby(["measure", "layer"], sort=False):
        cells = []
        for method in methods:
            some = group[group["method"] == method]
            some = some[(some["scope"] != "method") | (some["runs"] > 1)]
            cells.append("\n".join(_line(one) for one in some.itertuples()))
        table.add_row(str(measure), str(layer), *cells)
        table.add_section()
    show_tables(table, keys=2)


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

"""When measures moved, of policies and of methods, beside the return: rows of a table.

Nothing is averaged away: a method of which one policy has no onset has none itself, and says why.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from analysis.measures.onset import detectable
from analysis.records.tables import Column, Schema
from analysis.studies.training.history import OK, RETURN, Timing, Track

UNTIMED = ("gap", "entropy", "tv_between", "horizon")
"""Measures that are no invariance: they stand beside the others, without an onset."""
ONSETS = (
    Column("game", "text", "one of the 16"),
    Column("scope", "text", "policy; method: mean over runs, of which peers are one"),
    Column("id", "text", "run and peer, or game and method"),
    Column("method", "text", "training recipe"),
    Column("measure", "text", "see the command's help"),
    Column("layer", "text", "of its encoder, or what else the measure is about"),
    Column("runs", "int", "seeds", low=1),
    Column("steps", "int", "kept steps with a value, fewest of the policies", low=0),
    Column("first", "int", "first of them: an onset at it may lie before", "steps", low=0),
    Column("last", "int", "last kept step", "steps", low=0),
    Column("start", "float", "value of untrained networks, mean"),
    Column("end", "float", "value at the last step"),
    Column("onset", "float", "step with half of the way covered", "steps", low=0),
    Column("low", "float", "2.5 % point: levels and networks; of methods runs too", "steps", low=0),
    Column("high", "float", "its 97.5 % point", "steps", low=0),
    Column("verdict", "text", "ok, or what stands in the way of an onset"),
    Column("lag", "float", "its onset after that of the return; below 0: before", "octaves"),
    Column("lag_low", "float", "2.5 % point", "octaves"),
    Column("lag_high", "float", "97.5 % point", "octaves"),
    Column("lag_verdict", "text", "ok, or what stands in the way of a lag"),
    Column("rho", "float", "Spearman of its and the return's increments", low=-1, high=1),
    Column("increments", "int", "behind it, fewest of the policies", low=0),
    Column("detectable", "float", "the smallest such |rho| with p < .05", low=0, high=1),
)


def onsets_schema(name: str) -> Schema:
    """An onset, a lag and a correlation for each policy or method, measure and layer."""
    return Schema(name, ONSETS, key=("id", "measure", "layer"))


def onset_rows(tracks: Sequence[Track], returns: Sequence[Track]) -> Iterator[dict[str, Any]]:
    """Rows of :data:`ONSETS` of each policy and of each method.

    Args:
        tracks: of one game; all measures.
        returns: the tracks of the return of the same policies.
    """
    against = {track.policy: track for track in returns}
    timed = [track for track in tracks if track.measure not in UNTIMED]
    seeds = {track.policy.seed for track in timed}
    for track in timed:
        yield _row([track], [against[track.policy]], "policy", str(track.policy), set())

    def kind(track: Track) -> tuple[str, str, str]:
        return track.policy.method, track.measure, track.layer

    for (method, _, _), grouped in groupby(sorted(timed, key=kind), key=kind):
        some = list(grouped)
        name = f"{some[0].policy.game}/{method}"
        yield _row(some, [against[track.policy] for track in some], "method", name, seeds)


def _row(
    some: list[Track], returns: list[Track], scope: str, name: str, seeds: set[int]
) -> dict[str, Any]:
    """One policy, or all of a method: the mean over its runs, of each the mean over its peers."""
    first = some[0]
    of_runs = [track.policy.seed for track in some]
    onset = pooled([track.onset for track in some], of_runs, scope)
    pairs = list(zip(some, returns, strict=True))
    lag = pooled([track.after(other) for track, other in pairs], of_runs, scope)
    rho, counts = zip(*(track.increments(other) for track, other in pairs), strict=True)
    count = min(counts)
    missing = sorted(seeds - set(of_runs))
    note = f"; seeds missing: {' '.join(map(str, missing))}" if missing else ""
    cells: dict[str, Any] = {
        "game": first.policy.game, "scope": scope, "id": name, "method": first.policy.method,
        "measure": first.measure, "layer": first.layer, "runs": len(set(of_runs)),
        "steps": min(int(track.known.sum()) for track in some),
        "first": int(max(track.steps[track.known][:1].sum() for track in some)),
        "last": int(min(track.steps[-1] for track in some)),
        "start": float(np.mean([track.start for track in some])),
        "end": float(np.mean([track.draws[-1, 0] for track in some])),
        "verdict": onset.verdict + note, "lag_verdict": lag.verdict + note,
        "rho": float(np.mean(rho)), "increments": count, "detectable": detectable(count),
    }  # fmt: skip
    ends = ("onset", "low", "high"), ("lag", "lag_low", "lag_high")
    for names, timing, exponential in zip(ends, (onset, lag), (True, False), strict=True):
        found = timing.draws[0], *np.quantile(timing.draws[1:], [0.025, 0.975])
        cells |= zip(names, np.exp2(found) if exponential else found, strict=True)
    if first.measure == RETURN:
        cells |= dict.fromkeys(("lag", "lag_low", "lag_high", "rho"), np.nan)
        cells["lag_verdict"] = "itself"
    return cells


def pooled(timings: Sequence[Timing], runs: Sequence[int], scope: str = "method") -> Timing:
    """The mean over runs of the mean over their peers, runs drawn anew in each replicate.

    One run says nothing of others: its ends are NaN, and the verdict says so. Where a policy has
    no onset, the method has none. With two runs half of the replicates hold one of them twice:
    such an interval is short.
    """
    if scope == "policy":
        return timings[0]
    lost = [one.verdict for one in timings if not one.there]
    if lost:
        why = ", ".join(dict.fromkeys(lost))
        return Timing(
            np.full(len(timings[0].draws), np.nan), f"{len(lost)} of {len(timings)}: {why}"
        )
    draws = np.stack([one.draws for one in timings])
    of_run = np.stack([draws[np.array(runs) == run].mean(axis=0) for run in sorted(set(runs))])
    K, r = of_run.shape
    notes = [one.verdict for one in timings if one.verdict != OK]
    verdict = ", ".join(dict.fromkeys(notes)) or OK
    if K == 1:
        alone = np.concatenate([of_run[0, :1], np.full(r - 1, np.nan)])
        return Timing(alone, "one run" if verdict == OK else f"one run, {verdict}")
    drawn = np.random.default_rng(0).integers(K, size=(K, r))
    found = of_run[drawn, np.arange(r)].mean(axis=0)
    found[0] = of_run[:, 0].mean()
    return Timing(found, verdict)

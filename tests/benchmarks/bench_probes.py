"""How fast and how exact: all probes of a layer at once beside a scikit-learn loop.

``python -m tests.benchmarks.bench_probes [LAYERS] [cold] [full]``: LAYERS layers (2) of 4,000
states × 256 features, 4 numbers and 4 classes, 5 folds by level, 20 penalties. The loop is RidgeCV
and LogisticRegression, each fit started from the last penalty's weights, or ``cold``, from none.
It takes many minutes, so unless ``full`` is asked for only one outer fold of one layer is timed and
multiplied; held-out scores are compared on all folds and layers, scikit-learn being fitted at the
penalties that we chose.
"""

import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.preprocessing import StandardScaler

from probes.readers.crossfit import Held, Task, crossfit
from probes.readers.solver import PENALTIES
from probes.readers.splits import deal_folds

N, D, PER_LEVEL = 4_000, 256, 8
CLASSES = (2, 3, 4, 8)


def world(layers: int) -> tuple[list[np.ndarray], list[Task], np.ndarray]:
    """Rectified layers of 16 hidden causes; numbers and classes of one or two of them, noisy."""
    rng = np.random.default_rng(0)
    levels = np.arange(N) // PER_LEVEL
    cause = (rng.normal(size=(N // PER_LEVEL, 16))[levels] + rng.normal(size=(N, 16))) / 2**0.5
    found = []
    for _ in range(layers):
        mixed = cause @ rng.normal(size=(16, D)) / 4 + 0.5 * rng.normal(size=(N, D))
        found.append(np.maximum(mixed, 0).astype(np.float32))
    tasks = [Task(f"number {i}", cause[:, i] + i * rng.normal(size=N) / 2) for i in range(4)]
    for k in CLASSES:
        score = cause[:, :k] + 0.7 * rng.gumbel(size=(N, k))
        tasks.append(Task(f"{k} classes", score.argmax(axis=1).astype(float), k))
    return found, tasks, deal_folds(levels)


def search_ridge(x: np.ndarray, y: np.ndarray, folds: np.ndarray) -> float:
    cv = [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in np.unique(folds)]
    return RidgeCV(PENALTIES, cv=cv, scoring="neg_mean_squared_error").fit(x, y).alpha_


def search_logistic(x: np.ndarray, y: np.ndarray, folds: np.ndarray, warm: bool) -> float:
    """Least log-loss, classes weighing the same, of states predicted from the other folds."""
    weight, losses = 1 / np.bincount(y), np.zeros(len(PENALTIES))
    for fold in np.unique(folds):
        a, b = folds != fold, folds == fold
        fit = LogisticRegression(class_weight="balanced", max_iter=2_000, warm_start=warm)
        for place, alpha in enumerate(PENALTIES):
            log_p = fit.set_params(C=1 / alpha).fit(x[a], y[a]).predict_log_proba(x[b])
            losses[place] -= (weight[y[b]] * log_p[np.arange(b.sum()), y[b]]).sum()
    return PENALTIES[int(losses.argmin())]


def refit(x: np.ndarray, task: Task, rows: np.ndarray, alpha: float) -> np.ndarray:
    """Scikit-learn's predictions of the other rows."""
    scaler = StandardScaler().fit(x[rows])
    kind = {"class_weight": "balanced", "tol": 1e-6, "max_iter": 5_000}
    model = LogisticRegression(C=1 / alpha, **kind) if task.k else Ridge(alpha=alpha)
    model.fit(scaler.transform(x[rows]), task.values[rows])
    return model.predict(scaler.transform(x[~rows]))


def loop(
    x: np.ndarray, tasks: list[Task], folds: np.ndarray, outer: int, warm: bool
) -> list[float]:
    """Penalties that scikit-learn chooses in one outer fold, and its fits at them."""
    rows, chosen = folds != outer, []
    scaled = StandardScaler().fit_transform(x[rows])
    for task in tasks:
        y = task.values[rows]
        if task.k:
            chosen.append(search_logistic(scaled, y.astype(int), folds[rows], warm))
        else:
            chosen.append(search_ridge(scaled, y, folds[rows]))
        refit(x, task, rows, chosen[-1])
    return chosen


def score(task: Task, predicted: np.ndarray) -> float:
    rule = balanced_accuracy_score if task.k else r2_score
    return rule(task.values, predicted)


def compare(
    xs: list[np.ndarray], tasks: list[Task], folds: np.ndarray, held: list[Held]
) -> list[float]:
    """Largest difference of a task's score from scikit-learn's, over layers."""
    worst = [0.0] * len(tasks)
    for x, ours in zip(xs, held, strict=True):
        for i, task in enumerate(tasks):
            theirs = np.empty(N)
            for fold in range(5):
                rows = folds != fold
                theirs[~rows] = refit(x, task, rows, ours.penalties[fold, i])
            difference = abs(score(task, ours.predicted[:, i]) - score(task, theirs))
            worst[i] = max(worst[i], difference)
    return worst


def main() -> None:
    """Print one table and the ratio."""
    asked = sys.argv[1:]
    full = "full" in asked
    layers = next((int(word) for word in asked if word.isdigit()), 2)
    xs, tasks, folds = world(layers)
    start = time.perf_counter(), time.process_time()
    held = [crossfit(x, tasks, folds) for x in xs]
    ours = time.perf_counter() - start[0], time.process_time() - start[1]
    timed = [(i, f) for i in range(layers) for f in range(5)] if full else [(0, 0)]
    start = time.perf_counter(), time.process_time()
    chosen = [loop(xs[i], tasks, folds, f, "cold" not in asked) for i, f in timed]
    spent = time.perf_counter() - start[0], time.process_time() - start[1]
    theirs = [seconds * layers * 5 / len(timed) for seconds in spent]
    same = np.mean([held[i].penalties[f] == c for (i, f), c in zip(timed, chosen, strict=True)])
    table = Table(title=f"{layers} layers of {N:,} × {D}, {len(tasks)} factors, 5 folds, 20 α")
    for name in ("factor", "score", "largest difference", "converged"):
        table.add_column(name)
    worst = compare(xs, tasks, folds, held)
    for i, (task, difference) in enumerate(zip(tasks, worst, strict=True)):
        value = f"{score(task, held[0].predicted[:, i]):.4f}"
        converged = all(one.converged[i] for one in held)
        table.add_row(task.name, value, f"{difference:.1e}", str(converged))
    Console().print(table)
    scope = "all of it" if full else f"one fold of one layer, times {layers * 5}"
    for name, a, b in zip(("wall", "processor"), ours, theirs, strict=True):
        print(f"{name} seconds: {a:.1f} at once, {b:.0f} in a loop ({scope}): {b / a:.1f} times")
    print(f"same penalty in {100 * same:.0f} % of the searches timed")


if __name__ == "__main__":
    main()

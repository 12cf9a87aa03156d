"""How fast twins are drawn, against Procgen's own steps.

Drawing a twin restores a state and draws it; a step moves the game on and draws it. Both take
their turns on the same levels, and CPU time is counted, so that other work on the machine hits
both alike. Target: at least 0.6 twins for a step in one thread. Of what a twin costs, about 13 µs
go into Procgen's reading three empty random generators, number by number.
"""

import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis.scenes.backgrounds import pick_backgrounds
from analysis.scenes.bank import BankPlan, gather
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.renderer import Renderer

GAMES = ("coinrun", "starpilot", "bigfish")
TURNS = 40
STATES = 64
BACKGROUNDS = 6
TARGET = 0.6


def seconds(work: Callable[[], object]) -> float:
    """CPU time of ``work`` for each of the frames that a turn draws."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / (STATES * BACKGROUNDS)


def speeds(game: str) -> dict[str, float]:
    """Frames a CPU second, median over turns: steps, steps in a worker of Procgen's, twins."""
    states = gather(BankPlan(game, num_states=STATES, num_envs=STATES // 4)).states[:]
    backgrounds = pick_backgrounds(game, BACKGROUNDS)
    renderer, rng = Renderer(game), np.random.default_rng(0)

    def steps(env: ProcgenVectorEnv) -> None:
        for _ in range(BACKGROUNDS):
            env.step(rng.integers(0, 15, STATES))

    calling, worker = (
        ProcgenVectorEnv(game, levels=Levels.train(200), num_envs=STATES, num_threads=threads)
        for threads in (0, 1)
    )
    turns: dict[str, list[float]] = {"calling": [], "worker": [], "twins": []}
    for _ in range(TURNS):
        turns["calling"].append(seconds(lambda: steps(calling)))
        turns["worker"].append(seconds(lambda: steps(worker)))
        turns["twins"].append(seconds(lambda: renderer.render(states, backgrounds)))
    # The first turns load pictures.
    return {name: 1 / float(np.median(each[TURNS // 4 :])) for name, each in turns.items()}


def main() -> None:
    """Measure and print."""
    table = Table("game", "steps/s", "in a worker", "twins/s", "twins a step", "in a worker")
    for game in GAMES:
        found = speeds(game)
        ratios = [found["twins"] / found[name] for name in ("calling", "worker")]
        verdict = "" if ratios[0] >= TARGET else f" < {TARGET}"
        rates = (f"{rate:,.0f}" for rate in found.values())
        table.add_row(game, *rates, f"{ratios[0]:.2f}{verdict}", f"{ratios[1]:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()

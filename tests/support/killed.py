"""Kill a tiny run twenty times, at seeded moments: ``python tests/support/killed.py OUTPUT``.

A moment is a count of calls, of Python and of C functions, so that it does not depend on how busy
the machine is. Every second moment counts calls within writing only. Each attempt is a fork of
this process, which has imported all, read the game's pictures and started no thread.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import rich.progress  # noqa: F401  imported here, once, instead of in each fork
import torch._dynamo
import torch.utils.tensorboard  # noqa: F401

import checkpoints.runs.run
from checkpoints.policy.store import versions
from checkpoints.runs.folder import STATE, read_save
from checkpoints.runs.train import main
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from tests.support.tiny import BATCH, RUN, settings

KILLS, ITERATIONS = 20, 24
CALLS, CALLS_WRITING = 200_000, 30_000
"""Some two iterations; measured calls and returns, setting up included."""
WRITING = {checkpoints.runs.run.Run.save.__code__, checkpoints.runs.run.Run._keep.__code__}


def die_after(calls: int, *, writing: bool) -> None:
    """Have this process kill itself at its ``calls``-th call from now on."""
    within, left = not writing, calls

    def count(frame, event, argument) -> None:
        nonlocal within, left
        if writing and frame.f_code in WRITING and event in ("call", "return"):
            within = event == "call"
        left -= within
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)


def attempt(output: Path, calls: int | None, *, writing: bool) -> int:
    """Go on with the run in a fork; the signal that ended it, or 0."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            if calls is not None:
                die_after(calls, writing=writing)
            main(settings(output, steps=ITERATIONS * BATCH, save_seconds=0.0))
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, -signal.SIGKILL), f"exit code {code}"
    return -code


if __name__ == "__main__":
    versions()
    pictures = ProcgenVectorEnv("coinrun", levels=Levels.train(1), num_envs=1)
    output, rng = Path(sys.argv[1]), np.random.default_rng(0)
    for k in range(KILLS):
        writing = k % 2 == 1
        calls = int(rng.integers(1, CALLS_WRITING if writing else CALLS))
        assert attempt(output, calls, writing=writing), f"attempt {k} ended before its kill"
        saved = output / RUN / STATE
        step = read_save(saved).step if saved.exists() else 0
        print(f"kill {k} after {calls} calls{' of writing' if writing else ''}: step {step}")
    assert not attempt(output, None, writing=False)

"""Train a group of peers: ``python -m checkpoints.train GAME/METHOD/SEED``."""

import sys

from checkpoints.console import run_command
from checkpoints.runs.train import Settings, defaults, main

if __name__ == "__main__":
    run_command(main, Settings, name="python -m checkpoints.train", default=defaults(sys.argv[1:]))

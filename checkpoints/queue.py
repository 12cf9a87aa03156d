"""Train a study: ``python -m checkpoints.queue study.yaml``."""

from checkpoints.console import run_command
from checkpoints.runs.queue import Settings, main

if __name__ == "__main__":
    run_command(main, Settings, name="python -m checkpoints.queue")

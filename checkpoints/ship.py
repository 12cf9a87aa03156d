"""The shipped policies, trained and put into the tree: ``python -m checkpoints.ship``."""

from checkpoints.console import run_command
from checkpoints.runs.shipping import Settings, main

if __name__ == "__main__":
    run_command(main, Settings, name="python -m checkpoints.ship")
